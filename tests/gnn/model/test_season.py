"""The factor of the season: what it counts, when it is chosen, and that shares stay exact with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.events.interactions import Interactions
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import attraction
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.model.scorer import score
from gnn.model.season import Season
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.training.fit import refit
from gnn.training.season_choice import choose_season, chosen
from kg.graph.build import build_graph
from kg.schema import EdgeType
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog, empty
from tests.gnn.small import in_season, small_model, small_tables

BUILD, DAY, START = "20240101T000000-abcdef", 86_400.0, 1.7e9
BRAND: EdgeType = ("item", "has_brand", "brand")


def test_the_factor_is_what_its_definition_says() -> None:
    items, ages = np.array([0, 0, 1, 1, 1, 2], dtype=np.int32), np.array([40.0, 30.0, 20.0, 10.0, 10.0, 0.0])
    found = Season(10.0, 0.5).factor(items, START - ages * DAY, 4)
    recent = [2.0**-4 + 2.0**-3, 2.0**-2 + 2 * 2.0**-1, 1.0, 0.0]
    mean = sum(recent) / 6
    expected = [((p + mean) / (n + 1) / mean) ** 0.5 for p, n in zip(recent, [2, 3, 1, 0], strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[3] == pytest.approx(1.0)
    assert Season(10.0, 0.5).factor(items[:0], ages[:0], 2).tolist() == [1.0, 1.0]


def shop(*, seasonal: bool, clock: bool = True, seed: int = 1) -> tuple[GraphArrays, pl.DataFrame]:
    """A shop of 240 days; where it is seasonal, half of its items sell in turns of 40 days."""
    rng, n_items = np.random.default_rng(seed), 120
    rows = []
    for user in range(160):
        for number, day in enumerate(np.sort(rng.uniform(0, 240, 40))):
            block = int(day // 40) * 20
            pool = np.arange(block, block + 20) if seasonal and rng.random() < 0.8 else np.arange(n_items)
            time = START + float(day) * DAY if clock else float(number)
            rows.append({"user_id": f"u{user}", "item_id": f"i{int(rng.choice(pool)):03}", "kind": "purchase", "time": time, "quantity": 1.0})
    items = [{"item_id": f"i{n:03}", "title": f"Item {n}", "categories": []} for n in range(n_items)]
    interactions = pl.DataFrame(rows, schema=dict(INTERACTION_COLUMNS))
    catalog = Catalog(pl.DataFrame(items, schema=dict(ITEM_COLUMNS)), interactions=interactions)
    return GraphArrays.from_tables(build_graph(catalog, empty(ATTRIBUTE_COLUMNS))), interactions


def test_a_season_is_found_where_there_is_one() -> None:
    graph, interactions = shop(seasonal=True)
    season = choose_season(graph, interactions, ModelConfig())
    assert season is not None
    factor = Interactions.of(graph).season(season)
    assert factor[100:].mean() > 1.2 > 0.9 > factor[:40].mean()


def of_windows(*gains: float, n: int = 400, noise: float = 0.02) -> list[np.ndarray]:
    """The ndcg of shoppers without a factor and with one that gains so much in each window, the latest first."""
    rng = np.random.default_rng(1)
    plain = [rng.uniform(0.0, 0.1, n) for _ in gains]
    return [np.stack([one, one + gain + rng.normal(0, noise, n)]) for one, gain in zip(plain, gains, strict=True)]


def test_the_latest_window_counts_most() -> None:
    tried = [Season(10.0, 0.5)]
    assert chosen(tried, of_windows(0.01, -0.005)) == tried[0]
    assert chosen(tried, of_windows(-0.005, 0.005)) is None


def test_a_gain_within_chance_or_too_small_is_no_season() -> None:
    tried = [Season(10.0, 0.5)]
    assert chosen(tried, of_windows(0.002, 0.001, n=30, noise=0.1)) is None
    assert chosen(tried, of_windows(0.0002, 0.0002, noise=0.0)) is None


def test_of_two_factors_the_one_that_gains_more_is_chosen() -> None:
    both = [np.stack([*one, one[0] + 0.02]) for one in of_windows(0.01, 0.01)]
    assert chosen([Season(10.0, 0.5), Season(20.0, 0.5)], both) == Season(20.0, 0.5)


def test_no_season_without_a_clock_or_when_switched_off() -> None:
    graph, interactions = shop(seasonal=True, clock=False)
    assert choose_season(graph, interactions, ModelConfig()) is None
    graph, interactions = shop(seasonal=True)
    assert choose_season(graph, interactions, ModelConfig(season=False)) is None


def test_a_refit_counts_the_season_anew() -> None:
    graph, interactions = shop(seasonal=True)
    model = replace(small_model(graph, 1, learned=0.0), season=Season(10.0, 0.5), weights_gate=0.0)
    early = interactions.filter(pl.col("time") < START + 80 * DAY)
    first, second = (refit(graph, events, model, ModelConfig()) for events in (early, interactions))
    again = refit(graph, interactions, first, ModelConfig())
    assert first.factor is not None
    assert first.factor[20:40].mean() > first.factor[100:].mean()
    np.testing.assert_array_equal(again.factor, second.factor)


@pytest.fixture
def live(tmp_path: Path) -> Recommender:
    graph = GraphArrays.from_tables(small_tables(2))
    artifact = load_artifact(save_artifact(tmp_path / "a", graph, in_season(small_model(graph, 2), 2), build_id=BUILD))
    new, edited = LiveItem("new", "Item 3 b", {BRAND: ("brand0",)}), LiveItem("i03", "Item 3", {BRAND: ("brand1", "brand2")})
    return Recommender(assemble(artifact, Overlay.of(artifact, [new, edited])))


def test_the_season_multiplies_every_score_and_changes_no_share(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(2))
    model = small_model(graph, 2)
    saved = [save_artifact(tmp_path / name, graph, of, build_id=BUILD) for name, of in (("a", model), ("b", in_season(model, 2)))]
    plain, seasonal = (Recommender(load_artifact(folder)) for folder in saved)
    factor = np.asarray(seasonal.artifact.model.factor)
    row = plain.users.user("u0").history.row(plain.artifact.n_items)
    before, after = (score(row, of.artifact.neighbours, of.artifact.model)[0] for of in (plain, seasonal))
    np.testing.assert_allclose(after, before * factor, rtol=1e-4, atol=1e-6)
    for item in seasonal.recommend("u0", 5).items:
        assert item.trend == pytest.approx(float(factor[seasonal.item_num(item.item_id)]))
        told, other = seasonal.explain("u0", item.item_id), plain.explain("u0", item.item_id)
        assert told.trend == item.trend
        assert other.trend is None
        assert [reason.share for reason in told.reasons] == pytest.approx([reason.share for reason in other.reasons], rel=1e-4, abs=1e-6)
    popular = seasonal.answer(seasonal.users.user("u0"), RecQuery(strategy="popular")).items
    assert {item.trend for item in popular} == {None}


def test_live_items_have_exact_shares_with_a_season(live: Recommender) -> None:
    seen = set()
    for user_id in live.artifact.user_ids:
        for item in live.recommend(user_id, 20).items:
            seen.add(item.item_id)
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
            if item.score > 0 and item.trend is not None:
                assert live.explain(user_id, item.item_id).score == pytest.approx(item.score, rel=1e-4, abs=1e-6)
    assert {"new", "i03"} & seen
    assert live.artifact.model.factor_of(live.item_num("new")) == 1.0


def test_a_factor_of_popularity_is_counted_anew_and_is_no_trend(tmp_path: Path) -> None:
    graph, interactions = shop(seasonal=False)
    model = replace(small_model(graph, 1, learned=0.0), popularity_exponent=-0.1, weights_gate=0.0)
    fitted = refit(graph, interactions, model, ModelConfig())
    assert fitted.factor is not None
    np.testing.assert_allclose(fitted.factor, attraction(graph.popularity, -0.1), rtol=1e-6)
    loaded = load_artifact(save_artifact(tmp_path / "a", graph, fitted, build_id=BUILD))
    assert loaded.model.popularity_exponent == -0.1
    np.testing.assert_array_equal(loaded.model.factor, fitted.factor)
    recommender = Recommender(loaded)
    for item in recommender.recommend("u1", 5).items:
        assert item.trend is None
        assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)


def test_the_trend_is_the_season_without_the_popularity() -> None:
    graph, interactions = shop(seasonal=True)
    model = replace(small_model(graph, 1, learned=0.0), season=Season(10.0, 0.5), popularity_exponent=0.1, weights_gate=0.0)
    fitted = refit(graph, interactions, model, ModelConfig())
    season = Interactions.of(graph.with_interactions(interactions)).season(Season(10.0, 0.5))
    assert fitted.factor is not None
    np.testing.assert_allclose(fitted.factor, season * attraction(graph.popularity, 0.1), rtol=1e-5)
