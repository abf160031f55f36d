from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.training.fit import FitResult, fit, refit
from gnn.training.progress import Progress
from tests.gnn.model.test_scoring_laws import artifact_of
from tests.gnn.oracles import checkerboard, planted_brands, ranked, shop

QUICK = ModelConfig(factors=8, factor_iterations=5, epochs=20)


@dataclass(frozen=True)
class Brands:
    """Forty planted brands and what was learned from them; fitted once for the tests that only look at it."""

    graph: GraphArrays
    interactions: pl.DataFrame
    wanted: dict[str, set[str]]
    result: FitResult


@pytest.fixture(scope="module")
def brands() -> Brands:
    graph, interactions, wanted = planted_brands(40)
    return Brands(graph, interactions, wanted, fit(graph, interactions, QUICK))


def share_found(found: dict[str, list[str]], wanted: dict[str, set[str]]) -> float:
    return float(np.mean([len(wanted[user] & set(found[user])) / len(wanted[user]) for user in wanted]))


def test_checkerboard_ranks_the_withheld_diagonal_first() -> None:
    graph, interactions = checkerboard(40)
    result = fit(graph, interactions, QUICK)
    assert result.tuning_users == 40
    assert all(items[0] == f"i{user[1:]}" for user, items in ranked(graph, result.model, 1).items())


def test_planted_brand_is_found_through_the_graph_alone(brands: Brands) -> None:
    assert share_found(ranked(brands.graph, brands.result.model, 2), brands.wanted) == 1.0


def test_planted_brand_is_lost_when_the_brands_are_shuffled() -> None:
    graph, interactions, wanted = planted_brands(40, shuffled=3)
    result = fit(graph, interactions, QUICK)
    assert share_found(ranked(graph, result.model, 2), wanted) < 0.2


def test_planted_brand_is_lost_without_the_brand_relation() -> None:
    graph, interactions, wanted = planted_brands(40)
    result = fit(graph.without("has_brand"), interactions, QUICK)
    assert share_found(ranked(graph, result.model, 2), wanted) < 0.2


def test_shopper_of_one_event_gets_a_personal_list_with_paths(tmp_path: Path, brands: Brands) -> None:
    artifact = artifact_of(tmp_path, brands.graph, brands.result.model)
    result = Recommender(artifact).recommend_history([("b07i2", "purchase", None)], 5)
    assert result.strategy == "personal"
    assert all(item.item_id.startswith("b07") for item in result.items)
    newest = next(item for item in Recommender(artifact).recommend("u07", 2).items if item.item_id == "b07i7")
    assert {edge.type for reason in newest.reasons for path in reason.paths for edge in path.edges[1:]} == {"HAS_BRAND"}


def test_item_without_events_is_recommended_through_its_attributes(brands: Brands) -> None:
    assert "b07i7" not in brands.interactions["item_id"].to_list()
    assert "b07i7" in ranked(brands.graph, brands.result.model, 2)["u07"]


def test_paths_are_preferred_to_a_similarity_that_says_the_same(brands: Brands) -> None:
    gates = {walk.meta_path.name: walk.gate for walk in brands.result.model.walks}
    assert gates["has_brand"] > 0


def test_same_seed_same_model_whatever_the_order_of_the_events() -> None:
    graph, interactions, _ = planted_brands(30)
    first = fit(graph, interactions, QUICK).model
    second = fit(graph, interactions.sample(fraction=1.0, shuffle=True, seed=5), QUICK).model
    assert first.walks == second.walks
    assert first.history == second.history
    assert first.learned_gate == second.learned_gate
    np.testing.assert_array_equal(first.target_embeddings, second.target_embeddings)


def test_gates_are_never_negative_and_progress_is_reported() -> None:
    graph, interactions, _ = planted_brands(30)
    told: list[Progress] = []
    result = fit(graph, interactions, QUICK, told.append)
    assert all(walk.gate >= 0 for walk in result.model.walks)
    assert np.isfinite(result.model.learned_gate)
    losses = [event.loss for event in told if event.step == "gates" and event.loss is not None]
    assert losses[-1] < losses[0]
    assert tuple(told) == result.trace
    assert 0 < result.validation_ndcg <= 1


def test_too_few_users_keep_the_starting_values() -> None:
    events: list[dict[str, object]] = [{"user_id": "u", "item_id": "a"}, {"user_id": "u", "item_id": "b"}, {"user_id": "v", "item_id": "b"}]
    graph, interactions = shop(["a", "b", "c", "d"], events, [("a", "has_brand", "x"), ("c", "has_brand", "x"), ("d", "has_brand", "y")])
    result = fit(graph, interactions, QUICK)
    assert result.tuning_users == 0
    assert ranked(graph, result.model, 2)["u"][0] == "c"
    assert ranked(graph, result.model, 2)["v"][0] == "a"


def test_a_shop_without_events_can_be_fitted() -> None:
    graph, interactions = shop(["a", "b"], [], [("a", "has_brand", "x"), ("b", "has_brand", "x")])
    result = fit(graph, interactions, QUICK)
    assert [walk.meta_path.name for walk in result.model.walks] == ["has_brand"]


def test_withheld_events_leave_no_trace_in_the_model() -> None:
    graph, interactions, _ = planted_brands(30)
    train = interactions.filter(pl.col("item_id").str.ends_with("5").not_())
    without = fit(graph, train, QUICK).model
    also_without = fit(graph.with_interactions(train), train, QUICK).model
    assert without.walks == also_without.walks
    np.testing.assert_array_equal(without.target_embeddings, also_without.target_embeddings)


def test_refit_learns_embeddings_again_and_keeps_the_rest() -> None:
    graph, interactions = checkerboard(30)
    config = QUICK.model_copy(update={"factors": 6})
    fitted = fit(graph, interactions, config).model
    again = refit(graph, interactions.head(interactions.height // 2), fitted, config)
    assert again.walks == fitted.walks
    if fitted.learned_gate > 0:
        assert not np.array_equal(again.target_embeddings, fitted.target_embeddings)
    else:
        assert again.target_embeddings.shape[1] == 0


@pytest.mark.parametrize("kind", ["view", "purchase"])
def test_one_kind_of_event_is_enough(kind: str) -> None:
    graph, interactions, wanted = planted_brands(30)
    graph = graph.with_interactions(interactions.with_columns(kind=pl.lit(kind)))
    result = fit(graph, interactions.with_columns(kind=pl.lit(kind)), QUICK)
    assert share_found(ranked(graph, result.model, 2), wanted) == 1.0
