from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from gnn.evaluation.baselines import ALS, EASE, ItemKNN, Popularity, Ranker, RecentPopularity, RP3Beta
from gnn.training.factors import als_item_factors, confidence_for, folded, width_for


@pytest.fixture
def interactions() -> sp.csr_matrix:
    return sp.csr_matrix((np.random.default_rng(1).random((12, 9)) < 0.4).astype(np.float32))


def dense_item_similarity(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    similarity: np.ndarray = x.T @ (weight[:, None] * x)
    np.fill_diagonal(similarity, 0)
    return similarity


def test_popularity_counts_users(interactions: sp.csr_matrix) -> None:
    expected = interactions.toarray().sum(axis=0)
    np.testing.assert_allclose(Popularity(interactions).scores(np.array([3, 5])), np.stack([expected, expected]))


def test_recent_popularity_halves_after_a_half_life() -> None:
    times = sp.csr_matrix((np.array([100.0, 90.0, 100.0]), (np.array([0, 1, 1]), np.array([0, 1, 0]))), shape=(2, 3))
    np.testing.assert_allclose(RecentPopularity(times, half_life=10.0).scores(np.array([0])), [[2.0, 0.5, 0.0]])


def test_item_knn_is_the_cosine(interactions: sp.csr_matrix) -> None:
    x = interactions.toarray()
    norm = np.linalg.norm(x, axis=0)
    cosine = dense_item_similarity(x, np.ones(len(x))) / np.outer(norm, norm)
    np.testing.assert_allclose(ItemKNN(interactions, k=9).scores(np.arange(12)), x @ cosine, rtol=1e-5)


def test_item_knn_keeps_k_neighbours(interactions: sp.csr_matrix) -> None:
    one_item = sp.csr_matrix(([1.0], ([0], [2])), shape=interactions.shape, dtype=np.float32)
    ranker = ItemKNN(interactions, k=3)
    ranker._interactions = one_item
    assert np.count_nonzero(ranker.scores(np.array([0]))) == 3


def test_rp3beta_is_the_discounted_walk(interactions: sp.csr_matrix) -> None:
    x = interactions.toarray()
    walk = dense_item_similarity(x, 1 / x.sum(axis=1)) / x.sum(axis=0)[:, None] / x.sum(axis=0)[None, :] ** 0.3
    np.testing.assert_allclose(RP3Beta(interactions, beta=0.3, k=9).scores(np.arange(12)), x @ walk, rtol=1e-4)


def test_ease_solves_the_constrained_ridge_regression(interactions: sp.csr_matrix) -> None:
    x, ridge = interactions.toarray().astype(np.float64), 2.0
    expected = np.zeros((9, 9))
    for item in range(9):  # column by column: regress an item on all others
        others = [other for other in range(9) if other != item]
        gram = x[:, others].T @ x[:, others] + ridge * np.eye(8)
        expected[others, item] = np.linalg.solve(gram, x[:, others].T @ x[:, item])
    np.testing.assert_allclose(EASE(interactions, regularization=ridge).scores(np.arange(12)), x @ expected, atol=1e-4)


def test_als_prefers_what_similar_users_have() -> None:
    blocks = np.kron(np.eye(2), np.ones((8, 6))).astype(np.float32)
    blocks[0, 0] = blocks[8, 6] = 0
    scores = ALS(sp.csr_matrix(blocks), factors=2, regularization=0.1, confidence=10.0).scores(np.array([0, 8]))
    assert scores[0, 0] > scores[0, 6:].max()
    assert scores[1, 6] > scores[1, :6].max()


def test_every_baseline_scores_every_item(interactions: sp.csr_matrix) -> None:
    rankers: list[Ranker] = [
        Popularity(interactions),
        RecentPopularity(interactions),
        ItemKNN(interactions),
        RP3Beta(interactions),
        EASE(interactions),
        ALS(interactions, factors=4),
    ]
    for ranker in rankers:
        scores = ranker.scores(np.arange(5))
        assert scores.shape == (5, 9), ranker.name
        assert scores.dtype == np.float32, ranker.name
        assert np.isfinite(scores).all(), ranker.name


def test_folded_factors_are_the_ridge_solution_with_one_gram_matrix(interactions: sp.csr_matrix) -> None:
    items = als_item_factors(interactions, factors=4, iterations=5, regularization=0.5, confidence=5.0, seed=1)
    embeddings = folded(items, items, regularization=0.5)
    history = np.random.default_rng(2).random(9)
    user = np.linalg.solve(items.T @ items + 0.5 * np.eye(4), items.T @ history)
    ratio = (history @ embeddings.source @ embeddings.target.T) / (items @ user)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
    assert np.einsum("nd,nd->n", embeddings.source, embeddings.target).mean() == pytest.approx(1.0, rel=1e-4)


def test_items_without_events_have_no_factors_of_their_own() -> None:
    interactions = sp.csr_matrix(np.array([[1, 1, 0], [1, 0, 0]], dtype=np.float32))
    factors = als_item_factors(interactions, factors=2, iterations=3, regularization=0.1, confidence=5.0, seed=1)
    assert not factors[2].any()
    assert factors[0].any()


def test_same_seed_same_factors(interactions: sp.csr_matrix) -> None:
    runs = [als_item_factors(interactions, factors=4, iterations=3, regularization=0.1, confidence=5.0, seed=3) for _ in range(2)]
    np.testing.assert_array_equal(runs[0], runs[1])


def test_confidence_falls_with_longer_histories_within_bounds() -> None:
    short, long = sp.csr_matrix(np.eye(40, dtype=np.float32)), sp.csr_matrix(np.ones((2, 900), dtype=np.float32))
    assert confidence_for(short) == 100.0
    assert confidence_for(long) == 1.0
    assert width_for(1_000) > width_for(1_000_000)
