"""Learned item embeddings: implicit-feedback matrix factorisation, folded into a form that is linear in the history.

Alternating least squares finds item factors Y and, per user, x_u = (YᵀC_uY + λI)⁻¹ YᵀC_u p_u. With one Gram matrix for all users instead of
C_u the user's factors become a sum over the history,

    x_u = Σ_j c_uj a_j ,   a_j = (YᵀY + λI)⁻¹ y_j ,   s(u, i) = ⟨x_u, y_i⟩ ,

so a new event or a new user needs no training, and each history item's share of a score is exact.

Source: Hu, Koren and Volinsky 2008, doi:10.1109/ICDM.2008.22 (eq. 4); the `implicit` library's implementation with conjugate gradients
(Takács, Pilászy and Tikk 2011, doi:10.1145/2043932.2043987).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import threadpoolctl

from gnn.graph.walks import FloatArray


@dataclass(frozen=True)
class ALSFactors:
    """Factors of alternating least squares, the last alternation solved exactly.

    Attributes:
        items: Y, [n_items, d]; zeros for items without interactions. Solved from `users`.
        users: X, [n_users, d]. Solved from `before`.
        before: Y', the factors of the items one alternation before, [n_items, d].
        regularization: λ.
        confidence: alpha.
    """

    items: FloatArray
    users: FloatArray
    before: FloatArray
    regularization: float
    confidence: float


@dataclass(frozen=True)
class Factors:
    """Item embeddings: `source` a_j as part of a history, `target` b_i as candidate, both [n_items, d].

    Attributes:
        source: a_j.
        target: b_i.
        own_share: How much of b_i is the item's own factor, and neither its neighbours' nor its text's, [n_items]; None where that is not known.
        als: What they were made from; None where nothing was.
    """

    source: FloatArray
    target: FloatArray
    own_share: FloatArray | None = None
    als: ALSFactors | None = None


def no_factors(n_items: int) -> Factors:
    """Return embeddings of width 0."""
    empty = np.zeros((n_items, 0), dtype=np.float32)
    return Factors(empty, empty)


def confidence_for(interactions: sp.csr_matrix) -> float:
    """Return the confidence of one interaction (alpha) that suits the length of the histories: 700 / mean length, within 1 and 100.

    Where users have few interactions each must count for much; where they have hundreds, large confidences drown what is unknown. The constant was
    found on shops with 6, 45 and 350 items per user.

    Args:
        interactions: Ones, [n_users, n_items].
    """
    lengths = np.diff(interactions.indptr)
    active = lengths[lengths > 0]
    return float(np.clip(700.0 / active.mean(), 1.0, 100.0)) if len(active) else 1.0


def width_for(n_items: int) -> int:
    """Return the width of embeddings that suits the size of a catalogue: 128, or 64 above 30,000 items, where it costs most."""
    return 128 if n_items <= 30_000 else 64


def als_item_factors(
    interactions: sp.csr_matrix,
    *,
    factors: int,
    iterations: int,
    regularization: float,
    confidence: float,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> FloatArray:
    """Return item factors Y of implicit alternating least squares.

    Args:
        interactions: Weights, [n_users, n_items]; ones count as one interaction.
        factors: Width d; narrowed where the shop is small.
        iterations: Number of alternations.
        regularization: λ.
        confidence: alpha: confidence = alpha · weight.
        seed: Seed of the start.
        progress: Called after each iteration with its number.

    Shapes:
        → [n_items, d] float32; zeros for items without interactions.
    """
    return als_factors(
        interactions,
        factors=factors,
        iterations=iterations,
        regularization=regularization,
        confidence=confidence,
        seed=seed,
        progress=progress,
        exact=False,
    ).items


def als_factors(
    interactions: sp.csr_matrix,
    *,
    factors: int,
    iterations: int,
    regularization: float,
    confidence: float,
    seed: int,
    progress: Callable[[int], None] | None = None,
    exact: bool = True,
) -> ALSFactors:
    """Return all factors of implicit alternating least squares; the arguments are those of `als_item_factors`.

    Args:
        interactions: Weights, [n_users, n_items].
        factors: Width d.
        iterations: Number of alternations.
        regularization: λ.
        confidence: alpha.
        seed: Seed of the start.
        progress: Called after each iteration with its number.
        exact: Solve the last alternation exactly, by Cholesky's method, and not by a few steps of conjugate gradients: the factors are then sums over
            shoppers to the last digit (`gnn.model.copurchases`).
    """
    from implicit.cpu.als import AlternatingLeastSquares

    (n_users, n_items), width = interactions.shape, min(factors, *interactions.shape)
    if width == 0 or not interactions.nnz:
        users, items = (np.zeros((n, 0), dtype=np.float32) for n in (n_users, n_items))
        return ALSFactors(items, users, items, regularization, confidence)
    weights = sp.csr_matrix(interactions, dtype=np.float32)
    last = 1 if exact else 0
    # implicit starts its own threads; a threaded BLAS below them makes it many times slower.
    with threadpoolctl.threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=width, regularization=regularization, alpha=confidence, iterations=max(1, iterations - last), random_state=seed
        )
        if progress is not None:
            model.fit_callback = lambda iteration, _time, _loss: progress(int(iteration))
        model.fit(weights, show_progress=False)
        before = np.array(model.item_factors, dtype=np.float32)
        before[np.asarray(interactions.getnnz(axis=0)).ravel() == 0] = 0
        # implicit remembers the Gram matrices of the factors that it had.
        model.item_factors, model._YtY = before, None
        if exact:
            model.user_factors, model._XtX = model.recalculate_user(np.arange(n_users), weights), None
            model.item_factors = model.recalculate_item(np.arange(n_items), weights.T.tocsr())
    items, users = (np.array(part, dtype=np.float32) for part in (model.item_factors, model.user_factors))
    return ALSFactors(items, users, before, regularization, confidence)


def folded(item_factors: FloatArray, target: FloatArray, *, regularization: float) -> Factors:
    """Return the embeddings whose inner products are the linear fold-in of the factors.

    Scaled so that the mean ⟨a_j, b_j⟩ is 1: gates then mean the same for every shop.

    Args:
        item_factors: Y, [n_items, d].
        target: The factors that candidates and histories use, Y or a smoothed Y, [n_items, d].
        regularization: λ.
    """
    width = item_factors.shape[1]
    if not width:
        return no_factors(len(item_factors))
    gram = item_factors.T.astype(np.float64) @ item_factors + max(regularization, 1e-6) * np.eye(width)  # [d, d]
    source = np.linalg.solve(gram, target.T.astype(np.float64)).T  # [n_items, d]
    own = float(np.einsum("nd,nd->n", source, target).mean())
    return Factors((source / (own if own > 0 else 1.0)).astype(np.float32), np.ascontiguousarray(target, dtype=np.float32))
