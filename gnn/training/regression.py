"""Learned item–item weights: each item regressed on all others, over the histories of all shoppers, in closed form.

    B = I - P / diag(P) ,   P = (XᵀX + λI)⁻¹ ,   s(u, i) = Σ_j c_uj B_ji

Item j adds c_uj B_ji to the score of i, so the shares of a history are exact, and a new event or a new user needs no training. Beside the sum over
paths, which counts every path, a regression counts what two items have in common beyond what third items explain of both.

Only the largest positive weights of each item are kept. The inverse is dense: memory grows with the square of the items, time with their cube.

Source: Steck 2019, arXiv:1905.03375, eq. 8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from gnn.graph.walks import FloatArray, top_per_row

_ROWS = 512
FEWEST_SHOPPERS = 2
"""An item that a single shopper met says nothing about other shoppers."""


def no_weights(n_items: int) -> sp.csr_matrix:
    """Return weights of nothing on anything, [n_items, n_items]."""
    return sp.csr_matrix((n_items, n_items), dtype=np.float32)


def support(interactions: sp.csr_matrix, *, regularization: float) -> npt.NDArray[np.float64]:
    """Return λ + G_kk of the items that take part, 0 of all others: what the direct evidence of a weight is divided by (`gnn.model.copurchases`).

    Args:
        interactions: X, [n_users, n_items].
        regularization: λ, as for `item_weights`.

    Shapes:
        → [n_items].
    """
    core = _taking_part(interactions)
    diagonal = np.asarray(interactions.multiply(interactions).sum(axis=0), dtype=np.float64).ravel()
    divisor = np.zeros(interactions.shape[1])
    if len(core) > 1:
        divisor[core] = diagonal[core] + _ridge(diagonal[core], regularization)
    return divisor


def _taking_part(interactions: sp.csr_matrix) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.asarray(interactions.getnnz(axis=0)).ravel() >= FEWEST_SHOPPERS)


def _ridge(diagonal: npt.NDArray[np.floating], regularization: float) -> float:
    """Return λ, of the diagonal of the Gram matrix."""
    return max(regularization * float(diagonal.mean()), 1e-3)


def item_weights(interactions: sp.csr_matrix, *, regularization: float, kept: int) -> sp.csr_matrix:
    """Return B, pruned.

    Args:
        interactions: X: ones where a user met an item, [n_users, n_items].
        regularization: λ, as a multiple of the mean number of shoppers of the items that take part, for XᵀX grows with it.
        kept: Weights kept per item.

    Shapes:
        → [n_items, n_items], float32, row j, column i; diagonal empty, every entry positive.
    """
    n_items = interactions.shape[1]
    core = _taking_part(interactions)
    if len(core) < 2:
        return no_weights(n_items)
    chosen = sp.csr_matrix(interactions[:, core], dtype=np.float32)
    weights = _pruned(_inverse(sp.csr_matrix(chosen.T @ chosen), regularization), kept)  # [core, core]
    rows = np.repeat(core, np.diff(weights.indptr))
    result = sp.csr_matrix((weights.data, (rows, core[weights.indices])), shape=(n_items, n_items), dtype=np.float32)
    result.sort_indices()
    return result


def _inverse(gram: sp.csr_matrix, regularization: float) -> FloatArray:
    """Return the upper triangle of (G + λI)⁻¹; what is below it is not meant.

    Shapes:
        [n, n], Fortran order.
    """
    dense: FloatArray = gram.toarray(order="F")
    diagonal = np.diag_indices_from(dense)
    dense[diagonal] += np.float32(_ridge(dense[diagonal], regularization))
    # In place, step by step: each copy of the matrix of 12,500 items is 0.6 GB.
    factor, info = scipy.linalg.lapack.spotrf(dense, lower=0, overwrite_a=1, clean=0)
    if info == 0:
        factor, info = scipy.linalg.lapack.spotri(factor, lower=0, overwrite_c=1)
    if info:
        raise FloatingPointError(f"the Gram matrix of the interactions could not be inverted (LAPACK says {info})")
    return np.asarray(factor)


def _pruned(inverse: FloatArray, kept: int) -> sp.csr_matrix:
    """Return -P_ji / P_ii off the diagonal, the largest positive ones of each row.

    Args:
        inverse: Upper triangle of P, [n, n].
        kept: How many per row.

    Shapes:
        → [n, n].
    """
    n = len(inverse)
    own = np.diagonal(inverse).copy()
    parts = []
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        block = np.empty((rows.stop - start, n), dtype=np.float32)
        block[:, :start] = inverse[:start, rows].T
        square = np.triu(inverse[rows, rows])
        block[:, rows] = square + np.triu(square, 1).T
        block[:, rows.stop :] = inverse[rows, rows.stop :]
        block /= -own
        np.fill_diagonal(block[:, rows], 0.0)
        parts.append(top_per_row(sp.csr_matrix(np.maximum(block, 0.0)), kept))
    return sp.csr_matrix(sp.vstack(parts, format="csr"))
