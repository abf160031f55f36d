"""The rating head against ratings whose cause is known."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ratings import BIASES, HEAD, MEAN, Biases, RatingResults, Ratings, ScoreMap, rating_results
from gnn.evaluation.report import markdown, report
from gnn.events.split import Split, split_interactions
from gnn.training.fit import fit
from tests.gnn.evaluation.test_report import ABOUT, result
from tests.gnn.oracles import shop

CONFIG = EvaluateConfig(split="random", test_fraction=0.2)
MODEL = ModelConfig(factors=0, regression_items=0, epochs=10)


def build(folder: Path, *, taste: bool) -> tuple[Artifact, Split]:
    """Everyone rates eight items of a brand of their own and three of others.

    With taste, 5 for the own brand and 2 for others; without, each rating is drawn.
    """
    rng = np.random.default_rng(5)
    items = [f"b{brand}i{number:02}" for brand in range(6) for number in range(16)]
    events: list[dict[str, object]] = []
    for user in range(60):
        own = [item for item in items if item[1] == str(user % 6)]
        others = [item for item in items if item[1] != str(user % 6)]
        for item in [*rng.choice(own, 8, replace=False), *rng.choice(others, 3, replace=False)]:
            rating = (5.0 if item in own else 2.0) if taste else float(rng.integers(1, 6))
            events.append({"user_id": f"u{user:02}", "item_id": str(item), "kind": "rating", "rating": rating})
    graph, interactions = shop(items, events, [(item, "has_brand", item[:2]) for item in items])
    split = split_interactions(interactions, method="random", test_fraction=0.2, seed=1)
    model = fit(graph, split.train, MODEL).model
    saved = save_artifact(folder / "model", graph.with_interactions(split.train), model, build_id="20260101T000000-abcdef")
    return load_artifact(saved), split


def measured(folder: Path, *, taste: bool) -> RatingResults:
    found = rating_results(*build(folder, taste=taste), CONFIG, MODEL)
    assert found is not None
    return found


def test_taste_that_only_the_graph_knows_is_predicted(tmp_path: Path) -> None:
    found = measured(tmp_path, taste=True)
    assert found.ratings == 60 * 2
    assert found.models[HEAD]["rmse"] < 0.7 * found.models[BIASES]["rmse"]
    assert found.models[HEAD]["mae"] < found.models[BIASES]["mae"] <= found.models[MEAN]["mae"] + 0.1


def test_where_ratings_are_chance_the_head_says_no_more_than_the_means(tmp_path: Path) -> None:
    found = measured(tmp_path, taste=False)
    assert found.score_share < 0.5
    assert found.models[HEAD]["rmse"] == pytest.approx(found.models[BIASES]["rmse"], rel=0.05)


def test_the_map_never_falls() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=500)
    rising, falling = ScoreMap.fit(scores, scores + rng.normal(size=500), 1), ScoreMap.fit(scores, -scores, 1)
    assert (np.diff(rising.predict(np.linspace(-4, 4, 50))) >= 0).all()
    assert rising.share > 0.9
    assert abs(falling.predict(scores)).max() < 0.1


def test_few_ratings_move_a_mean_little() -> None:
    ratings = Ratings(np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 0, 1]), np.array([5.0, 5.0, 5.0, 5.0, 1.0]))
    biases = Biases.fit(ratings, 5, 2, 4.0)
    assert biases.mean == pytest.approx(4.2)
    assert biases.items.tolist() == pytest.approx([4 * 0.8 / 8, -3.2 / 5, 0.0])
    assert biases.predict(Ratings(np.array([-1]), np.array([-1]), np.array([0.0])))[0] == pytest.approx(4.2)


def test_a_shop_without_ratings_reports_none(tmp_path: Path) -> None:
    artifact, split = build(tmp_path, taste=True)
    bare = [events.with_columns(rating=pl.lit(None, dtype=pl.Float64)) for events in (split.train, split.test)]
    assert rating_results(artifact, Split(bare[0], bare[1], "random"), CONFIG, MODEL) is None
    few = Split(split.train.with_columns(rating=pl.when(pl.int_range(pl.len()) < 50).then("rating")), split.test, "random")
    assert rating_results(artifact, few, CONFIG, MODEL) is None
    assert "## Ratings" not in markdown(report([result("path sum", 0.4)], ABOUT))


def test_the_report_tells_both_errors() -> None:
    found = RatingResults(1_200, 0.75, {HEAD: {"mae": 0.5, "rmse": 0.75}, BIASES: {"mae": 0.6, "rmse": 0.8}})
    content = report([result("path sum", 0.4)], ABOUT, ratings=asdict(found))
    assert content["ratings"]["models"][HEAD] == {"mae": 0.5, "rmse": 0.75}
    text = markdown(content)
    assert "1,200 withheld ratings" in text
    assert "| rating head | 0.5000 | 0.7500 |" in text
