"""The head of a ranking is that of the whole ranking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.live.overlay import LiveItem, Overlay, base_facts
from gnn.recommend.adjustments import Adjustment, Exclusion
from gnn.recommend.ranking import Candidates, rank_items, ranked_by_score
from gnn.recommend.recommender import Recommender
from gnn.recommend.scoring.pruned_top_k import PrunedScorer
from gnn.recommend.snapshot import assemble
from kg.catalog.records import StoredEvent
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
    recommender, heads = Recommender(artifact), PrunedScorer(artifact, first=2, dense_below=0, dense_share=1.0)
    assert heads.applies
    rng, spared = np.random.default_rng(5), 0
    for user_id in artifact.user_ids:
        shopper = recommender.users.user(user_id)
        whole = recommender.scores(shopper.history)
        for wanted in (1, 5, 17):
            bars = (Exclusion("met", shopper.events.met()), Exclusion("mask", rng.random(60) < 0.2))
            items = rng.choice(60, 4, replace=False)
            adjustment = Adjustment("rule", items, rng.choice([0.2, 0.9, 3.0], 4), ["x"] * 4)
            head = heads.scores(shopper.history, bars, wanted + 4, items)
            spared += int((head == 0).sum())
            lists = [rank_items(Candidates(scores, None, bars, (adjustment,)), wanted) for scores in (whole, head)]
            assert [(p.num, p.rank) for p in lists[1]] == [(p.num, p.rank) for p in lists[0]]
            assert [p.score for p in lists[1]] == pytest.approx([p.score for p in lists[0]], rel=1e-5)
    assert spared > 300


def test_the_head_with_changed_items_is_that_of_the_whole_ranking(artifact: Artifact) -> None:
    recommender, heads = Recommender(artifact), PrunedScorer(artifact, first=2, dense_below=0, dense_share=1.0)
    live = [LiveItem(name, name, base_facts(artifact, other)) for name, other in (("new", "i03"), ("newer", "i17"), ("i05", "i20"), ("i30", "i31"))]
    overlay = Overlay.of(artifact, live)
    rng, spared, shown = np.random.default_rng(6), 0, 0
    for user_id in artifact.user_ids:
        fresh = [StoredEvent(1, user_id, item_id, "purchase", 60.0) for item_id in ("new", "i05")[: int(rng.integers(3))]]
        shopper = assemble(recommender.snapshot.engine, overlay).users.user(user_id, fresh)
        whole = overlay.scores(shopper.history)
        for wanted in (1, 5, 17):
            bars = (Exclusion("met", shopper.events.met()), Exclusion("mask", rng.random(overlay.n_items) < 0.2))
            items = rng.choice(overlay.n_items, 4, replace=False)
            adjustment = Adjustment("rule", items, rng.choice([0.2, 0.9, 3.0], 4), ["x"] * 4)
            head = heads.scores(shopper.history, bars, wanted + 4, items, overlay=overlay)
            spared += int((head == 0).sum())
            lists = [rank_items(Candidates(scores, None, bars, (adjustment,)), wanted) for scores in (whole, head)]
            assert [(p.num, p.rank) for p in lists[1]] == [(p.num, p.rank) for p in lists[0]]
            assert [p.score for p in lists[1]] == pytest.approx([p.score for p in lists[0]], rel=1e-5)
            shown += sum(bool(overlay.arrays.is_live[p.num]) for p in lists[0])
    assert spared > 300
    assert shown > 0


def test_what_is_ahead_of_an_item_is_known_without_scoring_all(artifact: Artifact) -> None:
    recommender, heads = Recommender(artifact), PrunedScorer(artifact, first=2, dense_below=0, dense_share=1.0)
    overlay = Overlay.of(artifact, [LiveItem("new", "new", base_facts(artifact, "i03")), LiveItem("i05", "i05", base_facts(artifact, "i20"))])
    rng, spared = np.random.default_rng(7), 0
    for user_id in artifact.user_ids:
        for changed in (None, overlay):
            shopper = recommender.users.user(user_id)
            n_items = artifact.n_items if changed is None else changed.n_items
            whole = recommender.scores(shopper.history) if changed is None else changed.scores(shopper.history)
            bars = (Exclusion("met", shopper.events.met()), Exclusion("mask", rng.random(n_items) < 0.2))
            items = rng.choice(n_items, 4, replace=False)
            adjustment = Adjustment("rule", items, rng.choice([0.2, 0.9, 3.0], 4), ["x"] * 4)
            for num in (int(items[0]), *rng.choice(n_items, 3).tolist()):
                factor = float(adjustment.factors[items == num].prod())
                ahead = heads.scores_from(shopper.history, bars, num, factor, items, overlay=changed)
                spared += int((ahead == 0).sum())
                found = [ranked_by_score(Candidates(scores, None, bars, (adjustment,)), num) for scores in (whole, ahead)]
                assert found[1].rank == found[0].rank
                assert found[1].score == pytest.approx(found[0].score, rel=1e-5, abs=1e-6)
    assert spared > 300


def test_small_catalogues_are_scored_whole(artifact: Artifact) -> None:
    assert not PrunedScorer(artifact).applies
