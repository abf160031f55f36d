"""Items that were added or edited since the build: scored like the others, over the paths that they have.

An edited item keeps its position in the build, and new items follow after the last. For a history item j and an item i of which one at least is live,
that is, added or edited,

    s(u, i) = Σ_j c_uj · [ Σ_{m attribute} g_m · w_m(j, i)  +  o(j, i)  +  t(j, i)  +  g_L · ⟨a_j, b_i⟩ ]

* w_m adds up the paths j → value → i of each attribute meta-path with the gates and exponents of the build (`gnn.live.live_items`).
Nothing is pruned.
* o(j, i) is what all other meta-paths add where both j and i were in the build, for the pairs that the build keeps: an edit of its attributes takes
  no purchase away from an item. A new item has none of these yet.
* t(j, i) is what an item that nobody has met takes from the items that it reads like, beyond its own paths (`gnn.live.likeness`).
* An item that nearly equals one of the history is raised to where the best of the list are (`gnn.live.likeness.raised`).
* a and b of an item that nobody has met yet are the means of its attribute neighbours: so does training give an embedding to items without events
  (`gnn.model.path_sum.smoothed`).

Everything is linear in the history, as in `gnn.model.scorer`, so the shares of an explanation are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray
from gnn.live.likeness import raised
from gnn.live.live_items import LiveArrays
from gnn.live.rows import Facts, LiveItem
from gnn.model.history import History
from gnn.model.scorer import Values, graph_scores, score
from gnn.types import IntArray
from kg.schema import EdgeType, family


@dataclass(frozen=True)
class Overlay:
    """What changed since the build.

    Attributes:
        arrays: The items whose paths differ from the build's.
        unchanged: Items that changed in nothing that the score depends on, by id.
        available: Item id → whether it may be shown, where that changed.
        gone: Items that are deleted: they are not shown, and no part of a history either.
    """

    arrays: LiveArrays
    unchanged: Mapping[str, LiveItem] = field(default_factory=dict)
    available: Mapping[str, bool] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    # One entry, exchanged as a whole: all items of a list are scored and explained from one history.
    _last: dict[str, tuple[History, Values, IntArray]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        artifact: Artifact,
        items: Iterable[LiveItem] = (),
        *,
        available: Mapping[str, bool] | None = None,
        gone: Iterable[str] = (),
        previous: Overlay | None = None,
    ) -> Overlay:
        """Collect what changed.

        Args:
            artifact: The build.
            items: Every item added or edited since, as it is now; those whose facts are the build's are not scored anew.
            available: Item id → whether it may be shown, where that changed.
            gone: Item ids that are deleted.
            previous: The overlay before this one: what it has worked out is kept.
        """
        if previous is not None and previous.artifact is not artifact:
            previous = None
        chosen = {item.item_id: item for item in items}
        compared = {} if previous is None else previous.unchanged
        unchanged = {name: item for name, item in chosen.items() if compared.get(name) is item or is_as_built(artifact, item)}
        live = tuple(chosen[name] for name in sorted(set(chosen) - set(unchanged)))
        if previous is not None and previous.arrays.items == live:
            arrays = previous.arrays
        else:
            arrays = LiveArrays(artifact, live, None if previous is None else previous.arrays.learned)
        return cls(arrays, unchanged, dict(available or {}), frozenset(gone))

    def with_availability(self, available: Mapping[str, bool], gone: Iterable[str]) -> Overlay:
        """Return the same items with other availability and deletions."""
        return replace(self, available=dict(available), gone=frozenset(gone))

    @property
    def artifact(self) -> Artifact:
        """The build."""
        return self.arrays.artifact

    @property
    def n_items(self) -> int:
        """Number of positions: those of the build and those of new items."""
        return self.arrays.n_items

    def num(self, item_id: str) -> int | None:
        """Return the position of an item, deleted or not; None where there never was one."""
        num = self.arrays.new_nums.get(item_id)
        return self.artifact.item_nums.get(item_id) if num is None else num

    @cached_property
    def gone_nums(self) -> IntArray:
        """Positions of deleted items, ascending."""
        return np.asarray(sorted(num for item_id in self.gone if (num := self.num(item_id)) is not None), dtype=np.int64)

    def scores(self, history: History) -> FloatArray:
        """Score every item for a history.

        Shapes:
            [n_items], float32.
        """
        arrays, model = self.arrays, self.artifact.model
        if not arrays.items:
            unchanged: FloatArray = score(history.row(self.n_items), self.artifact.neighbours, model)[0]
            return unchanged
        known, user, live = self.parts(history)
        scores = np.zeros(self.n_items, dtype=np.float32)
        scores[: arrays.n_base] = known
        if model.has_embeddings:
            scores[: arrays.n_base] += user.astype(np.float32) @ model.target_embeddings.T
        scores[arrays.positions] = live
        return scores

    def parts(self, history: History) -> tuple[FloatArray, Values, Values]:
        """Return what scores are made of, with live items in the history or among the candidates.

        Args:
            history: Whose scores they are.

        Returns:
            What the graph and the item–item weights add to each item of the build, right for those that are not live; the vector whose product with
            b_i the embeddings add; and the whole scores of live items.

        Shapes:
            → [n_base] float32, [d] float64, [n live] float64.
        """
        known, user, live, (values, _) = self._parts(history)
        return known, user, live + values

    def _parts(self, history: History) -> tuple[FloatArray, Values, Values, tuple[Values, IntArray]]:
        """Return the same with what raises live items apart."""
        arrays, model = self.arrays, self.artifact.model
        is_live = arrays.is_live[history.nums]
        known = _row(history, ~is_live, arrays.n_base)
        scores = graph_scores(known, self.artifact.neighbours)[0]
        live = arrays.right @ (arrays.left[history.nums].T @ history.weights) + (arrays.others + arrays.alike)[history.nums].T @ history.weights
        for num, weight in zip(history.nums[is_live].tolist(), history.weights[is_live].tolist(), strict=True):
            place = arrays.places[num]
            live[place] -= weight * arrays.returning[place]
            targets, values = arrays.outgoing(num)
            scores[targets] += (weight * values).astype(np.float32)
        if model.has_weights:
            # An edited item keeps what the shoppers' choices taught of it; of a new one they have taught nothing yet.
            whole = model.weight_scores(_row(history, history.nums < arrays.n_base, arrays.n_base))[0]
            scores += whole
            in_build = arrays.positions < arrays.n_base
            live[in_build] += whole[arrays.positions[in_build]]
        user = np.zeros(model.source_embeddings.shape[1])
        if model.has_embeddings:
            source, target = arrays.embeddings
            own = history.weights[is_live] @ source[[arrays.places[num] for num in history.nums[is_live].tolist()]]
            unchanged = history.weights[~is_live] @ model.source_embeddings[history.nums[~is_live]].astype(np.float64)
            user = model.learned_gate * (own + unchanged)
            live += target @ user
        lift = self._raised(history, scores, user, live)
        self._last["raised"] = history, *lift
        return scores, user, live, lift

    def raised(self, history: History) -> tuple[Values, IntArray]:
        """Return by how much live items are raised that nearly equal an item of a history, and which item of it that is.

        Shapes:
            → [n live], and places in the history, [n live].
        """
        last = self._last.get("raised")
        return self._parts(history)[3] if last is None or last[0] is not history else last[1:]

    def _raised(self, history: History, known: FloatArray, user: Values, live: Values) -> tuple[Values, IntArray]:
        arrays, model = self.arrays, self.artifact.model
        near = arrays.twins[history.nums]
        near = sp.csr_matrix(sp.diags((history.weights > 0).astype(np.float64)) @ near) if near.nnz else near
        if not near.nnz or not near.data.any():
            return np.zeros(len(live)), np.zeros(len(live), dtype=np.int64)
        built = known + user.astype(np.float32) @ model.target_embeddings.T if model.has_embeddings else known.copy()
        built[arrays.positions[arrays.positions < arrays.n_base]] = -np.inf
        return raised(near, history.nums[history.nums < arrays.n_base], built, live)


def column(artifact: Artifact, item: int, overlay: Overlay | None = None) -> FloatArray:
    """Return what every item, as the only one of a history, would give to one item: the addends of a history are these times its weights.

    Args:
        artifact: The build.
        item: A position of it, or of the overlay.
        overlay: What changed since. What an edited item gives to one that was not edited is explained as the build has it.

    Shapes:
        [n_items], float32.
    """
    model, n_base = artifact.model, artifact.n_items
    if overlay is None or not overlay.arrays.is_live[item]:
        addends: FloatArray = np.zeros(n_base if overlay is None else overlay.n_items, dtype=np.float32)
        addends[:n_base] += model.learned_column(item)
        places = np.flatnonzero(np.asarray(artifact.neighbours.indices) == item)
        addends[np.searchsorted(artifact.neighbours.indptr, places, side="right") - 1] += artifact.neighbours.data[places]
        return addends
    arrays, place = overlay.arrays, overlay.arrays.places[item]
    total = np.asarray(
        (arrays.left @ arrays.right[place].T + arrays.others[:, [place]] + arrays.alike[:, [place]]).todense(), dtype=np.float64
    ).ravel()
    if model.has_embeddings:
        source, target = arrays.embeddings
        products = np.zeros(overlay.n_items)
        products[:n_base] = model.source_embeddings @ target[place]
        products[arrays.positions] = source @ target[place]
        total += model.learned_gate * products
    if item < n_base:
        total[:n_base] += replace(model, learned_gate=0.0).learned_column(item)
    total[item] = 0.0
    return total.astype(np.float32)


def _row(history: History, chosen: npt.NDArray[np.bool_], n_items: int) -> sp.csr_matrix:
    return History(history.nums[chosen], history.weights[chosen], ()).row(n_items)


def is_as_built(artifact: Artifact, item: LiveItem) -> bool:
    """Say whether an item has the attribute edges that it has in the build."""
    return item.item_id in artifact.item_nums and base_facts(artifact, item.item_id) == _sorted(item.facts)


def base_facts(artifact: Artifact, item_id: str) -> dict[EdgeType, tuple[str, ...]]:
    """Return the attribute edges that an item has in the build, values sorted."""
    num, facts = artifact.item_nums[item_id], {}
    for edge_type, edges in artifact.edges.items():
        if family(edge_type) == "attribute":
            values = edges.forward.indices[edges.forward.indptr[num] : edges.forward.indptr[num + 1]]
            if len(values):
                facts[edge_type] = tuple(sorted(artifact.node_key(edge_type[2], int(value)) for value in values))
    return facts


def _sorted(facts: Facts) -> dict[EdgeType, tuple[str, ...]]:
    return {edge_type: tuple(sorted(values)) for edge_type, values in facts.items() if values}


__all__ = ["LiveItem", "Overlay", "base_facts", "column", "is_as_built"]
