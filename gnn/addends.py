"""The addends of one score, enumerated: every path from a history item to an item, with what it adds.

    c_j · g_m · |N(j)|^-a · Π |N(v)|^-b · |N(i)|^-c · max(1, p_i)^e      one path j → v → i of meta-path m

The same arrays that the scorer multiplies, walked one path at a time; the symbols are those of `gnn.walks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact import Artifact
from gnn.walks import FloatArray, WalkWeights, attraction, power
from kg.schema import EdgeType, Step

IntArray = npt.NDArray[np.int64]
MAX_HELD = 2_000_000
"""Most paths of a history that are held up to their last step; 32 bytes each and 8 per inner node."""


@dataclass(frozen=True, slots=True)
class History:
    """A weighted history.

    Attributes:
        nums: item_nums, ascending.
        weights: c_uj, aligned.
        relations: How the shopper met each item ("purchased"), aligned; the first edge of every path.
        user_id: Whose it is; None for an ad-hoc history.
    """

    nums: IntArray
    weights: npt.NDArray[np.float64]
    relations: Sequence[str]
    user_id: str | None = None

    def row(self, n_items: int) -> sp.csr_matrix:
        """Return it as a row of c.

        Shapes:
            [1, n_items], float32.
        """
        indptr = np.array([0, len(self.nums)])
        return sp.csr_matrix((self.weights.astype(np.float32), self.nums, indptr), shape=(1, n_items))


@dataclass(frozen=True, slots=True)
class Addends:
    """Addends of one meta-path: one per path.

    Attributes:
        walk: The meta-path.
        positions: Which history item, as a position in the history.
        middles: The inner nodes of the path, [n paths, n steps - 1].
        values: The addends.
    """

    walk: WalkWeights
    positions: IntArray
    middles: IntArray
    values: npt.NDArray[np.float64]


class WalkArrays:
    """One walk's adjacency and factors, ready to enumerate its paths."""

    def __init__(self, artifact: Artifact, walk: WalkWeights) -> None:
        self.walk = walk
        steps = walk.meta_path.steps
        oriented = [_oriented(artifact, step) for step in steps]
        self._forward = [pair[0] for pair in oriented]
        self._last_reverse = oriented[-1][1]
        self._popularity = artifact.popularity
        # One tuple, exchanged as a whole: requests in other threads see the old one or the new one.
        self._last: tuple[History | None, _Outset | None] = (None, None)

    @cached_property
    def _start(self) -> FloatArray:
        return power(_row_degrees(self._forward[0]), self.walk.start_exponent)

    @cached_property
    def _middles(self) -> list[FloatArray]:
        factors = []
        for matrix in self._forward[1:]:
            degree = _row_degrees(matrix)
            factor = power(degree, self.walk.middle_exponent)
            factor[degree > self.walk.max_degree] = 0
            factors.append(factor)
        return factors

    @cached_property
    def _end(self) -> FloatArray:
        return power(_row_degrees(self._last_reverse), self.walk.end_exponent) * attraction(self._popularity, self.walk.popularity_exponent)

    def addends(self, history: History, kept: npt.NDArray[np.bool_], item: int) -> Addends:
        """Enumerate the paths from the kept history items to `item`."""
        wanted = _row(self._last_reverse, item)
        found = [outset.reaching(wanted, kept, item) for outset in self._outsets(history, kept)]
        positions, middles, factor = (np.concatenate(parts) for parts in zip(*found, strict=True))
        values = self.walk.gate * history.weights[positions] * factor * float(self._end[item])
        return Addends(self.walk, positions, middles, values)

    def carried(self, history: History) -> npt.NDArray[np.float64]:
        """Carry a history along the whole walk: what its paths add to every item. Of walks of up to two steps.

        Shapes:
            [n_items].
        """
        nums: IntArray = history.nums
        weights: npt.NDArray[np.float64] = history.weights * self._start[history.nums].astype(np.float64)
        for forward, middle in zip(self._forward[:-1], self._middles, strict=True):
            places, reached = _gather(forward, nums)
            sums = np.bincount(reached, weights=weights[places], minlength=forward.shape[1]).astype(np.float64) * middle
            nums = np.flatnonzero(sums).astype(np.int64)
            weights = sums[nums].astype(np.float64)
        places, reached = _gather(self._forward[-1], nums)
        ends = np.bincount(reached, weights=weights[places], minlength=len(self._end))
        return np.asarray(self.walk.gate * ends * self._end, dtype=np.float64)

    def _outsets(self, history: History, kept: npt.NDArray[np.bool_]) -> Iterator[_Outset]:
        """Yield where the walk stands before its last step; one outset serves all items of a list, unless it would be too large to hold."""
        last, outset = self._last
        if last is not history:
            outset = self._outset(history, np.arange(len(history.nums))) if self._sizes(history).sum() <= MAX_HELD else None
            self._last = history, outset
        if outset is not None:
            yield outset
            return
        positions = np.flatnonzero(kept)
        total = np.cumsum(self._sizes(history)[positions])
        for chunk in np.split(positions, np.flatnonzero(np.diff(total // MAX_HELD)) + 1):
            yield self._outset(history, chunk)

    def _sizes(self, history: History) -> IntArray:
        """Return how many paths lead to the last step from each history item.

        Shapes:
            [n history items].
        """
        if len(self._forward) == 1:
            return np.ones(len(history.nums), dtype=np.int64)
        first = self._forward[0]
        if len(self._forward) == 2:
            return np.asarray(np.diff(first.indptr)[history.nums], dtype=np.int64)
        places, between = _gather(first, history.nums)
        return np.bincount(places, weights=np.diff(self._forward[1].indptr)[between], minlength=len(history.nums)).astype(np.int64)

    def _outset(self, history: History, positions: IntArray) -> _Outset:
        positions = positions.astype(np.int64)
        last = history.nums[positions]
        factor = self._start[last].astype(np.float64)
        middles = np.zeros((len(positions), 0), dtype=np.int64)
        for forward, middle in zip(self._forward[:-1], self._middles, strict=True):
            places, last = _gather(forward, last)
            factor = factor[places] * middle[last]
            open_ = factor > 0
            places, last, factor = places[open_], last[open_], factor[open_]
            positions, middles = positions[places], np.column_stack([middles[places], last])
        order = np.argsort(last, kind="stable")
        return _Outset(last[order], positions[order], middles[order], factor[order])


@dataclass(frozen=True, slots=True)
class _Outset:
    """The paths from a history up to the last step, in the order of the node they have reached.

    Attributes:
        last: The node reached, ascending, [n].
        positions: Where in the history each began, [n].
        middles: The inner nodes, [n, n steps - 1].
        factor: Product of the degree powers so far, [n].
    """

    last: IntArray
    positions: IntArray
    middles: IntArray
    factor: npt.NDArray[np.float64]

    def reaching(self, wanted: npt.NDArray[np.int32], kept: npt.NDArray[np.bool_], item: int) -> tuple[IntArray, IntArray, npt.NDArray[np.float64]]:
        """Return positions, inner nodes and factors of the paths that stand beside the item and do not step back from it."""
        first, end = (np.searchsorted(self.last, wanted, side=side) for side in ("left", "right"))
        chosen = _ranges(first, end - first)
        chosen = chosen[kept[self.positions[chosen]]]
        if self.middles.shape[1] > 1:
            chosen = chosen[self.middles[chosen, 0] != item]
        return self.positions[chosen], self.middles[chosen], self.factor[chosen]


def _oriented(artifact: Artifact, step: Step) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    edges = artifact.edges[step.edge_type]
    return (edges.reverse, edges.forward) if step.reverse else (edges.forward, edges.reverse)


def _row_degrees(matrix: sp.csr_matrix) -> FloatArray:
    degree: FloatArray = np.diff(matrix.indptr).astype(np.float32)
    return degree


def _row(matrix: sp.csr_matrix, num: int) -> npt.NDArray[np.int32]:
    return np.asarray(matrix.indices[matrix.indptr[num] : matrix.indptr[num + 1]])


def _gather(matrix: sp.csr_matrix, nums: IntArray) -> tuple[IntArray, IntArray]:
    """Return (place in `nums`, neighbour) for every neighbour of every node."""
    first = matrix.indptr[nums].astype(np.int64)
    lengths = matrix.indptr[nums + 1] - first
    neighbours = np.asarray(matrix.indices)[_ranges(first, lengths)]
    return np.repeat(np.arange(len(nums)), lengths), neighbours.astype(np.int64)


def _ranges(first: IntArray, lengths: IntArray) -> IntArray:
    """Return first_n, …, first_n + length_n - 1 for every n, one after another."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))


def kept_pairs(neighbours: sp.csr_matrix, history: History, item: int) -> npt.NDArray[np.bool_]:
    """Say for each history item whether the pruned graph sum holds (j, item).

    Shapes:
        [n history items].
    """
    kept = np.zeros(len(history.nums), dtype=bool)
    places, targets = _gather(neighbours, history.nums)
    kept[places[targets == item]] = True
    return kept


def through(part: Addends, history: History, item: int, edge_type: EdgeType, source: int, target: int) -> npt.NDArray[np.bool_]:
    """Say for each path whether one of its steps walks the edge source → target, in either direction.

    Shapes:
        [n paths].
    """
    starts, ends = history.nums[part.positions][:, None], np.full((len(part.positions), 1), item)
    nodes = np.concatenate([starts, part.middles, ends], axis=1)
    used = np.zeros(len(nodes), dtype=bool)
    for place, step in enumerate(part.walk.meta_path.steps):
        if step.edge_type == edge_type:
            left, right = (target, source) if step.reverse else (source, target)
            used |= (nodes[:, place] == left) & (nodes[:, place + 1] == right)
    return used
