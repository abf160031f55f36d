"""What the split of `gnn.model.copurchases` is worked out from, taken from what was fitted."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray
from gnn.model.copurchases import CoPurchases
from gnn.model.history import HistoryWeights
from gnn.training.factors import ALSFactors, Factors
from gnn.training.regression import support
from gnn.types import IntArray
from kg.schema import EdgeType, family, kind_of

_CELLS = 20_000_000


def copurchases_of(graph: GraphArrays, met: sp.csr_matrix, factors: Factors, config: ModelConfig, *, regressed: bool) -> CoPurchases | None:
    """Return what the learned parts of a model have to be split with; None where no shopper met anything.

    Args:
        graph: The graph with the interactions that were learned from.
        met: What the factors and the weights were fitted to, [n_users, n_items].
        factors: The embeddings.
        config: What they were fitted with.
        regressed: Whether item–item weights were regressed.
    """
    edge_type = _most_met(graph, config)
    if edge_type is None:
        return None
    edges = graph.adjacency(edge_type).T.tocsr()
    edges.sort_indices()
    users = edges.indices.astype(np.int64)
    items = np.repeat(np.arange(graph.n_items), np.diff(edges.indptr))
    weights = entries(met, users, items)
    through, taken, given = np.zeros((graph.n_items, 0), dtype=np.float32), np.zeros_like(weights), np.zeros_like(weights)
    als = factors.als
    if als is not None and factors.own_share is not None and als.items.shape[1]:
        through = _through(als)
        taken = residuals(weights, als.users, als.before, users, items, als.confidence)
        given = residuals(weights, als.users, als.items, users, items, als.confidence) * factors.own_share[items]
    divisor = support(met, regularization=config.regression_regularization) if regressed else np.zeros(graph.n_items)
    return CoPurchases(edge_type, through, taken, given, weights, edges.indptr.astype(np.int64), divisor)


def _most_met(graph: GraphArrays, config: ModelConfig) -> EdgeType | None:
    """Return the interaction that counts and that most pairs of shopper and item have."""
    weights = HistoryWeights(config.kinds)
    sizes = {
        edge_type: frame.height
        for edge_type, frame in sorted(graph.edges.items())
        if family(edge_type) == "interaction" and frame.height and weights.weight(kind_of(edge_type[1])) > 0
    }
    return max(sizes, key=lambda edge_type: sizes[edge_type], default=None)


def entries(matrix: sp.csr_matrix, rows: IntArray, columns: IntArray) -> FloatArray:
    """Return the entries of a matrix at some places, 0 where it has none.

    Shapes:
        rows, columns [n] → [n], float32.
    """
    matrix = sp.csr_matrix(matrix)
    matrix.sort_indices()
    n_columns = matrix.shape[1]
    known = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr)) * n_columns + matrix.indices
    wanted = rows * n_columns + columns
    at = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
    if not len(known):
        return np.zeros(len(wanted), dtype=np.float32)
    return np.where(known[at] == wanted, matrix.data[at], 0).astype(np.float32)


def residuals(weights: FloatArray, users: FloatArray, items: FloatArray, user_nums: IntArray, item_nums: IntArray, confidence: float) -> FloatArray:
    """Return e = c - (c - 1) ⟨x_u, y_i⟩ of meetings, with c = confidence · weight; 0 where a meeting does not count.

    Shapes:
        weights, user_nums, item_nums [n] → [n], float32.
    """
    values = np.zeros(len(weights), dtype=np.float32)
    size = max(1, _CELLS // max(1, users.shape[1]))
    for start in range(0, len(weights), size):
        part = slice(start, start + size)
        predicted = np.einsum("nd,nd->n", users[user_nums[part]], items[item_nums[part]], dtype=np.float64)
        counted = confidence * weights[part].astype(np.float64)
        values[part] = np.where(weights[part] > 0, counted - (counted - 1) * predicted, 0.0)
    return values


def _through(als: ALSFactors) -> FloatArray:
    """Return v_k = M_U M_Y y'_k, [n_items, d]."""
    ridge = max(als.regularization, 1e-6) * np.eye(als.items.shape[1])
    users, before = als.users.astype(np.float64), als.before.astype(np.float64)
    solved = np.linalg.solve(before.T @ before + ridge, before.T)  # [d, n_items]
    return np.asarray(np.linalg.solve(users.T @ users + ridge, solved).T, dtype=np.float32)
