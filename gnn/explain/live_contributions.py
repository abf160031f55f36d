"""The addends of scores in which items that were added or edited since the build take part: the paths that exist now, one by one.

Attribute paths to or from a live item are those of its present facts; all other paths of an edited item are the build's. The symbols are those of
`gnn.explain.contributions`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnn.explain.contributions import Contributions, WalkArrays, kept_pairs
from gnn.live.live_items import LiveWalk
from gnn.live.overlay import Overlay
from gnn.live.rows import row_of
from gnn.model.history import History
from gnn.model.learned_paths import LearnedShares
from gnn.types import IntArray

Values = npt.NDArray[np.float64]


class LiveContributions:
    """Enumerates addends with an overlay.

    Args:
        overlay: What changed since the build.
        walks: The build's walks that count.
    """

    def __init__(self, overlay: Overlay, walks: Sequence[WalkArrays]) -> None:
        self._overlay, self._walks = overlay, walks
        # One tuple, exchanged as a whole: all items of a list are explained from one history.
        self._last: tuple[History | None, History | None] = (None, None)

    def concerns(self, history: History, items: IntArray) -> bool:
        """Say whether any of the items or of the history has changed since the build."""
        is_live = self._overlay.arrays.is_live
        return bool(is_live[history.nums].any() or is_live[items].any())

    def split(self, history: History, item: int) -> LearnedShares | None:
        """Return what of the learned part runs over paths through shoppers who met both; None of an item that changed since the build."""
        arrays = self._overlay.arrays
        learned = next((walk.learned for walk in self._walks if walk.learned is not None), None)
        if learned is None or arrays.is_live[item]:
            return None
        return learned.split(history, self._sources(history), self.as_built(history), np.asarray([item]))

    def _sources(self, history: History) -> Values:
        """Return the embeddings of a history as they are now, [n history items, d]."""
        arrays, model = self._overlay.arrays, self._overlay.artifact.model
        is_live = arrays.is_live[history.nums]
        source = np.zeros((len(history.nums), model.source_embeddings.shape[1]))
        source[~is_live] = model.source_embeddings[history.nums[~is_live]]
        if is_live.any() and source.shape[1]:
            source[is_live] = arrays.embeddings[0][[arrays.places[num] for num in history.nums[is_live].tolist()]]
        return source

    def addends(self, history: History, item: int, learned: LearnedShares | None = None) -> list[Contributions]:
        """Return the addends of the paths from a history to an item, one entry per meta-path; with what of the learned part runs over them."""
        arrays = self._overlay.arrays
        built = self.as_built(history)
        in_build = item < arrays.n_base
        kept = kept_pairs(arrays.artifact.neighbours, built.nums, np.asarray([item]))[0] if in_build else np.zeros(len(built.nums), dtype=bool)
        # A live item keeps no attribute path of the build.
        unedited = kept & ~arrays.is_live[built.nums] if not arrays.is_live[item] else np.zeros_like(kept)
        result = []
        for walk in self._walks:
            live = arrays.walks.get(walk.walk.meta_path.name)
            shares = None if walk.learned is None else learned
            parts = [walk.addends(built, kept if live is None else unedited, item, shares)] if in_build else []
            if live is not None:
                parts.append(self._live(live, history, item))
            if parts:
                result.append(_joined(parts))
        return result

    def learned(self, history: History, item: int) -> Values:
        """Return what the learned part adds for each history item.

        Shapes:
            [n history items].
        """
        arrays, model = self._overlay.arrays, self._overlay.artifact.model
        values = np.zeros(len(history.nums))
        if model.has_embeddings and len(history.nums):
            source = self._sources(history)
            target = arrays.embeddings[1][arrays.places[item]] if arrays.is_live[item] else model.target_embeddings[item].astype(np.float64)
            values += model.learned_gate * (source @ target)
        if item < arrays.n_base:
            # An edited item keeps what the shoppers' choices taught of it; of a new one they have taught nothing yet.
            built = history.nums < arrays.n_base
            values[built] += model.weight_pairs(history.nums[built], item)
        return np.asarray(history.weights * values) + self.alike(history, item)

    def alike(self, history: History, item: int) -> Values:
        """Return what of that is there because an item that nobody has met reads like others.

        Shapes:
            [n history items].
        """
        arrays = self._overlay.arrays
        if not arrays.is_live[item] or not len(history.nums):
            return np.zeros(len(history.nums))
        column = np.asarray(arrays.alike[history.nums][:, [arrays.places[item]]].todense(), dtype=np.float64).ravel()
        result = np.asarray(history.weights * column)
        values, places = self._overlay.raised(history)
        result[places[arrays.places[item]]] += values[arrays.places[item]]
        return result

    def as_built(self, history: History) -> History:
        """Return the history without new items, which the build's walks know nothing of: they are its last, so positions stay."""
        last, built = self._last
        if last is not history or built is None:
            n = int(np.searchsorted(history.nums, self._overlay.arrays.n_base))
            built = history if n == len(history.nums) else History(history.nums[:n], history.weights[:n], history.relations[:n], history.user_id)
            self._last = history, built
        return built

    def _live(self, live: LiveWalk, history: History, item: int) -> Contributions:
        """Enumerate the attribute paths of which one end is a live item at least."""
        is_live, paths = self._overlay.arrays.is_live, [(_NONE, _NONE)]
        for value in row_of(live.entered, item).tolist():
            items = row_of(live.holders, value)
            chosen = np.isin(history.nums, items) & (history.nums != item)
            if not is_live[item]:
                chosen &= is_live[history.nums]
            places = np.flatnonzero(chosen) if live.middle[value] > 0 else _NONE
            paths.append((places, np.full(len(places), value)))
        positions, values = (np.concatenate(parts).astype(np.int64) for parts in zip(*paths, strict=True))
        starts = live.start[history.nums[positions]]
        weights = live.walk.gate * history.weights[positions] * starts * live.middle[values] * float(live.end[item])
        return Contributions(live.walk, positions, live.nums[values][:, None], weights)


_NONE: IntArray = np.zeros(0, dtype=np.int64)


def _joined(parts: Sequence[Contributions]) -> Contributions:
    if len(parts) == 1:
        return parts[0]
    return Contributions(
        parts[0].walk,
        np.concatenate([part.positions for part in parts]),
        np.concatenate([part.middles for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
