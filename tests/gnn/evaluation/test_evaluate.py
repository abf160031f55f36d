from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ablation import NO_GRAPH, NO_LEARNED, SHUFFLED, WHOLE, ablations, graph_of, shuffled
from gnn.evaluation.evaluate import (
    PathSumRanker,
    activity_slices,
    age_slices,
    baseline_rankers,
    compare,
    evaluate,
    interactions_of,
    rank,
    skipped_baselines,
    test_users,
)
from gnn.graph.walks import FloatArray
from gnn.metrics.base import table_columns
from gnn.model.scorer import neighbour_matrix
from gnn.recommend.recommender import Recommender
from gnn.training.fit import fit
from tests.gnn.oracles import planted_brands

CONFIG = EvaluateConfig(cutoffs=(2, 10), bootstrap=50)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artifact, pl.DataFrame]:
    """A build on the planted brands, and the pairs that were withheld from it."""
    graph, interactions, wanted = planted_brands(30)
    model = fit(graph, interactions, ModelConfig(factors=8, factor_iterations=5, epochs=20)).model
    folder: Path = tmp_path_factory.mktemp("build") / "model"
    save_artifact(folder, graph, model, build_id="20260101T000000-abcdef")
    pairs = pl.DataFrame([{"user_id": user, "item_id": item} for user, items in wanted.items() for item in sorted(items)])
    return load_artifact(folder), pairs


class Constant:
    """Ranks items by number, from the last."""

    name = "constant"

    def __init__(self, n_items: int) -> None:
        self._row = np.arange(n_items, dtype=np.float32)

    def scores(self, users: np.ndarray) -> FloatArray:
        return np.tile(self._row, (len(users), 1))


def test_the_model_beats_the_baselines_where_only_the_graph_helps(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    test = test_users(artifact, pairs, CONFIG)
    results = evaluate([PathSumRanker(artifact), *baseline_rankers(artifact, ("popularity", "item_knn", "rp3beta", "ease", "ials"))], test, CONFIG)
    assert [result.name for result in results] == ["path sum", "popularity", "item-kNN", "RP3beta", "EASE", "iALS"]
    assert results[0].metrics["recall@2"] == 1.0
    assert all(result.metrics["recall@2"] < 0.5 for result in results[1:])
    assert all(comparison.p_value < 0.05 and comparison.difference > 0 for comparison in compare(results, CONFIG, "ndcg@10"))


def test_evaluation_ranks_what_recommend_serves(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    test = test_users(artifact, pairs, CONFIG)
    ranker, recommender = PathSumRanker(artifact), Recommender(artifact)
    scores = ranker.scores(test.users)
    for user, row, ranked in list(zip(test.users, scores, rank(ranker, test, 2), strict=True))[:10]:
        history = recommender.history(artifact.user_ids[user])
        assert history is not None
        np.testing.assert_allclose(recommender.scores(history), row, atol=1e-5)
        served = recommender.recommend(artifact.user_ids[user], 2, explain=False)
        assert [item.item_id for item in served.items] == [artifact.item_ids[item] for item in ranked]


def test_seen_items_are_no_candidates_and_short_lists_are_padded(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    test = test_users(artifact, pairs, CONFIG)
    ranked = rank(Constant(artifact.n_items), test, artifact.n_items)
    for user, row in zip(test.users, ranked, strict=True):
        seen = set(test.seen[user].indices.tolist())
        shown = [item for item in row.tolist() if item >= 0]
        assert not seen & set(shown)
        assert len(shown) == artifact.n_items - len(seen)
        assert shown == sorted(shown, reverse=True)


def test_unknown_users_and_items_are_skipped(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    strangers = pl.DataFrame([{"user_id": "nobody", "item_id": "b00i7"}, {"user_id": "u00", "item_id": "nothing"}])
    assert not len(test_users(artifact, strangers, CONFIG).users)
    assert len(test_users(artifact, pl.concat([pairs, strangers]), CONFIG).users) == 30


def test_every_measure_that_a_table_shows_has_an_interval(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    config = CONFIG.model_copy(update={"cutoffs": (5, 10), "bootstrap": 20})
    (result,) = evaluate([PathSumRanker(artifact)], test_users(artifact, pairs, config), config)
    shown = {column for column in table_columns("users") if column.endswith("@10")}
    assert shown >= {"recall@10", "ndcg@10", "hit@10", "precision@10"}
    assert set(result.intervals) == shown
    for name, (low, high) in result.intervals.items():
        assert low <= result.metrics[name] <= high


def test_a_sample_of_users_is_the_same_for_the_same_seed(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    config = CONFIG.model_copy(update={"max_users": 10})
    first, second = test_users(artifact, pairs, config), test_users(artifact, pairs.reverse(), config)
    assert len(first.users) == 10
    np.testing.assert_array_equal(first.users, second.users)


def test_ablations_show_what_the_graph_gave(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    results = {result.name: result for result in ablations(artifact, test_users(artifact, pairs, CONFIG), CONFIG)}
    assert results[WHOLE].metrics["recall@2"] == 1.0
    assert {NO_GRAPH, "without has_brand"} <= set(results)
    if NO_LEARNED in results:
        assert results[NO_LEARNED].metrics["recall@2"] == 1.0
    else:
        assert results["without has_brand"].metrics["recall@2"] < 0.5


def test_shuffled_attributes_lead_nowhere_where_only_they_lead_anywhere(tmp_path: Path) -> None:
    graph, interactions, wanted = planted_brands(30)
    model = fit(graph, interactions, ModelConfig(factors=0, regression_items=0, epochs=20)).model
    artifact = load_artifact(save_artifact(tmp_path / "model", graph, model, build_id="20260101T000000-abcdef"))
    pairs = pl.DataFrame([{"user_id": user, "item_id": item} for user, items in wanted.items() for item in sorted(items)])
    first, again = ({r.name: r for r in ablations(artifact, test_users(artifact, pairs, CONFIG), CONFIG)} for _ in range(2))
    assert first[WHOLE].metrics["recall@2"] == 1.0
    assert first[SHUFFLED].metrics["recall@2"] < 0.2
    assert first[SHUFFLED].metrics == again[SHUFFLED].metrics


def test_shuffling_keeps_every_degree() -> None:
    graph, _, _ = planted_brands(10)
    before, after = (each.adjacency(("item", "has_brand", "brand")) for each in (graph, shuffled(graph, 1)))
    assert (before != after).nnz > 0
    for axis in (0, 1):
        assert sorted(before.sum(axis=axis).A1) == sorted(after.sum(axis=axis).A1)
    assert shuffled(graph, 1).edges["user", "purchased", "item"].equals(graph.edges["user", "purchased", "item"])


def test_the_graph_of_an_artifact_gives_its_neighbours_again(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, _ = planted
    again = neighbour_matrix(graph_of(artifact), artifact.model)
    assert abs(again - artifact.neighbours).max() < 1e-6


def test_skipped_baselines_say_why(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, _ = planted
    assert skipped_baselines(artifact, ("popularity", "recent_popularity")) == {
        "recent_popularity": "it needs times, but the events of this shop have no times"
    }
    assert age_slices(artifact, test_users(artifact, pl.DataFrame({"user_id": ["u0"], "item_id": ["i00"]}), EvaluateConfig())) == {}
    assert baseline_rankers(artifact, ("recent_popularity",)) == []


def test_slices_part_the_users(planted: tuple[Artifact, pl.DataFrame]) -> None:
    artifact, pairs = planted
    test = test_users(artifact, pairs, CONFIG)
    slices = activity_slices(test)
    assert np.sum(list(slices.values()), axis=0).tolist() == [1] * len(test.users)
    assert interactions_of(artifact).nnz == 30 * 6
