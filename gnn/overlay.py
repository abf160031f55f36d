"""Items that were added or edited since the build: scored like the others, over the paths that they have.

A build knows its items by their positions 0 … n - 1. The overlay numbers the items that changed since on from there; the base position of an item
that was edited is no longer used, neither as part of a history nor as a candidate. For a history item j, base or live, and a live item i

    s(u, i) = Σ_j c_uj · [ Σ_{m attribute} g_m · w_m(j, i)  +  o(j, i)  +  g_L · ⟨a_j, b_i⟩ ]

* w_m adds up the paths j → value → i of each attribute meta-path with the gates and exponents of the build (`gnn.live`). Nothing is pruned.
* o(j, i) is what all other meta-paths add where both j and i were in the build, for the pairs that the build keeps: an edit of its attributes takes
  no purchase away from an item. A new item has none of these yet.
* a and b of an item that nobody has met yet are the means of its attribute neighbours: so does training give an embedding to items without events
  (`gnn.model.smoothed`).

Everything is linear in the history, as in `gnn.scorer`, so the shares of an explanation are exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.addends import History, IntArray
from gnn.artifact import Artifact
from gnn.live import Facts, LiveArrays, LiveItem
from gnn.scorer import score
from gnn.walks import FloatArray
from kg.schema import EdgeType, family


@dataclass(frozen=True)
class Overlay:
    """What changed since the build.

    Attributes:
        arrays: The items whose paths differ from the build's.
        hidden_ids: Items that must not be shown, because they are not available. They still explain what they lead to.
        gone_ids: Items that are deleted: they are not shown, and no part of a history either.
        unchanged: Items that changed in nothing that the score depends on.
    """

    arrays: LiveArrays
    hidden_ids: frozenset[str] = frozenset()
    gone_ids: frozenset[str] = frozenset()
    unchanged: Mapping[str, LiveItem] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        artifact: Artifact,
        items: Iterable[LiveItem] = (),
        *,
        hidden: Collection[str] = (),
        gone: Collection[str] = (),
        previous: Overlay | None = None,
    ) -> Overlay:
        """Collect what changed.

        Args:
            artifact: The build.
            items: Every item added or edited since, as it is now; those whose facts are the build's are not scored anew.
            hidden: Item ids not to be shown.
            gone: Item ids that are deleted.
            previous: The overlay before this one: what it has worked out is kept.
        """
        if previous is not None and previous.arrays.artifact is not artifact:
            previous = None
        chosen = {item.item_id: item for item in items}
        compared = {} if previous is None else previous.unchanged
        unchanged = {name: item for name, item in chosen.items() if compared.get(name) is item or is_as_built(artifact, item)}
        live = tuple(chosen[name] for name in sorted(set(chosen) - set(unchanged)))
        if previous is not None and previous.arrays.items == live:
            arrays = previous.arrays
        else:
            arrays = LiveArrays(artifact, live, None if previous is None else previous.arrays.learned)
        return cls(arrays, frozenset(hidden), frozenset(gone), unchanged)

    @property
    def artifact(self) -> Artifact:
        """The build."""
        return self.arrays.artifact

    @property
    def n_base(self) -> int:
        """Number of items of the build."""
        return self.artifact.n_items

    @property
    def n_items(self) -> int:
        """Number of positions: those of the build and those of live items."""
        return self.n_base + len(self.arrays.items)

    @cached_property
    def nums(self) -> Mapping[str, int]:
        """Item id → position, of live items."""
        return {item.item_id: self.n_base + place for place, item in enumerate(self.arrays.items)}

    @cached_property
    def unusable(self) -> npt.NDArray[np.bool_]:
        """Which positions are no candidates: hidden, gone, or replaced by the edited item.

        Shapes:
            [n_items].
        """
        mask = np.zeros(self.n_items, dtype=bool)
        mask[: self.n_base] = self.arrays.edited
        for item_id in self.hidden_ids | self.gone_ids:
            num = self.num(item_id)
            if num is not None:
                mask[num] = True
        return mask

    def num(self, item_id: str) -> int | None:
        """Return the position of an item, deleted or not; None where there never was one."""
        found = self.nums.get(item_id)
        return self.artifact.item_nums.get(item_id) if found is None else found

    def current(self, num: int) -> int:
        """Return the position at which an item of the build is found now: another one if it was edited."""
        return self.nums[self.artifact.item_ids[num]] if self.arrays.edited[num] else num

    def item_id(self, num: int) -> str:
        """Return the id of the item at a position."""
        return self.artifact.item_ids[num] if num < self.n_base else self.arrays.items[num - self.n_base].item_id

    def title(self, num: int) -> str:
        """Return the title of the item at a position, as it is now."""
        if num >= self.n_base:
            return self.arrays.items[num - self.n_base].title
        item = self.unchanged.get(self.artifact.item_ids[num]) if self.unchanged else None
        return self.artifact.titles[num] if item is None else item.title

    def popularity(self, num: int) -> float:
        """Return how many shoppers of the build met the item at a position."""
        base = num if num < self.n_base else int(self.arrays.base_nums[num - self.n_base])
        return float(self.artifact.popularity[base]) if base >= 0 else 0.0

    def node_key(self, node_type: str, num: int) -> str:
        """Return the key of a node, one of the build or a value that only live items have."""
        if node_type == "item":
            return self.item_id(num)
        n_known = len(self.artifact.user_ids if node_type == "user" else self.artifact.node_keys.get(node_type, ()))
        return self.artifact.node_key(node_type, num) if num < n_known else self.arrays.new_keys[node_type][num - n_known]

    def scores(self, history: History) -> FloatArray:
        """Score every position for a history; which of them may be shown is said by `unusable`.

        Args:
            history: By positions, edited items by their new ones.

        Shapes:
            [n_items], float32.
        """
        base = history.nums < self.n_base
        known = History(history.nums[base], history.weights[base], ())
        scores = np.zeros(self.n_items, dtype=np.float32)
        scores[: self.n_base] = score(known.row(self.n_base), self.artifact.neighbours, self.artifact.model)[0]
        if len(self.arrays.items):
            self._add_live(scores, history, base)
        return scores

    def _add_live(self, scores: FloatArray, history: History, base: npt.NDArray[np.bool_]) -> None:
        """Add what live items give, and write what they get."""
        arrays, model, weights = self.arrays, self.artifact.model, history.weights
        origins = self.origins(history.nums)
        live = arrays.right @ (arrays.left[history.nums].T @ weights)
        live += arrays.others[origins[origins >= 0]].T @ weights[origins >= 0]
        for place, weight in zip((history.nums[~base] - self.n_base).tolist(), weights[~base].tolist(), strict=True):
            live[place] -= weight * arrays.returning[place]
            targets, values = arrays.outgoing(place)
            scores[targets] += (weight * values).astype(np.float32)
        if model.learned_gate and model.source_embeddings.shape[1]:
            source, target = arrays.embeddings
            own = weights[~base] @ source[history.nums[~base] - self.n_base]
            live += model.learned_gate * (target @ (own + weights[base] @ model.source_embeddings[history.nums[base]]))
            if not base.all():
                scores[: self.n_base] += (np.float32(model.learned_gate) * own.astype(np.float32)) @ model.target_embeddings.T
        scores[self.n_base :] = live

    def origins(self, nums: IntArray) -> IntArray:
        """Return the positions that items had in the build, -1 for those that are new.

        Shapes:
            [n] → [n].
        """
        found = nums.copy()
        live = nums >= self.n_base
        found[live] = self.arrays.base_nums[nums[live] - self.n_base]
        return found


def is_as_built(artifact: Artifact, item: LiveItem) -> bool:
    """Say whether an item has the attribute edges that it has in the build."""
    return item.item_id in artifact.item_nums and base_facts(artifact, item.item_id) == _sorted(item.facts)


def base_facts(artifact: Artifact, item_id: str) -> dict[EdgeType, tuple[str, ...]]:
    """Return the attribute edges that an item has in the build, values sorted."""
    num, found = artifact.item_nums[item_id], {}
    for edge_type, edges in artifact.edges.items():
        if family(edge_type) == "attribute":
            values = edges.forward.indices[edges.forward.indptr[num] : edges.forward.indptr[num + 1]]
            if len(values):
                found[edge_type] = tuple(sorted(artifact.node_key(edge_type[2], int(value)) for value in values))
    return found


def _sorted(facts: Facts) -> dict[EdgeType, tuple[str, ...]]:
    return {edge_type: tuple(sorted(values)) for edge_type, values in facts.items() if values}


__all__ = ["LiveItem", "Overlay", "base_facts", "is_as_built"]
