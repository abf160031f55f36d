"""Baselines: what every shop could have without a graph. One small class each, all with one method, `scores`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from gnn.graph.walks import FloatArray, power, top_per_row
from gnn.training.factors import als_item_factors

EASE_MAX_ITEMS = 30_000
_ROWS_AT_ONCE = 1_024


class Ranker(Protocol):
    """Anything that scores all items for a batch of users."""

    name: str

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items.

        Shapes:
            users [B] → [B, n_items].
        """
        ...


class Popularity:
    """Score an item by how many users chose it.

    Args:
        interactions: Ones where a user chose an item, [n_users, n_items].
    """

    name = "popularity"

    def __init__(self, interactions: sp.csr_matrix) -> None:
        self._counts = np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel()

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items, alike for everybody."""
        return np.tile(self._counts, (len(users), 1))


class RecentPopularity:
    """Score an item by how many users chose it lately.

        s(i) = Σ_{u ∈ U_i} 2^(-age_ui / half_life),   age_ui = time since u last chose i, at the end of the data

    Args:
        last_times: When a user last chose an item, in any unit, [n_users, n_items]; explicit zeros are times too.
        half_life: In the same unit; by default a twentieth of the time the data span.
    """

    name = "recent popularity"

    def __init__(self, last_times: sp.csr_matrix, half_life: float | None = None) -> None:
        times = last_times.data.astype(np.float64)
        self._counts = np.zeros(last_times.shape[1], dtype=np.float32)
        if len(times):
            span = float(times.max() - times.min())
            weights = np.exp2(-(times.max() - times) / (half_life or span / 20 or 1.0))
            self._counts += np.bincount(last_times.indices, weights=weights, minlength=last_times.shape[1]).astype(np.float32)

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items, alike for everybody."""
        return np.tile(self._counts, (len(users), 1))


class ItemKNN:
    """Score an item by its cosine similarity to the items that the user chose.

        s(u, i) = Σ_{j ∈ H_u} cos(j, i),   cos(j, i) = |U_j ∩ U_i| / √(|U_j| · |U_i|), the k nearest of each j

    Source: Deshpande and Karypis 2004, doi:10.1145/963770.963776.

    Args:
        interactions: Ones where a user chose an item, [n_users, n_items].
        k: Neighbours kept per item.
    """

    name = "item-kNN"

    def __init__(self, interactions: sp.csr_matrix, k: int = 100) -> None:
        self._interactions = interactions
        degree = np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel()
        normal = sp.csr_matrix(interactions @ sp.diags(power(degree, 0.5)), dtype=np.float32)
        self._neighbours = nearest(normal.T.tocsr(), normal, k)

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return np.asarray((self._interactions[users] @ self._neighbours).todense(), dtype=np.float32)


class RP3Beta:
    """Score an item by a random walk item → user → item, popular targets discounted.

        P(j → i) = Σ_u 1/|U_j| · 1/|H_u| · |U_i|^-beta,   the k largest of each j

    Source: Paudel, Christoffel, Newell and Bernstein 2017, doi:10.1145/2955101.

    Args:
        interactions: Ones where a user chose an item, [n_users, n_items].
        beta: Discount of popular targets.
        k: Neighbours kept per item.
    """

    name = "RP3beta"

    def __init__(self, interactions: sp.csr_matrix, beta: float = 0.5, k: int = 200) -> None:
        self._interactions = interactions
        of_item = np.asarray(interactions.sum(axis=0), dtype=np.float32).ravel()
        of_user = np.asarray(interactions.sum(axis=1), dtype=np.float32).ravel()
        to_users = sp.csr_matrix(sp.diags(power(of_item, 1.0)) @ interactions.T, dtype=np.float32)
        to_items = sp.csr_matrix(sp.diags(power(of_user, 1.0)) @ interactions @ sp.diags(power(of_item, beta)), dtype=np.float32)
        self._neighbours = nearest(to_users, to_items, k)

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return np.asarray((self._interactions[users] @ self._neighbours).todense(), dtype=np.float32)


class EASE:
    """Score an item by ridge regression on all others, in closed form.

        B = I - P / diag(P),   P = (XᵀX + λI)⁻¹,   s = X B

    Source: Steck 2019, arXiv:1905.03375, eq. 8.

    Args:
        interactions: Ones where a user chose an item, [n_users, n_items]; at most `EASE_MAX_ITEMS` items, for the inverse is dense.
        regularization: λ.
    """

    name = "EASE"

    def __init__(self, interactions: sp.csr_matrix, regularization: float = 250.0) -> None:
        self._interactions = interactions
        gram = sp.csr_matrix(interactions.T @ interactions, dtype=np.float32).toarray()
        diagonal = np.diag_indices_from(gram)
        gram[diagonal] += regularization
        # In place, step by step: at 30,000 items each copy of the matrix is 3.6 GB.
        weights: FloatArray = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
        weights /= -weights[diagonal][None, :]
        weights[diagonal] = 0.0
        self._weights = weights

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return np.asarray(self._interactions[users] @ self._weights, dtype=np.float32)


class InSeason:
    """A baseline whose scores are multiplied with the same factor of the season as the model's.

    Args:
        ranker: The baseline; its scores are above 0 where they matter.
        factor: f, [n_items].
    """

    def __init__(self, ranker: Ranker, factor: FloatArray) -> None:
        self._ranker, self._factor, self.name = ranker, factor, f"{ranker.name} × season"

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return np.asarray(self._ranker.scores(users) * self._factor, dtype=np.float32)


class ALS:
    """Score an item by implicit matrix factorisation, each user's factors solved from the user's own history.

        x_u = (YᵀY + α Σ_{j ∈ H_u} y_j y_jᵀ + λI)⁻¹ (1 + α) Σ_{j ∈ H_u} y_j,   s(u, i) = ⟨x_u, y_i⟩

    Source: Hu, Koren and Volinsky 2008, doi:10.1109/ICDM.2008.22.

    Args:
        interactions: Ones where a user chose an item, [n_users, n_items].
        factors: Width.
        regularization: λ.
        confidence: α.
        iterations: Alternations.
        seed: Seed of the start.
    """

    name = "iALS"

    def __init__(
        self,
        interactions: sp.csr_matrix,
        factors: int = 64,
        regularization: float = 50.0,
        confidence: float = 20.0,
        iterations: int = 10,
        seed: int = 1,
    ) -> None:
        self._interactions, self._regularization, self._confidence = interactions, regularization, confidence
        self._items = als_item_factors(
            interactions, factors=factors, iterations=iterations, regularization=regularization, confidence=confidence, seed=seed
        )
        self._gram = self._items.T @ self._items

    def scores(self, users: np.ndarray) -> FloatArray:
        """Score all items."""
        return np.asarray(np.stack([self._user(user) for user in users]) @ self._items.T, dtype=np.float32)

    def _user(self, user: int) -> FloatArray:
        start, stop = self._interactions.indptr[user : user + 2]
        chosen = self._items[self._interactions.indices[start:stop]]  # [|H_u|, d]
        left = self._gram + self._confidence * chosen.T @ chosen + self._regularization * np.eye(self._gram.shape[0], dtype=np.float32)
        return np.asarray(np.linalg.solve(left, (1 + self._confidence) * chosen.sum(axis=0)), dtype=np.float32)


def nearest(left: sp.csr_matrix, right: sp.csr_matrix, k: int) -> sp.csr_matrix:
    """Return the `k` largest entries of each row of left · right, the diagonal left out, some rows at a time.

    Shapes:
        left [n_items, m], right [m, n_items] → [n_items, n_items].
    """
    parts = []
    for start in range(0, left.shape[0], _ROWS_AT_ONCE):
        rows = sp.csr_matrix(left[start : start + _ROWS_AT_ONCE] @ right)
        own = np.arange(rows.shape[0])
        diagonal = sp.csr_matrix((np.asarray(rows[own, start + own]).ravel(), (own, start + own)), shape=rows.shape)
        parts.append(top_per_row(sp.csr_matrix(rows - diagonal), k))
    return sp.vstack(parts, format="csr") if parts else sp.csr_matrix((0, 0), dtype=np.float32)
