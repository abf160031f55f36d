"""The arrays of items that were added or edited since the build: their walks over attributes, what else leads to them, their embeddings.

All follow the build's weights: gates, exponents and degrees are those of the build, except a live item's own degrees; a value that the build does not
know has as many neighbours as there are live items with it. A hub (`gnn.graph.hubs`) leads on to the items that the build chose, as long
as they have the
value; paths set out through it from every item that has it now, live ones too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact, Edges
from gnn.graph.hubs import hub_factor
from gnn.graph.walks import FloatArray, WalkWeights, going_on, middle_factor
from gnn.live.likeness import Likeness
from gnn.live.rows import Facts, LiveItem, ends, position, row_of
from gnn.types import IntArray
from kg.schema import EdgeType

Values = npt.NDArray[np.float64]

_NOTHING = 1e-6
"""A share of a pair's weight below this is what is left of subtracting equal numbers in single precision."""


@dataclass(frozen=True)
class LiveWalk:
    """One attribute meta-path between live items and everything else.

    Attributes:
        walk: Its weights.
        nums: The values that live items have, as numbers of the build; those that it does not know are numbered on from there, [n values].
        middle: Factor of each value, [n values].
        holders: Which items have which of the values now: ones, [n values, n_items].
        values: The same the other way round, [n_items, n values].
        onward: Which of them each value leads on to: of hubs some only, [n values, n_items].
        entered: The same the other way round, [n_items, n values].
        start: Factor of each item as part of a history, [n_items].
        end: Factor of each item as a candidate, [n_items].
    """

    walk: WalkWeights
    nums: IntArray
    middle: Values
    holders: sp.csr_matrix
    values: sp.csr_matrix
    onward: sp.csr_matrix
    entered: sp.csr_matrix
    start: Values
    end: Values

    def values_of(self, num: int) -> IntArray:
        """Return the values of an item, as places in `nums`; of an item that did not change, those that changed items have too."""
        return row_of(self.values, num)


@dataclass
class Learned:
    """What was worked out about a build and serves every overlay of it.

    Attributes:
        pairs: Base position → the items that lead to it over other walks than attributes, and their weights.
        leads: Base position → the items that it leads to in the same way.
        means: (edge type, value) → mean embeddings of the value's items, a and b side by side, and how much the value counts; None where nothing is
            learned of them.
        likeness: What items that nobody has met take from those that they read like.
    """

    pairs: dict[int, tuple[IntArray, Values]] = field(default_factory=dict)
    leads: dict[int, tuple[IntArray, Values]] = field(default_factory=dict)
    means: dict[tuple[EdgeType, str], tuple[Values, float] | None] = field(default_factory=dict)
    likeness: Likeness = field(default_factory=Likeness)


class LiveArrays:
    """The arrays of one set of live items.

    Args:
        artifact: The build.
        items: The live items. An edited item keeps its position in the build; new ones follow after the last.
        learned: Filled as it is worked out; shared by the overlays of a build.
    """

    def __init__(self, artifact: Artifact, items: Sequence[LiveItem], learned: Learned | None = None) -> None:
        self.artifact, self.items = artifact, tuple(items)
        self.learned = Learned() if learned is None else learned
        known: IntArray = np.asarray([artifact.item_nums.get(item.item_id, -1) for item in self.items], dtype=np.int64)
        self.n_base, self.n_items = artifact.n_items, artifact.n_items + int((known < 0).sum())
        self.positions: IntArray = np.where(known < 0, self.n_base + np.cumsum(known < 0) - 1, known)
        self.is_live = np.zeros(self.n_items, dtype=bool)
        self.is_live[self.positions] = True
        self.edges: Mapping[EdgeType, Edges] | None = None
        """The edges as they are now, where `gnn.live.current_artifact` has made them."""
        self._outgoing: dict[int, tuple[IntArray, Values]] = {}

    def prepare(self) -> None:
        """Work out what the first answer would have to wait for."""
        if self.items:
            _ = self.left, self.returning, self.others, self.embeddings, self.twins

    @cached_property
    def new_nums(self) -> Mapping[str, int]:
        """Item id → position, of the items that the build does not know."""
        return {item.item_id: num for item, num in zip(self.items, self.positions.tolist(), strict=True) if num >= self.n_base}

    @cached_property
    def item_ids(self) -> list[str]:
        """Item ids by position."""
        return [*self.artifact.item_ids, *self.new_nums]

    @cached_property
    def item_nums(self) -> Mapping[str, int]:
        """Item id → position."""
        return {**self.artifact.item_nums, **self.new_nums} if self.new_nums else self.artifact.item_nums

    @cached_property
    def places(self) -> Mapping[int, int]:
        """Position → place in `items`."""
        return {num: place for place, num in enumerate(self.positions.tolist())}

    @cached_property
    def popularity(self) -> FloatArray:
        """Users who met each item, as the build counted them: none where it did not know the item.

        Shapes:
            [n_items].
        """
        return np.concatenate([self.artifact.popularity, np.zeros(self.n_items - self.n_base, dtype=np.float32)])

    @cached_property
    def _factor(self) -> FloatArray:
        """The season of each item, 1 of those that the build does not know: [n_items]."""
        factor = self.artifact.model.factor
        return np.concatenate(
            [np.ones(self.n_base, dtype=np.float32) if factor is None else factor, np.ones(self.n_items - self.n_base, dtype=np.float32)]
        )

    @cached_property
    def new_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Node type → keys of the values that the build does not know, sorted."""
        unknown: dict[str, set[str]] = {}
        for item in self.items:
            for edge_type, values in item.facts.items():
                known = self.artifact.node_keys.get(edge_type[2], [])
                unknown.setdefault(edge_type[2], set()).update(value for value in values if position(known, value) < 0)
        return {node_type: tuple(sorted(keys)) for node_type, keys in unknown.items()}

    @cached_property
    def walks(self) -> Mapping[str, LiveWalk]:
        """Meta-path name → the walk, of the attribute meta-paths that count."""
        return {walk.meta_path.name: self._walk(walk) for walk in attribute_walks(self.artifact)}

    @cached_property
    def left(self) -> sp.csr_matrix:
        """What each item sends to each value, all attribute walks side by side: [n_items, Σ values]."""
        parts = [sp.csr_matrix((self.n_items, 0))]
        parts += [live.walk.gate * (sp.diags(live.start) @ live.values @ sp.diags(live.middle)) for live in self.walks.values()]
        return sp.csr_matrix(sp.hstack(parts))

    @cached_property
    def right(self) -> sp.csr_matrix:
        """What each live item takes from each value: [n live, Σ values]."""
        parts = [sp.csr_matrix((len(self.items), 0))]
        parts += [sp.diags(live.end[self.positions]) @ live.entered[self.positions] for live in self.walks.values()]
        return sp.csr_matrix(sp.hstack(parts))

    @cached_property
    def returning(self) -> Values:
        """What comes back to each live item from itself, [n live]: an item is no reason for itself."""
        return np.asarray(self.left[self.positions].multiply(self.right).sum(axis=1), dtype=np.float64).ravel()

    @cached_property
    def others(self) -> sp.csr_matrix:
        """What meta-paths other than attributes add, from all items to live ones, for the pairs that the build keeps: [n_items, n live]."""
        self._find_pairs()
        pairs = [self.learned.pairs.get(num, _NO_PAIRS) for num in self.positions.tolist()]
        indptr = np.cumsum([0, *(len(rows) for rows, _ in pairs)])
        rows, weights = np.concatenate([_NO_PAIRS[0], *(r for r, _ in pairs)]), np.concatenate([_NO_PAIRS[1], *(w for _, w in pairs)])
        return sp.csr_matrix(sp.csc_matrix((weights, rows, indptr), shape=(self.n_items, len(self.items))))

    def outgoing(self, num: int) -> tuple[IntArray, Values]:
        """Return which unchanged items a live item leads to over the graph, and with which weights; worked out when it first occurs in a history.

        Args:
            num: Position of the live item.
        """
        if num not in self._outgoing:
            total = np.zeros(self.n_items)
            for live in self.walks.values():
                values = live.values_of(num)
                total += live.walk.gate * live.start[num] * (live.onward[values].T @ live.middle[values]) * live.end
            if num < self.n_base:
                targets, weights = self._leads(num)
                total[targets] += weights
            total[self.is_live] = 0.0
            targets = np.flatnonzero(total)
            self._outgoing[num] = targets, total[targets]
        return self._outgoing[num]

    def _leads(self, num: int) -> tuple[IntArray, Values]:
        if num not in self.learned.leads:
            bounds = slice(self.artifact.neighbours.indptr[num], self.artifact.neighbours.indptr[num + 1])
            targets = np.asarray(self.artifact.neighbours.indices[bounds], dtype=np.int64)
            self.learned.leads[num] = targets, self._without_attributes(num, targets, self.artifact.neighbours.data[bounds], reverse=False)
        return self.learned.leads[num]

    @cached_property
    def embeddings(self) -> tuple[Values, Values]:
        """a and b of each live item, both [n live, d]; of an item that nobody has met yet, the mean of its attribute neighbours."""
        model, width = self.artifact.model, self.artifact.model.source_embeddings.shape[1]
        both = np.zeros((len(self.items), 2 * width))
        for place, (item, num) in enumerate(zip(self.items, self.positions.tolist(), strict=True)):
            if self.popularity[num] > 0:
                both[place] = np.concatenate([model.source_embeddings[num], model.target_embeddings[num]])
            elif width:
                both[place] = self._neighbours_mean(item.facts, 2 * width)
        return both[:, :width], both[:, width:]

    @cached_property
    def alike(self) -> sp.csr_matrix:
        """What items of the build add to live items that nobody has met, as these read like others (`gnn.live.likeness`): [n_items, n live]."""
        return self.learned.likeness.matrix(self.artifact, self.items, self._unmet, self._own, self.n_items)

    @cached_property
    def twins(self) -> sp.csr_matrix:
        """Cosines of the items of the build that nearly equal live items that nobody has met: [n_items, n live]."""
        _ = self.alike
        return self.learned.likeness.twins(self.items, self._unmet, self.n_items)

    @cached_property
    def _unmet(self) -> dict[int, int]:
        return {place: num for place, num in enumerate(self.positions.tolist()) if self.popularity[num] == 0}

    def _own(self, place: int, nums: IntArray) -> Values:
        """Return what some items of the build give to a live item by its own paths and its embedding: [n]."""
        model = self.artifact.model
        total = np.asarray((self.left[nums] @ self.right[place].T).todense(), dtype=np.float64).ravel()
        if model.has_embeddings:
            total += model.learned_gate * (model.source_embeddings[nums] @ self.embeddings[1][place])
        return total

    def _walk(self, walk: WalkWeights) -> LiveWalk:
        edge_type = walk.meta_path.steps[0].edge_type
        edges = self.artifact.edges[edge_type]
        facts = [item.facts.get(edge_type, ()) for item in self.items]
        keys = sorted({value for values in facts for value in values})
        nums = np.asarray([self.value_num(edge_type[2], key) for key in keys], dtype=np.int64)
        holders, unchanged = self._holders(edges.reverse, nums, keys, facts)
        degree = np.where(unchanged > 0, unchanged, np.diff(holders.indptr)).astype(np.float32)
        middle = middle_factor(degree, walk).astype(np.float64)
        further = self._onward(walk, nums, holders, unchanged > 0)
        own = np.concatenate([np.diff(edges.forward.indptr), np.zeros(self.n_items - self.n_base)]).astype(np.float32)
        own[self.positions] = [len(values) for values in facts]
        entered = further.T.tocsr()
        values = entered if further is holders else holders.T.tocsr()
        return LiveWalk(walk, nums, middle, holders, values, further, entered, *ends(walk, own, self.popularity, self._factor))

    def _onward(self, walk: WalkWeights, nums: IntArray, holders: sp.csr_matrix, known: npt.NDArray[np.bool_]) -> sp.csr_matrix:
        """Return which of the holders of values each value leads on to: the holders themselves where there is no hub.

        Args:
            walk: Whose hubs.
            nums: The values.
            holders: Which items have them now, [n values, n_items].
            known: Which of the values items of the build have, [n values].
        """
        step = walk.meta_path.steps[1]
        build, whole = (np.diff(matrix.indptr) for matrix in (self.artifact.onward(step, walk)[0], self.artifact.oriented(step)[0]))
        hubs = np.zeros(len(nums), dtype=bool)
        hubs[known] = build[nums[known]] < whole[nums[known]]
        # Of values that the build does not know, the same rule chooses among the live items.
        cut = going_on(holders, step, walk, self.popularity)
        if cut is holders and not hubs.any():
            return holders
        rows = [row_of(holders if known[place] else cut, place) for place in range(len(nums))]
        for place in np.flatnonzero(hubs).tolist():
            rows[place] = rows[place][np.isin(rows[place], row_of(self.artifact.onward(step, walk)[0], int(nums[place])))]
        indptr = np.cumsum([0, *(len(row) for row in rows)])
        columns = np.concatenate([_NO_PAIRS[0], *rows])
        return sp.csr_matrix((np.ones(len(columns)), columns, indptr), shape=holders.shape)

    def _holders(
        self, reverse: sp.csr_matrix, nums: IntArray, keys: Sequence[str], facts: Sequence[tuple[str, ...]]
    ) -> tuple[sp.csr_matrix, npt.NDArray[np.int64]]:
        """Return which items have which values now, [n values, n_items], and how many have them in the build, [n values]."""
        places = {key: place for place, key in enumerate(keys)}
        live: list[list[int]] = [[] for _ in keys]
        for num, values in zip(self.positions.tolist(), facts, strict=True):
            for value in values:
                live[places[value]].append(num)
        built = [reverse.indices[reverse.indptr[num] : reverse.indptr[num + 1]] if num < reverse.shape[0] else _NO_PAIRS[0] for num in nums.tolist()]
        rows = [np.concatenate([items[~self.is_live[items]], now]).astype(np.int64) for items, now in zip(built, live, strict=True)]
        indptr = np.cumsum([0, *(len(row) for row in rows)])
        columns = np.concatenate([_NO_PAIRS[0], *rows])
        holders = sp.csr_matrix((np.ones(len(columns)), columns, indptr), shape=(len(keys), self.n_items))
        return holders, np.asarray([len(items) for items in built], dtype=np.int64)

    def value_num(self, node_type: str, key: str) -> int:
        """Return the number of a value: that of the build, or one after its last."""
        known = self.artifact.node_keys.get(node_type, [])
        num = position(known, key)
        return num if num >= 0 else len(known) + position(self.new_keys[node_type], key)

    def _find_pairs(self) -> None:
        """Look for the pairs of edited items that were not edited before: one pass over the build's pairs for all of them."""
        wanted = np.zeros(self.n_base, dtype=bool)
        wanted[[num for num in self.positions.tolist() if num < self.n_base and num not in self.learned.pairs]] = True
        if not wanted.any():
            return
        neighbours = self.artifact.neighbours
        entries = np.flatnonzero(wanted[neighbours.indices])
        entries = entries[np.argsort(neighbours.indices[entries], kind="stable")]
        rows, columns = np.searchsorted(neighbours.indptr, entries, side="right") - 1, neighbours.indices[entries]
        for num in np.flatnonzero(wanted).tolist():
            first, end = np.searchsorted(columns, [num, num + 1])
            others = rows[first:end].astype(np.int64)
            weights = self._without_attributes(num, others, neighbours.data[entries[first:end]], reverse=True)
            self.learned.pairs[num] = others[weights > 0], weights[weights > 0]

    def _without_attributes(self, num: int, others: IntArray, weights: FloatArray, *, reverse: bool) -> Values:
        """Return what is left of the build's pairs between item `num` and `others` without the paths over attributes.

        Args:
            num: The item.
            others: The other ends, [n].
            weights: The build's weights of the pairs, [n].
            reverse: The pairs lead to the item instead of from it.
        """
        through = sum((self._attribute_row(walk, num, reverse=reverse) for walk in attribute_walks(self.artifact)), np.zeros(self.n_base))
        left = weights.astype(np.float64) - through[others]
        return np.where(left > _NOTHING * weights, left, 0.0)

    def _attribute_row(self, walk: WalkWeights, num: int, *, reverse: bool) -> Values:
        """Return what a build's item gives to all base items over one attribute meta-path, or takes from them: [n_base]."""
        edges = self.artifact.edges[walk.meta_path.steps[0].edge_type]
        onward, entered = self.artifact.onward(walk.meta_path.steps[1], walk)
        values = row_of(entered if reverse else edges.forward, num)
        middle = middle_factor(np.diff(edges.reverse.indptr)[values].astype(np.float32), walk)
        total = np.zeros(self.n_base)
        for value, factor in zip(values.tolist(), middle.tolist(), strict=True):
            total[row_of(edges.reverse if reverse else onward, value)] += factor
        reached = np.flatnonzero(total)
        near = np.asarray([num])
        own = np.diff(edges.forward.indptr).astype(np.float32)
        start, end = (near, reached) if not reverse else (reached, near)
        popularity, factor = self.artifact.popularity, self._factor
        total[reached] *= (
            walk.gate * ends(walk, own[start], popularity[start], factor[start])[0] * ends(walk, own[end], popularity[end], factor[end])[1]
        )
        total[num] = 0.0
        return total

    def _neighbours_mean(self, facts: Facts, width: int) -> Values:
        """Return the mean over relations of the mean over values of the mean over items, as `gnn.model.path_sum.smoothed`.

        Values that no learned item has are left out, and hubs count less.
        """
        means = []
        for edge_type, values in sorted(facts.items()):
            of_values = [mean for value in values if (mean := self._value_mean(edge_type, value)) is not None]
            if of_values:
                means.append(np.average([mean for mean, _ in of_values], axis=0, weights=[weight for _, weight in of_values]))
        return np.asarray(np.mean(means, axis=0)) if means else np.zeros(width)

    def _value_mean(self, edge_type: EdgeType, value: str) -> tuple[Values, float] | None:
        if (edge_type, value) not in self.learned.means:
            self.learned.means[edge_type, value] = self._mean_of(edge_type, value)
        return self.learned.means[edge_type, value]

    def _mean_of(self, edge_type: EdgeType, value: str) -> tuple[Values, float] | None:
        edges, model = self.artifact.edges.get(edge_type), self.artifact.model
        num = position(self.artifact.node_keys.get(edge_type[2], []), value)
        if edges is None or num < 0:
            return None
        items = row_of(edges.reverse, num)
        if not len(items):
            return None
        limits = [walk.max_degree for walk in model.walks if walk.meta_path.steps[0].edge_type == edge_type]
        weight = hub_factor(np.asarray([len(items)], dtype=np.float32), min(limits, default=len(items)))[0]
        both = np.hstack([model.source_embeddings[items], model.target_embeddings[items]]).astype(np.float64)
        known = both[np.abs(both).sum(axis=1) > 0]
        return (np.asarray(known.mean(axis=0)), float(weight)) if len(known) else None


_NO_PAIRS: tuple[IntArray, Values] = (np.zeros(0, dtype=np.int64), np.zeros(0))


def attribute_walks(artifact: Artifact) -> list[WalkWeights]:
    """Return the attribute meta-paths that count."""
    return [walk for walk in artifact.model.walks if walk.meta_path.family == "attribute" and walk.gate > 0]
