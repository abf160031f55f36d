"""The head of a ranking is that of the whole ranking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact import Artifact, load_artifact, save_artifact
from gnn.graph import GraphArrays
from gnn.lists.head import HeadScorer
from gnn.lists.ranking import Adjustment, Bar, Candidates, placed
from gnn.recommend import Recommender
from tests.gnn.small import small_model, small_tables


@pytest.fixture(scope="module", params=[(0, 0.3), (1, 5.0), (2, -0.4)])
def artifact(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Shops whose learned part is small, large, and turned round: bounds must hold whatever its sign."""
    seed, gate = request.param
    graph = GraphArrays.from_tables(small_tables(seed, n_items=60, n_users=20))
    rng = np.random.default_rng(seed)
    model = replace(
        small_model(graph, seed, learned=abs(gate), neighbours=10),
        source_embeddings=(np.sign(gate) * rng.normal(size=(60, 24))).astype(np.float32),
        target_embeddings=(rng.normal(size=(60, 24)) * np.geomspace(1, 0.05, 24)).astype(np.float32),
    )
    folder: Path = tmp_path_factory.mktemp("head") / "artifact"
    return load_artifact(save_artifact(folder, graph, model, build_id="20240101T000000-abcdef"))


def test_the_head_is_that_of_the_whole_ranking(artifact: Artifact) -> None:
    recommender, heads = Recommender(artifact), HeadScorer(artifact, first=2, dense_below=0, dense_share=1.0)
    assert heads.applies
    rng, spared = np.random.default_rng(5), 0
    for user_id in artifact.user_ids:
        shopper = recommender.shoppers.shopper(user_id)
        whole = recommender.scores(shopper.history)
        for wanted in (1, 5, 17):
            bars = (Bar("met", shopper.events.met()), Bar("mask", rng.random(60) < 0.2))
            items = rng.choice(60, 4, replace=False)
            adjustment = Adjustment("rule", items, rng.choice([0.2, 0.9, 3.0], 4), ["x"] * 4)
            head = heads.scores(shopper.history, bars, wanted + 4, items)
            spared += int((head == 0).sum())
            lists = [placed(Candidates(scores, None, bars, (adjustment,)), wanted) for scores in (whole, head)]
            assert [(p.num, p.rank) for p in lists[1]] == [(p.num, p.rank) for p in lists[0]]
            assert [p.score for p in lists[1]] == pytest.approx([p.score for p in lists[0]], rel=1e-5)
    assert spared > 300


def test_small_catalogues_are_scored_whole(artifact: Artifact) -> None:
    assert not HeadScorer(artifact).applies
