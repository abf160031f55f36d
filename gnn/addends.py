"""The addends of one score, enumerated: every path from a history item to an item, with what it adds.

    c_j · g_m · |N(j)|^-a · Π |N(v)|^-b · |N(i)|^-c · max(1, p_i)^e      one path j → v → i of meta-path m

The same arrays that the scorer multiplies, walked one path at a time; the symbols are those of `gnn.walks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact import Artifact
from gnn.walks import FloatArray, WalkWeights, attraction, power
from kg.schema import EdgeType, Step

IntArray = npt.NDArray[np.int64]


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
        positions = np.flatnonzero(kept)
        if len(self._forward) == 1:
            positions = positions[[bool(_contains(self._forward[0], int(history.nums[p]), item)) for p in positions]]
            middles = np.zeros((len(positions), 0), dtype=np.int64)
            factor = np.ones(len(positions))
        elif len(self._forward) == 2:
            positions, nums = _common(self._forward[0], history.nums, positions, _row(self._last_reverse, item))
            factor = self._middles[0][nums].astype(np.float64)
            middles = nums[:, None]
        else:
            positions, middles = self._through_shoppers(history, positions, item)
            factor = self._middles[0][middles[:, 0]].astype(np.float64) * self._middles[1][middles[:, 1]]
        positions, middles, factor = positions[factor > 0], middles[factor > 0], factor[factor > 0]
        start = self._start[history.nums[positions]].astype(np.float64)
        values = self.walk.gate * history.weights[positions] * start * factor * float(self._end[item])
        return Addends(self.walk, positions, middles, values)

    def _through_shoppers(self, history: History, positions: IntArray, item: int) -> tuple[IntArray, IntArray]:
        """Return the history positions and the (item, shopper) of every path of three steps to `item` that does not step back from it.

        Shapes:
            [n paths], [n paths, 2].
        """
        rows = [_row(self._forward[0], int(history.nums[p])) for p in positions]
        starts = np.repeat(positions, [len(row) for row in rows]).astype(np.int64)
        between = np.concatenate([*rows, np.zeros(0, dtype=np.int32)]).astype(np.int64)
        starts, between = starts[between != item], between[between != item]
        visited, inverse = np.unique(between, return_inverse=True)
        numbers, shoppers = _common(self._forward[1], visited, np.arange(len(visited)), _row(self._last_reverse, item))
        order = np.argsort(inverse, kind="stable")
        first = np.searchsorted(inverse[order], numbers, side="left")
        repeats = np.searchsorted(inverse[order], numbers, side="right") - first
        places = np.repeat(first - np.concatenate([[0], np.cumsum(repeats)[:-1]]), repeats) + np.arange(int(repeats.sum()))
        chosen = order[places.astype(np.int64)]
        return starts[chosen], np.column_stack([between[chosen], np.repeat(shoppers, repeats)]).astype(np.int64)


def _oriented(artifact: Artifact, step: Step) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    edges = artifact.edges[step.edge_type]
    return (edges.reverse, edges.forward) if step.reverse else (edges.forward, edges.reverse)


def _row_degrees(matrix: sp.csr_matrix) -> FloatArray:
    degree: FloatArray = np.diff(matrix.indptr).astype(np.float32)
    return degree


def _row(matrix: sp.csr_matrix, num: int) -> npt.NDArray[np.int32]:
    return np.asarray(matrix.indices[matrix.indptr[num] : matrix.indptr[num + 1]])


def _contains(matrix: sp.csr_matrix, row: int, column: int) -> bool:
    columns = _row(matrix, row)
    at = np.searchsorted(columns, column)
    return bool(at < len(columns) and columns[at] == column)


def _common(matrix: sp.csr_matrix, nums: IntArray, positions: IntArray, wanted: npt.NDArray[np.int32]) -> tuple[IntArray, IntArray]:
    """Return (position, node) for every neighbour that a history item shares with `wanted`, which is sorted."""
    rows = [_row(matrix, int(nums[p])) for p in positions]
    lengths = [len(row) for row in rows]
    if not len(wanted) or not sum(lengths):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    nodes = np.concatenate(rows)
    at = np.minimum(np.searchsorted(wanted, nodes), len(wanted) - 1)
    hits = wanted[at] == nodes
    return np.repeat(positions, lengths)[hits].astype(np.int64), nodes[hits].astype(np.int64)


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
