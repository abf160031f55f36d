"""Options against class imbalance: the draws are what they say, the correction keeps the likelihood's aim, the weights its sum."""

from __future__ import annotations

import numpy as np
import pytest

from gnn.config import ModelConfig, NegativeSampling
from gnn.training.candidates import build_pool, candidates
from gnn.training.fit import fit
from gnn.training.sampling import proposal, target_weights
from tests.gnn.oracles import planted_brands, ranked
from tests.gnn.training.test_fit import QUICK, share_found

POPULARITY = np.array([0.0, 3.0, 8.0, 15.0, 99.0] * 20)


def test_proposals_by_hand() -> None:
    assert proposal(POPULARITY, "uniform") is None
    often, rarely, strata = (proposal(POPULARITY, name) for name in ("popularity", "inverse_popularity", "stratified"))
    assert often is not None
    assert rarely is not None
    assert strata is not None
    assert often[4] / often[0] == pytest.approx(100**0.75)
    assert rarely[0] / rarely[4] == pytest.approx(10)
    assert strata == pytest.approx(np.full(100, 0.01))
    assert all(found.sum() == pytest.approx(1) for found in (often, rarely, strata))


@pytest.mark.parametrize("method", ["uniform", "popularity", "inverse_popularity", "stratified"])
def test_the_drawn_items_stand_for_all_the_others_whatever_the_proposal(method: NegativeSampling) -> None:
    """Σ n_i over the drawn items estimates how many items there are besides the nominated ones."""
    rng = np.random.default_rng(1)
    sums = []
    for _ in range(300):
        row = candidates(
            [np.zeros(100, dtype=np.float32)],
            np.array([1, 2]),
            np.ones(100, dtype=bool),
            np.array([3]),
            negatives=60,
            rng=rng,
            proposal=proposal(POPULARITY, method),
        )
        sums.append(float(np.exp(row.offset[3:]).sum()))
    assert np.mean(sums) == pytest.approx(97, rel=0.05)


def test_users_who_should_find_rare_items_count_more() -> None:
    weights = target_weights(POPULARITY, [np.array([0]), np.array([4]), np.array([0, 4])], "inverse_popularity")
    assert weights == pytest.approx([1.0, 0.1, 0.55])
    assert target_weights(POPULARITY, [np.array([0])], "even") is None
    rng = np.random.default_rng(1)
    parts = [np.arange(100, dtype=np.float32)]
    rows = [candidates(parts, np.array([98, 99]), np.ones(100, dtype=bool), np.array([n]), negatives=5, rng=rng) for n in (99, 50)]
    even, weighted = build_pool(rows, np.array([1, 1])), build_pool(rows, np.array([1, 1]), np.array([1.0, 3.0]))
    assert even.ndcg(np.ones(1)) == pytest.approx(0.5)
    assert weighted.ndcg(np.ones(1)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "options", [{"negative_sampling": "popularity"}, {"negative_sampling": "stratified", "target_weights": "inverse_popularity"}]
)
def test_what_is_planted_is_found_with_every_option(options: dict[str, str]) -> None:
    graph, interactions, wanted = planted_brands(40)
    config = ModelConfig(**{**QUICK.model_dump(), **options})
    assert share_found(ranked(graph, fit(graph, interactions, config).model, 2), wanted) == 1.0
