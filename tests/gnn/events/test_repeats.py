from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from etl.printing import purchases
from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.config import EvaluateConfig
from gnn.evaluation.repeats import repeat_results
from gnn.events.activity import Activity
from gnn.events.repeats import Purchases, RepeatModel, Repeats, fit_repeats
from gnn.explain.messages.languages import english
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.strategies.buy_again import BUY_AGAIN, MAX_PURCHASES, OwnPurchases
from gnn.users.users import Users
from kg.catalog.records import StoredEvent
from kg.tables import INTERACTION_COLUMNS
from tests.gnn.oracles import shop
from tests.gnn.small import small_model, small_tables

DAY = 86_400.0
START = 1_700_000_000.0


def events(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    found = [{"user_id": user, "item_id": item, "kind": "purchase", "time": START + day * DAY} for user, item, day in rows]
    return pl.DataFrame(found, schema=dict(INTERACTION_COLUMNS))


def artifact_with(folder: Path, interactions: pl.DataFrame, model: RepeatModel) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(3)).with_interactions(interactions)
    ids = graph.keys["user"], graph.item_ids
    activity, repeats = Activity.of(interactions, *ids), Repeats.learned(model, interactions, *ids)
    saved = save_artifact(folder / "artifact", graph, small_model(graph, 3), build_id="20240101T000000-abcdef", activity=activity, repeats=repeats)
    return load_artifact(saved)


def habits(n_users: int, *, loyal: bool) -> pl.DataFrame:
    """Everyone buys i00 often at first and i01 a few times lately; afterwards the loyal go on with i00, the others with i01."""
    rows = []
    for number in range(n_users):
        user = f"u{number:02}"
        rows += [(user, "i00", float(day)) for day in range(0, 60, 6)] + [(user, "i01", float(day)) for day in range(140, 176, 6)]
        rows += [(user, "i00" if loyal else "i01", 190.0 + number / 100), (user, "i00" if loyal else "i01", 191.0 + number / 100)]
    return events(rows)


@pytest.mark.parametrize("loyal", [True, False])
def test_the_half_life_is_learned_from_what_was_bought_again(loyal: bool) -> None:
    interactions = habits(30, loyal=loyal)
    users, items = sorted(set(interactions["user_id"])), sorted(set(interactions["item_id"]))
    found = fit_repeats(interactions, users, items)
    if loyal:
        assert found.half_life is None
    else:
        assert found.half_life is not None
        assert found.half_life <= 60 * DAY


def test_too_few_shoppers_keep_the_defaults() -> None:
    assert fit_repeats(habits(5, loyal=True), [f"u{n:02}" for n in range(5)], ["i00", "i01"]) == RepeatModel()


def test_a_score_is_the_sum_of_its_purchases_and_the_shares_add_up(tmp_path: Path) -> None:
    rows = [("u0", "i01", 0.0), ("u0", "i01", 30.0), ("u0", "i02", 30.0), ("u1", "i01", 5.0), ("u1", "i03", 9.0)]
    artifact = artifact_with(tmp_path, events(rows), RepeatModel(30 * DAY, 0.5))
    again = OwnPurchases.of(Users(artifact).user("u0"), artifact)
    assert artifact.repeats is not None
    rate = float(artifact.repeats.rates[artifact.item_nums["i01"]])
    num = artifact.item_nums["i01"]
    assert again.scores[num] == pytest.approx(rate**0.5 * (1.0 + 0.5), rel=1e-5)
    assert [(time - START) / DAY for time, _ in again.shares(num)] == [30.0, 0.0]
    assert [share for _, share in again.shares(num)] == pytest.approx([2 / 3, 1 / 3])
    assert sum(share for _, share in again.shares(num)) == pytest.approx(1.0, abs=1e-9)
    assert set(np.flatnonzero(again.scores).tolist()) == {num, artifact.item_nums["i02"]}


def test_one_shopper_is_scored_as_all_are(tmp_path: Path) -> None:
    interactions = habits(4, loyal=True)
    model = RepeatModel(60 * DAY, 1.0)
    artifact = artifact_with(tmp_path, interactions, model)
    bought = Purchases.of(interactions, artifact.user_ids, artifact.item_ids)
    users, items, scores = bought.scores(model, bought.rates())
    for number, user_id in enumerate(artifact.user_ids):
        own = OwnPurchases.of(Users(artifact).user(user_id), artifact).scores
        np.testing.assert_allclose(own[items[users == number]], scores[users == number], rtol=1e-5)


def test_a_purchase_since_the_build_counts_at_once(tmp_path: Path) -> None:
    artifact = artifact_with(tmp_path, events([("u0", "i01", 0.0), ("u0", "i02", 0.0), ("u1", "i01", 5.0)]), RepeatModel(30 * DAY, 0.0))
    fresh = [StoredEvent(1, "u0", "i05", "purchase", START + 60 * DAY)]
    answer = Recommender(artifact).answer(Users(artifact).user("u0", fresh), RecQuery(k=3, strategy=BUY_AGAIN))
    listed = [item.item_id for item in answer.items]
    assert listed[0] == "i05"
    assert set(listed) == {"i05", "i01", "i02"}


def test_every_purchase_is_told_with_its_exact_share(tmp_path: Path) -> None:
    rows = [("u0", "i01", 0.0), ("u0", "i01", 30.0), *[("u0", "i02", float(day)) for day in range(25)], ("u1", "i03", 9.0)]
    artifact = artifact_with(tmp_path, events(rows), RepeatModel(30 * DAY, 0.0))
    shopper = Users(artifact).user("u0")
    answer = {item.item_id: item for item in Recommender(artifact).answer(shopper, RecQuery(strategy=BUY_AGAIN)).items}
    (two,), (many,) = answer["i01"].reasons, answer["i02"].reasons
    assert [(item_id, title) for item_id, title, _ in two.history] == [("i01", "Item 1")] * 2
    assert [share for *_, share in two.history] == pytest.approx([2 / 3, 1 / 3])
    assert [(time - START) / DAY for time in two.times] == [30.0, 0.0]
    assert purchases(two, english()) == "2023-12-14 66.7%, 2023-11-14 33.3%"
    assert len(many.history) == len(many.times) == MAX_PURCHASES
    assert many.n_not_shown == 5
    assert sum(share for *_, share in many.history) + many.share_not_shown == pytest.approx(1.0, abs=1e-9)
    assert purchases(many, english()).endswith(", and 21 earlier")
    brief = Recommender(artifact).answer(shopper, RecQuery(strategy=BUY_AGAIN, explain="brief"))
    assert all(not item.reasons[0].history for item in brief.items)


def test_a_purchase_of_an_unknown_time_counts_as_new() -> None:
    assert RepeatModel(10.0, 1.0).addends(np.array([np.nan, 10.0]), np.array([0.5, 0.5])).tolist() == [0.5, 0.25]


def test_what_is_bought_again_is_measured_beside_frequency_and_recency(tmp_path: Path) -> None:
    interactions = habits(30, loyal=False)
    train, later = interactions.filter(pl.col("time") < START + 185 * DAY), interactions.filter(pl.col("time") >= START + 185 * DAY)
    artifact = artifact_of_all(tmp_path, train)
    results = {result.name: result for result in repeat_results(artifact, train, later.select("user_id", "item_id").unique(), EvaluateConfig())}
    assert set(results) == {"buy again", "frequency alone", "recency alone"}
    assert results["recency alone"].metrics["mrr@10"] == 1.0
    assert results["frequency alone"].metrics["mrr@10"] == 0.5
    assert repeat_results(artifact, train, later.select("user_id", "item_id").unique().head(5), EvaluateConfig()) == []


def artifact_of_all(folder: Path, interactions: pl.DataFrame) -> Artifact:
    users, items = sorted(set(interactions["user_id"])), sorted(set(interactions["item_id"]))
    rows: list[dict[str, object]] = [dict(row) for row in interactions.iter_rows(named=True)]
    graph, _ = shop(items, rows, [(items[0], "has_brand", "x")])
    assert graph.keys["user"] == tuple(users)
    return load_artifact(save_artifact(folder / "artifact", graph, small_model(graph, 1), build_id="20240101T000000-abcdef"))
