"""The addends of one score, enumerated: every path from a history item to an item, with what it adds.

    c_j · g_m · |N(j)|^-a · Π h_v |N(v)|^-b · |N(i)|^-c · max(1, p_i)^e      one path j → v → i of meta-path m

The same arrays that the scorer multiplies, walked one path at a time; the symbols are those of `gnn.graph.walks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray, WalkWeights, attraction, middle_factor, power
from gnn.model.history import History
from gnn.model.learned_paths import TOGETHER, LearnedPaths, LearnedShares
from gnn.model.scorer import csr_entries, csr_neighbours
from gnn.model.shared_shoppers import SharedShoppers
from gnn.types import IntArray
from kg.schema import EdgeType

_BITS = 64
MANY = 20_000
MAX_HELD = 2_000_000
"""Most paths of a history that are held up to their last step; 32 bytes each and 8 per inner node."""


@dataclass(frozen=True, slots=True)
class Contributions:
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


@dataclass(frozen=True, slots=True)
class PathContributions:
    """Addends of one meta-path for several items.

    Attributes:
        walk: The meta-path.
        places: Which item each is for, as a place among the items asked about, ascending.
        positions: Which history item.
        middles: The inner nodes of the path, [n paths, n steps - 1].
        values: The addends.
        counts: Where the paths between a history item and an item are added up, how many there are, and `middles` is empty; else None.
        n_users: How many nodes all of these paths of each item go through, [n items]; None where they are not added up.
    """

    walk: WalkWeights
    places: IntArray
    positions: IntArray
    middles: IntArray
    values: npt.NDArray[np.float64]
    counts: IntArray | None = None
    n_users: IntArray | None = None

    @classmethod
    def joined(cls, parts: Sequence[PathContributions]) -> PathContributions:
        """Return parts about different items, in the order of their items, as one."""
        names = ("places", "positions", "middles", "values", *(("counts", "n_users") if parts[0].counts is not None else ()))
        return cls(parts[0].walk, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def n_paths(self, n_items: int) -> IntArray:
        """Return how many paths lead to each of the items.

        Shapes:
            [n_items].
        """
        return np.bincount(self.places, weights=self.counts, minlength=n_items).astype(np.int64)

    @classmethod
    def about(cls, part: Contributions, place: int) -> PathContributions:
        """Return the addends of one item as those of a place."""
        return cls(part.walk, np.full(len(part.values), place, dtype=np.int64), part.positions, part.middles, part.values)

    def moved(self, by: int) -> PathContributions:
        """Return the same with all places moved."""
        return replace(self, places=self.places + by) if by else self

    def of(self, place: int) -> Contributions:
        """Return the addends of one item."""
        part = slice(*np.searchsorted(self.places, [place, place + 1]).tolist())
        return Contributions(self.walk, self.positions[part], self.middles[part], self.values[part])


class WalkArrays:
    """One walk's adjacency and factors, ready to enumerate its paths.

    Args:
        artifact: The build.
        walk: Its weights.
        many: Histories that more paths set out from are worth adding up.
        learned: Splits the learned part, where some of it runs over the paths of this walk.
    """

    def __init__(self, artifact: Artifact, walk: WalkWeights, *, many: int = MANY, learned: LearnedPaths | None = None) -> None:
        self.walk, self.many, self.learned = walk, many, learned
        steps = walk.meta_path.steps
        self._whole = [artifact.oriented(step) for step in steps]
        followed = [self._whole[0], *(artifact.onward(step, walk) for step in steps[1:])]
        self._forward = [pair[0] for pair in followed]
        self._last_reverse = followed[-1][1]
        self._popularity, self._factor = artifact.popularity, artifact.model.factor
        # One tuple, exchanged as a whole: requests in other threads see the old one or the new one.
        self._last: tuple[History | None, _PathPrefixes | None] = (None, None)

    @cached_property
    def _start(self) -> FloatArray:
        return power(_row_degrees(self._whole[0][0]), self.walk.start_exponent)

    @cached_property
    def _middles(self) -> list[FloatArray]:
        return [middle_factor(_row_degrees(forward), self.walk) for forward, _ in self._whole[1:]]

    @cached_property
    def _end(self) -> FloatArray:
        end = power(_row_degrees(self._whole[-1][1]), self.walk.end_exponent) * attraction(self._popularity, self.walk.popularity_exponent)
        return end if self._factor is None else np.asarray(end * self._factor)

    def addends(self, history: History, kept: npt.NDArray[np.bool_], item: int, learned: LearnedShares | None = None) -> Contributions:
        """Enumerate the paths from the kept history items to `item`."""
        return self.among(history, kept[None, :], np.asarray([item]), learned).of(0)

    def among(self, history: History, kept: npt.NDArray[np.bool_], items: IntArray, learned: LearnedShares | None = None) -> PathContributions:
        """Enumerate the paths from a history to several items at once.

        Args:
            history: Where paths begin.
            kept: Which history items lead to which item, [n items, n history items].
            items: item_nums.
            learned: What of the learned part runs over the same paths.
        """
        kept = self._counted(kept)
        parts = [
            self._few(history, kept[n : n + _BITS], items[n : n + _BITS], _some(learned, n, _BITS)).moved(n) for n in range(0, len(items), _BITS)
        ]
        return parts[0] if len(parts) == 1 else PathContributions.joined(parts)

    def adds_up(self, history: History) -> bool:
        """Say whether `together` may be asked, as the walk goes from item to shopper to item, and is worth it for a history."""
        return self.walk.meta_path.family == "interaction" and len(self._forward) == 2 and int(self._sizes(history).sum()) > self.many

    def together(self, history: History, kept: npt.NDArray[np.bool_], items: IntArray, learned: LearnedShares | None = None) -> PathContributions:
        """Add up the paths from a history to several items that differ by nothing but the shopper between.

        Households of a grocer share hundreds of items with thousands of others: the paths between are far more than what is shown of them.

        Args:
            history: Where paths begin.
            kept: Which history items lead to which item, [n items, n history items].
            items: item_nums.
            learned: What of the learned part runs over the same paths.
        """
        kept, size = self._counted(kept), TOGETHER
        parts = [
            self._some_together(history, kept[n : n + size], items[n : n + size], _some(learned, n, size)).moved(n)
            for n in range(0, len(items), size)
        ]
        return parts[0] if len(parts) == 1 else PathContributions.joined(parts)

    def _counted(self, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which pairs the walk itself counts: none where its gate is closed and only what was learned runs over its paths."""
        return kept if self.walk.gate > 0 else np.zeros_like(kept)

    def _some_together(
        self, history: History, kept: npt.NDArray[np.bool_], items: IntArray, learned: LearnedShares | None = None
    ) -> PathContributions:
        middle = self._middles[0]
        if learned is not None and len(learned.shared) == 1:
            shared = learned.shared[0]
        else:
            shared = SharedShoppers(self._forward[0], self._last_reverse, history.nums, items, np.asarray(middle > 0))
        values, pairs = np.zeros(kept.shape), kept
        if self.walk.gate > 0:
            weights = history.weights * self._start[history.nums].astype(np.float64)
            ends = self._end[items].astype(np.float64)[:, None]
            values = np.where(kept, self.walk.gate * (shared.through(middle) * weights) * ends, 0.0)
        if learned is not None:
            values, pairs = values + learned.values, kept | learned.pairs
        counts = np.where(pairs, shared.sums(), 0.0)
        places, positions = np.nonzero(counts)
        none = np.zeros((len(places), 0), dtype=np.int64)
        counted = counts[places, positions].astype(np.int64)
        return PathContributions(self.walk, places, positions, none, values[places, positions], counted, shared.distinct(pairs))

    def _few(self, history: History, kept: npt.NDArray[np.bool_], items: IntArray, learned: LearnedShares | None = None) -> PathContributions:
        """Do the same for as many items as a word has bits: one bit per item says where its paths end and where they begin."""
        powers = np.uint64(1) << np.arange(len(items), dtype=np.uint64)
        places, nodes, at = csr_entries(self._last_reverse, items)
        ends = np.zeros(self._last_reverse.shape[1], dtype=np.uint64)
        np.bitwise_or.at(ends, nodes, powers[places])
        entered = places * len(ends) + nodes, at
        pairs = kept if learned is None else kept | learned.pairs
        begins = powers @ pairs.astype(np.uint64)
        parts = []
        for prefix in self._path_prefixes(history, np.asarray(pairs.any(axis=0))):
            hits = ends[prefix.last] & begins[prefix.positions]
            reached = np.flatnonzero(hits)
            bits = np.unpackbits(hits[reached].view(np.uint8).reshape(-1, 8), axis=1, count=len(items), bitorder="little")
            places, rows = np.nonzero(bits.T)
            rows = reached[rows]
            middles = prefix.middles[rows]
            if middles.shape[1] > 1:
                onward = middles[:, 0] != items[places]
                places, rows, middles = places[onward], rows[onward], middles[onward]
            positions = prefix.positions[rows]
            values = self.walk.gate * history.weights[positions] * prefix.factor[rows] * self._end[items][places].astype(np.float64)
            if learned is not None:
                values = np.where(kept[places, positions], values, 0.0) + self._on_paths(learned, prefix, rows, places, entered)
            parts.append((places, positions, middles, values))
        places, positions, middles, values = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(parts) > 1:
            order = np.argsort(places, kind="stable")
            places, positions, middles, values = places[order], positions[order], middles[order], values[order]
        return PathContributions(self.walk, places.astype(np.int64), positions, middles, values)

    def _on_paths(
        self, learned: LearnedShares, prefix: _PathPrefixes, rows: IntArray, places: IntArray, entered: tuple[IntArray, IntArray]
    ) -> npt.NDArray[np.float64]:
        """Return what was learned and runs over each of some paths.

        Args:
            learned: The split.
            prefix: Paths up to their last step.
            rows: Which of them.
            places: To which item each leads.
            entered: place · n nodes + node of every last edge, ascending, and where the edge is.
        """
        if self.learned is None:
            return np.zeros(len(rows))
        keys, at = entered
        last = at[np.searchsorted(keys, places * self._last_reverse.shape[1] + prefix.last[rows])]
        return self.learned.on_paths(learned, prefix.positions[rows], places, prefix.edges[rows], last)

    def propagated(self, history: History) -> npt.NDArray[np.float64]:
        """Return what the paths of a history add to every item: the history propagated along the whole walk. Of walks of up to two steps.

        Shapes:
            [n_items].
        """
        nums: IntArray = history.nums
        weights: npt.NDArray[np.float64] = history.weights * self._start[history.nums].astype(np.float64)
        for forward, middle in zip(self._forward[:-1], self._middles, strict=True):
            places, reached = csr_neighbours(forward, nums)
            sums = np.bincount(reached, weights=weights[places], minlength=forward.shape[1]).astype(np.float64) * middle
            nums = np.flatnonzero(sums).astype(np.int64)
            weights = sums[nums].astype(np.float64)
        places, reached = csr_neighbours(self._forward[-1], nums)
        ends = np.bincount(reached, weights=weights[places], minlength=len(self._end))
        return np.asarray(self.walk.gate * ends * self._end, dtype=np.float64)

    def count_users(self, history: History) -> npt.NDArray[np.float64]:
        """Count for each item the shoppers on the paths to it: those who met it and one of the history at least. Of walks of two steps.

        Shapes:
            [n_items].
        """
        _, between = csr_neighbours(self._forward[0], history.nums)
        theirs = np.unique(between)
        theirs = theirs[self._middles[0][theirs] > 0]
        _, reached = csr_neighbours(self._forward[1], theirs)
        return np.bincount(reached, minlength=len(self._end)).astype(np.float64)

    def _path_prefixes(self, history: History, kept: npt.NDArray[np.bool_]) -> Iterator[_PathPrefixes]:
        """Yield where the walk stands before its last step; one outset serves all items of a list, unless it would be too large to hold."""
        last, prefix = self._last
        if last is not history:
            prefix = self._path_prefix(history, np.arange(len(history.nums))) if self._sizes(history).sum() <= MAX_HELD else None
            self._last = history, prefix
        if prefix is not None:
            yield prefix
            return
        positions = np.flatnonzero(kept)
        total = np.cumsum(self._sizes(history)[positions])
        for chunk in np.split(positions, np.flatnonzero(np.diff(total // MAX_HELD)) + 1):
            yield self._path_prefix(history, chunk)

    def _sizes(self, history: History) -> IntArray:
        """Return how many paths lead to the last step from each history item.

        Shapes:
            [n history items].
        """
        if len(self._forward) == 1:
            return np.ones(len(history.nums), dtype=np.int64)
        first = self._forward[0]
        if len(self._forward) == 2:
            return _lengths(first, history.nums)
        places, between = csr_neighbours(first, history.nums)
        return np.bincount(places, weights=_lengths(self._forward[1], between), minlength=len(history.nums)).astype(np.int64)

    def _path_prefix(self, history: History, positions: IntArray) -> _PathPrefixes:
        positions = positions.astype(np.int64)
        last = history.nums[positions]
        factor = self._start[last].astype(np.float64)
        middles, edges = np.zeros((len(positions), 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
        for forward, middle in zip(self._forward[:-1], self._middles, strict=True):
            places, last, edges = csr_entries(forward, last)
            factor = factor[places] * middle[last]
            open_ = factor > 0
            places, last, factor, edges = places[open_], last[open_], factor[open_], edges[open_]
            positions, middles = positions[places], np.column_stack([middles[places], last])
        return _PathPrefixes(last, positions, middles, factor, edges)


@dataclass(frozen=True, slots=True)
class _PathPrefixes:
    """The paths from a history up to the last step.

    Attributes:
        last: The node reached, [n].
        positions: Where in the history each began, [n].
        middles: The inner nodes, [n, n steps - 1].
        factor: Product of the degree powers so far, [n].
        edges: Where the edge of the last step taken is in its matrix, [n]; of walks of two steps the first edge.
    """

    last: IntArray
    positions: IntArray
    middles: IntArray
    factor: npt.NDArray[np.float64]
    edges: IntArray


def _some(learned: LearnedShares | None, first: int, size: int) -> LearnedShares | None:
    return None if learned is None else learned.some(slice(first, first + size))


def _row_degrees(matrix: sp.csr_matrix) -> FloatArray:
    degree: FloatArray = np.diff(matrix.indptr).astype(np.float32)
    return degree


def _lengths(matrix: sp.csr_matrix, rows: IntArray) -> IntArray:
    """Return how many entries each of some rows has, without looking at the others."""
    return np.asarray(matrix.indptr[rows + 1] - matrix.indptr[rows], dtype=np.int64)


def kept_pairs(neighbours: sp.csr_matrix, nums: IntArray, items: IntArray) -> npt.NDArray[np.bool_]:
    """Say for each item and each history item whether the pruned graph sum holds (history item, item).

    Args:
        neighbours: Rows sorted by column.
        nums: The history items.
        items: The items.

    Shapes:
        nums [n], items [k] → [k, n].
    """
    indices, columns = neighbours.indices, items[:, None]
    low = np.repeat(neighbours.indptr[nums][None, :].astype(np.int64), len(items), axis=0)  # [k, n]
    if not low.size:
        return np.zeros(low.shape, dtype=bool)
    ends = np.broadcast_to(neighbours.indptr[nums + 1][None, :].astype(np.int64), low.shape)
    high = ends.copy()
    # Rows are sorted, and long: to look for the few items in each is far less than to read them all.
    for _ in range(int((high - low).max()).bit_length()):
        middle = (low + high) >> 1
        open_ = low < high
        below = indices[np.where(open_, middle, 0)] < columns
        low, high = np.where(open_ & below, middle + 1, low), np.where(open_ & ~below, middle, high)
    there = low < ends
    return np.asarray(there & (indices[np.where(there, low, 0)] == columns)) if len(indices) else np.zeros(low.shape, dtype=bool)


def through(part: Contributions, history: History, item: int, edge_type: EdgeType, source: int, target: int) -> npt.NDArray[np.bool_]:
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
