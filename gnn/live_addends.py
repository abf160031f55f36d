"""The addends of scores in which items that were added or edited since the build take part: the paths that exist now, one by one.

Attribute paths to or from a live item are those of its present facts; all other paths of an edited item are the build's. The symbols are those of
`gnn.addends`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnn.addends import Addends, History, IntArray, WalkArrays, kept_pairs
from gnn.live import LiveWalk
from gnn.overlay import Overlay

Values = npt.NDArray[np.float64]


class LiveAddends:
    """Enumerates addends with an overlay.

    Args:
        overlay: What changed since the build.
        walks: The build's walks that count.
    """

    def __init__(self, overlay: Overlay, walks: Sequence[WalkArrays]) -> None:
        self._overlay, self._walks = overlay, walks
        # One tuple, exchanged as a whole: all items of a list are explained from one history.
        self._last: tuple[History | None, tuple[History, IntArray]] = (None, (History(np.zeros(0, np.int64), np.zeros(0), ()), np.zeros(0, np.int64)))

    def addends(self, history: History, item: int) -> list[Addends]:
        """Return the addends of the paths from a history to an item, one entry per meta-path.

        Args:
            history: By positions of the overlay.
            item: A position of the overlay.
        """
        built, places = self._as_built(history)
        origin = int(self._overlay.origins(np.asarray([item]))[0])
        kept = kept_pairs(self._overlay.artifact.neighbours, built, origin) if origin >= 0 else np.zeros(len(built.nums), dtype=bool)
        # An edited item keeps no attribute path of the build.
        unedited = kept & (history.nums[places] < self._overlay.n_base) & (item < self._overlay.n_base)
        found = []
        for walk in self._walks:
            live = self._overlay.arrays.walks.get(walk.walk.meta_path.name)
            parts = []
            if origin >= 0:
                own = walk.addends(built, kept if live is None else unedited, origin)
                parts.append(Addends(own.walk, places[own.positions], own.middles, own.values))
            if live is not None:
                parts.append(self._live(live, history, item))
            if parts:
                found.append(_joined(parts))
        return found

    def learned(self, history: History, item: int) -> Values:
        """Return what the learned part adds for each history item.

        Shapes:
            [n history items].
        """
        overlay, model = self._overlay, self._overlay.artifact.model
        n_base = overlay.n_base
        base = history.nums < n_base
        built = base & (item < n_base)
        found = np.zeros(len(history.nums))
        found[built] = model.learned_pairs(history.nums[built], item)
        if model.has_embeddings and not built.all():
            # An item added or edited since the build has the embeddings of its values, and no learned weights.
            source = np.zeros((len(history.nums), model.source_embeddings.shape[1]))
            source[base] = model.source_embeddings[history.nums[base]]
            if not base.all():
                source[~base] = overlay.arrays.embeddings[0][history.nums[~base] - n_base]
            target = model.target_embeddings[item].astype(np.float64) if item < n_base else overlay.arrays.embeddings[1][item - n_base]
            found[~built] = model.learned_gate * (source[~built] @ target)
        return np.asarray(history.weights * found)

    def _as_built(self, history: History) -> tuple[History, IntArray]:
        """Return the history in positions of the build, without new items, and where in the history each of its items stands."""
        last, answer = self._last
        if last is not history:
            origins = self._overlay.origins(history.nums)
            places = np.flatnonzero(origins >= 0)
            places = places[np.argsort(origins[places], kind="stable")]
            relations = [history.relations[place] for place in places.tolist()]
            answer = History(origins[places], history.weights[places], relations, history.user_id), places
            self._last = history, answer
        return answer

    def _live(self, live: LiveWalk, history: History, item: int) -> Addends:
        """Enumerate the attribute paths of which one end is a live item at least."""
        n_base = self._overlay.n_base
        if item >= n_base:
            positions, values = self._sharing(live, history.nums, item - n_base)
        else:
            positions, values = self._from_live(live, history.nums, item)
        start, end = live.start[history.nums[positions]], float(live.end[item])
        weights = live.walk.gate * history.weights[positions] * start * live.middle[values] * end
        return Addends(live.walk, positions, live.nums[values][:, None], weights)

    def _sharing(self, live: LiveWalk, nums: IntArray, place: int) -> tuple[IntArray, IntArray]:
        """Return which history items share which values with a live item: (positions, values)."""
        n_base, found = self._overlay.n_base, [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        base = np.flatnonzero(nums < n_base)
        for value in live.holders[place].tolist():
            if live.middle[value] <= 0:
                continue
            items = live.held.indices[live.held.indptr[value] : live.held.indptr[value + 1]]
            chosen = base[np.isin(nums[base], items)]
            others = [n for n in np.flatnonzero(nums >= n_base).tolist() if nums[n] != n_base + place and value in live.holders[nums[n] - n_base]]
            chosen = np.concatenate([chosen, np.asarray(others, dtype=np.int64)])
            found.append((chosen, np.full(len(chosen), value)))
        positions, values = (np.concatenate(parts).astype(np.int64) for parts in zip(*found, strict=True))
        return positions, values

    def _from_live(self, live: LiveWalk, nums: IntArray, item: int) -> tuple[IntArray, IntArray]:
        """Return which live items of a history share which values with an item of the build: (positions, values)."""
        n_base, positions, values = self._overlay.n_base, [], []
        for n in np.flatnonzero(nums >= n_base).tolist():
            for value in live.holders[nums[n] - n_base].tolist():
                items = live.held.indices[live.held.indptr[value] : live.held.indptr[value + 1]]
                if live.middle[value] > 0 and item in items:
                    positions.append(n)
                    values.append(value)
        return np.asarray(positions, dtype=np.int64), np.asarray(values, dtype=np.int64)


def _joined(parts: Sequence[Addends]) -> Addends:
    if len(parts) == 1:
        return parts[0]
    return Addends(
        parts[0].walk,
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.middles for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
