"""Gates are tuned by the full softmax where all candidates fit, and by the sampled one beyond."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gnn.training.tuning
from gnn.graph.walks import step_matrices
from gnn.metrics import all_per_user, hits_of
from gnn.model.history import HistoryWeights
from gnn.model.path_sum import PathSum
from gnn.model.scorer import history_weights
from gnn.training.candidates import Pool
from gnn.training.fit import fit, starting_walks
from gnn.training.tuning import candidate_pool, negative_log_likelihood, softmax_over
from gnn.training.tuning_set import TuningSet, tuning_set
from tests.gnn.oracles import planted_brands
from tests.gnn.training.test_fit import QUICK

GATES = np.array([0.7, 0.4, 0.0, 0.0])
"""Of has_brand, purchased, and of the learned parts, which are not there."""


def small_pool() -> tuple[TuningSet, Pool, np.ndarray]:
    """Return who tunes, their pool, and their scores over all items with `GATES`, what they have met at -inf, [U, n_items]."""
    graph, interactions, _ = planted_brands(30)
    tuning = tuning_set(graph, interactions, QUICK)
    walks = starting_walks(tuning.graph, QUICK)
    pool = candidate_pool(PathSum(tuning.graph, walks), tuning, HistoryWeights(), QUICK)
    history = history_weights(tuning.graph, HistoryWeights())[tuning.users]
    scores = np.zeros(history.shape)
    for walk, gate, scale in zip(walks, GATES, pool.scales, strict=False):
        scores += gate / scale * step_matrices(tuning.graph, walk).carry(history).toarray()
    scores[history.nonzero()] = -np.inf
    return tuning, pool, scores


def loss_of(pool: Pool) -> float:
    return float(negative_log_likelihood(torch.from_numpy(pool.scores(GATES)), pool))


def test_loss_of_a_small_shop_is_that_of_the_full_softmax() -> None:
    tuning, pool, scores = small_pool()
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    by_hand = -np.mean([log_p[user, items].mean() for user, items in enumerate(tuning.withheld)])
    assert softmax_over(len(tuning.users), tuning.graph.n_items, len(GATES)) == "full"
    assert loss_of(pool) == pytest.approx(by_hand, rel=1e-5)


def test_ndcg_of_a_small_shop_is_that_of_the_whole_ranking() -> None:
    tuning, pool, scores = small_pool()
    ranked = np.argsort(-scores, axis=1, kind="stable")[:, : pool.k]
    counts = np.array([len(items) for items in tuning.withheld])
    whole = all_per_user(hits_of(ranked, tuning.withheld), counts, (pool.k,))[f"ndcg@{pool.k}"]
    assert pool.ndcg(GATES) == pytest.approx(float(whole.mean()), abs=1e-6)


def test_beyond_the_bound_candidates_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    _, full, _ = small_pool()
    monkeypatch.setattr(gnn.training.tuning, "FULL_CELLS", full.features.size - 1)
    config = QUICK.model_copy(update={"candidates": 20, "negatives": 30})
    graph, interactions, _ = planted_brands(30)
    tuning = tuning_set(graph, interactions, config)
    drawn = candidate_pool(PathSum(tuning.graph, starting_walks(tuning.graph, config)), tuning, HistoryWeights(), config)
    assert drawn.items.shape[1] < full.items.shape[1]
    assert drawn.offset.max() > 0
    # What is not nominated scores 0 here, so that a few drawn items stand for all of them without an error.
    assert loss_of(drawn) == pytest.approx(loss_of(full), rel=1e-5)


def test_training_says_which_softmax_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, interactions, _ = planted_brands(30)
    assert fit(graph, interactions, QUICK).softmax == "full"
    monkeypatch.setattr(gnn.training.tuning, "FULL_CELLS", 0)
    assert fit(graph, interactions, QUICK).softmax == "sampled"


def test_without_tuning_there_is_no_softmax() -> None:
    graph, interactions, _ = planted_brands(2)
    assert fit(graph, interactions, QUICK).softmax is None


def test_bound_counts_users_items_and_parts() -> None:
    assert softmax_over(1_000, 5_000, 10) == "full"
    assert softmax_over(1_001, 5_000, 10) == softmax_over(1_000, 5_001, 10) == softmax_over(1_000, 5_000, 11) == "sampled"
