"""Walks: what one meta-path carries from a shopper's items to all items, as sparse products.

The weight of one path j → v → … → i is a product of degree powers,

    w(j → v → i) = |N(j)|^-a · h_v |N(v)|^-b · |N(i)|^-c · max(1, p_i)^e ,

where |N(·)| counts the neighbours of a node in the edge type that the path walks through there, and p_i the shoppers who met the item: of two
items of a brand the one that more shoppers chose is the better guess. h_v is 1 but for hubs, which count less and lead on to some of their
neighbours only (`gnn.graph.hubs`). Summed over all paths of a meta-path this is the matrix W = D_j^-a A₁ H D_v^-b A₂ D_i^-c P_i^e, so a
history is carried
along by one sparse product per step. A walk of three steps, item → item ← user → item, never steps back to the item it came from.

Source: the degree-discounted walk of RP3beta (Paudel et al. 2017, doi:10.1145/2955101), with an exponent per node of the path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.graph.arrays import GraphArrays
from gnn.graph.hubs import hub_factor, onward
from kg.schema import MetaPath, Step

FloatArray = npt.NDArray[np.float32]

_BLOCK = 16


@dataclass(frozen=True, slots=True)
class WalkWeights:
    """A meta-path with its learned weights.

    Attributes:
        meta_path: Its steps.
        gate: How much it counts, at least 0.
        start_exponent: a, of the history item.
        middle_exponent: b, of every node between.
        end_exponent: c, of the recommended item.
        popularity_exponent: e, of the shoppers who met the recommended item.
        max_degree: Nodes between with more neighbours than this are hubs: they count less, and lead on to some of their neighbours only.
        hub_fanout: How many neighbours a hub leads on to.
    """

    meta_path: MetaPath
    gate: float
    start_exponent: float = 0.5
    middle_exponent: float = 1.0
    end_exponent: float = 0.5
    popularity_exponent: float = 0.0
    max_degree: int = 5_000
    hub_fanout: int = 300


@dataclass(frozen=True)
class StepMatrices:
    """The adjacency of each step of a meta-path, and the degree factors between them.

    Attributes:
        adjacency: One matrix per step, [nodes left, nodes reached], of ones; from the second on, hubs have only the neighbours they lead on to.
        start: Factor per history item, [n_items].
        middle: Factor per node between, one array per inner node type.
        end: Factor per recommended item, [n_items].
        weighted: The adjacencies with their factors; of a walk of three steps the last two are one matrix without its diagonal.
    """

    adjacency: tuple[sp.csr_matrix, ...]
    start: FloatArray
    middle: tuple[FloatArray, ...]
    end: FloatArray
    weighted: tuple[sp.csr_matrix, ...] = field(init=False)

    def __post_init__(self) -> None:
        factors = [self.start, *self.middle]
        products = [sp.diags(f) @ a for f, a in zip(factors, self.adjacency, strict=True)]
        products[-1] = products[-1] @ sp.diags(self.end)
        if len(products) == 3:
            together = sp.csr_matrix(products[1] @ products[2])
            together.setdiag(0)
            together.eliminate_zeros()
            products[1:] = [together]
        object.__setattr__(self, "weighted", tuple(sp.csr_matrix(p, dtype=np.float32) for p in products))

    def carry(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        """Carry weights on items along the meta-path: rows · W.

        Shapes:
            rows [B, n_items] → [B, n_items]. Paths from an item to itself are included; callers that start at one item remove them.
        """
        for matrix in self.weighted:
            rows = rows @ matrix
        return rows


def step_matrices(graph: GraphArrays, walk: WalkWeights) -> StepMatrices:
    """Return the matrices of a walk over a graph."""
    whole = [oriented(graph, step) for step in walk.meta_path.steps]
    start = power(degrees(whole[0], axis=1), walk.start_exponent)
    end = power(degrees(whole[-1], axis=0), walk.end_exponent) * attraction(graph.popularity, walk.popularity_exponent)
    middle = tuple(middle_factor(degrees(matrix, axis=1), walk) for matrix in whole[1:])
    further = [going_on(matrix, step, walk, graph.popularity) for matrix, step in zip(whole[1:], walk.meta_path.steps[1:], strict=True)]
    return StepMatrices((whole[0], *further), start, middle, end)


def oriented(graph: GraphArrays, step: Step) -> sp.csr_matrix:
    """Return the adjacency of a step, [nodes left, nodes reached], of ones."""
    adjacency = graph.adjacency(step.edge_type)
    return adjacency.T.tocsr() if step.reverse else adjacency


def going_on(adjacency: sp.csr_matrix, step: Step, walk: WalkWeights, popularity: FloatArray) -> sp.csr_matrix:
    """Return where a walk goes on to by a step that is not its first one: the adjacency, with the rows of hubs cut down.

    Args:
        adjacency: Of the step, [nodes left, nodes reached].
        step: Which.
        walk: Whose hubs.
        popularity: Shoppers per item.
    """
    items = popularity if step.end == "item" else None
    return onward(adjacency, max_degree=walk.max_degree, fanout=walk.hub_fanout, popularity=items)


def middle_factor(degree: FloatArray, walk: WalkWeights) -> FloatArray:
    """Return the factor of nodes between, of their degrees: h_v |N(v)|^-b.

    Shapes:
        [n] → [n].
    """
    return power(degree, walk.middle_exponent) * hub_factor(degree, walk.max_degree)


def degrees(adjacency: sp.csr_matrix, *, axis: int) -> FloatArray:
    """Return the number of neighbours of each row (axis 1) or column (axis 0) of an adjacency of ones."""
    return np.asarray(adjacency.sum(axis=axis), dtype=np.float32).ravel()


def power(degree: FloatArray, exponent: float) -> FloatArray:
    """Return degree^-exponent, and 0 for nodes without neighbours."""
    factor = np.zeros_like(degree)
    np.power(degree, -exponent, out=factor, where=degree > 0)
    return factor


def attraction(popularity: FloatArray, exponent: float) -> FloatArray:
    """Return max(1, popularity)^exponent."""
    return np.asarray(np.maximum(popularity, 1.0) ** np.float32(exponent), dtype=np.float32)


def top_per_row(matrix: sp.csr_matrix, k: int) -> sp.csr_matrix:
    """Keep the k largest positive entries of each row; equal ones by the smaller column.

    Args:
        matrix: Without repeated entries; the order of a row's columns does not matter.
        k: How many.

    Returns:
        A matrix whose rows are sorted by column.
    """
    data, columns, counts = [], [], []
    for start, end in pairwise(matrix.indptr.tolist()):
        values, nums = matrix.data[start:end], matrix.indices[start:end]
        chosen = largest(values, nums, k)
        chosen = chosen[values[chosen] > 0]
        chosen = chosen[np.argsort(nums[chosen])]
        data.append(values[chosen])
        columns.append(nums[chosen])
        counts.append(len(chosen))
    indptr = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return sp.csr_matrix((_joined(data, np.float32), _joined(columns, np.int32), indptr), shape=matrix.shape)


def largest(values: npt.NDArray[np.floating], nums: npt.NDArray[np.int32] | None, k: int) -> npt.NDArray[np.int64]:
    """Return the positions of the k largest values, best first; equal values by the smaller number, or by position where there are no numbers."""
    positions = np.flatnonzero(values >= kth_largest(values, k)) if len(values) > k else np.arange(len(values))
    order = np.argsort(-values[positions], kind="stable") if nums is None else np.lexsort((nums[positions], -values[positions]))
    return positions[order[:k]].astype(np.int64)


def kth_largest(values: npt.NDArray[np.floating], k: int) -> float:
    """Return the k-th largest of at least k values.

    The k-th largest of the maxima of blocks bounds it from below, and leaves few values to look at.
    """
    n_blocks = len(values) // _BLOCK
    if n_blocks >= 2 * k:
        # Blocks that interleave: maxima of neighbouring values are taken many at a time.
        maxima = values[: n_blocks * _BLOCK].reshape(_BLOCK, n_blocks).max(axis=0)
        values = values[values >= np.partition(maxima, n_blocks - k)[n_blocks - k]]
    return float(np.partition(values, len(values) - k)[len(values) - k])


def _joined(parts: Sequence[npt.NDArray[np.generic]], dtype: type[np.generic]) -> npt.NDArray[np.generic]:
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype=dtype)
