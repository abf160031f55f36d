"""Events since the build count as if the build had seen them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from kg.catalog.records import StoredEvent
from kg.graph.build import interaction_edges
from tests.gnn.small import small_model, small_tables

BUILD = "20240101T000000-abcdef"


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(1))
    return load_artifact(save_artifact(tmp_path / "artifact", graph, small_model(graph, 1), build_id=BUILD))


def fresh(*events: tuple[str, str, float], user_id: str = "u0") -> list[StoredEvent]:
    return [StoredEvent(seq, user_id, item, kind, time) for seq, (item, kind, time) in enumerate(events, start=1)]


def test_base_and_fresh_make_the_history_that_a_build_would_have_made(artifact: Artifact) -> None:
    """The oracle aggregates all events with the function that builds aggregate with."""
    recommender = Recommender(artifact)
    since = fresh(("i03", "purchase", 60.0), ("i03", "purchase", 61.0), ("i04", "view", 59.0), ("i05", "dislike", 62.0))
    rows = [
        {"user_id": "u0", "item_id": artifact.item_ids[e.item], "kind": {"purchased": "purchase", "viewed": "view"}[e.relation], "time": e.last_time}
        for e in recommender.events(artifact.user_nums["u0"])
        for _ in range(int(e.count))
    ]
    rows += [{"user_id": e.user_id, "item_id": str(e.item_id), "kind": e.kind, "time": e.time} for e in since]
    merged = {
        (relation, target): (count, last)
        for (_, relation, _), frame in interaction_edges(pl.DataFrame(rows).with_columns(rating=pl.lit(None, dtype=pl.Float64))).items()
        for target, count, last in frame.select("target", "count", "last_time").iter_rows()
    }
    events = recommender.users.user("u0", since).events
    assert {(e.relation, artifact.item_ids[e.item]): (e.count, e.last_time) for e in events.rows()} == merged


def test_a_fresh_event_changes_the_next_answer(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    before = recommender.recommend("u0", 5)
    after = recommender.recommend("u0", 5, fresh=fresh((before.items[0].item_id, "purchase", 60.0)))
    assert before.items[0].item_id not in [item.item_id for item in after.items]
    assert after.n_fresh == 1


def test_somebody_new_with_a_fresh_event_is_personal(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    assert recommender.recommend("new", 5).strategy == "popular"
    answer = recommender.recommend("new", 5, fresh=fresh(("i01", "view", 60.0), user_id="new"))
    assert answer.strategy == "personal"
    same = recommender.recommend_history([("i01", "view", 60.0)], 5)
    assert [(i.item_id, i.score) for i in answer.items] == [(i.item_id, i.score) for i in same.items]


def test_what_was_only_shown_stays_and_what_is_disliked_goes(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    first, second = (item.item_id for item in recommender.recommend("u0", 2).items)
    after = recommender.recommend("u0", 20, fresh=fresh((first, "impression", 60.0), (second, "dislike", 60.0)))
    ranked = [item.item_id for item in after.items]
    assert first in ranked
    assert second not in ranked
    all_of_them = recommender.recommend("u0", 20, exclude_seen=False, fresh=fresh((second, "dislike", 60.0)))
    assert second not in [item.item_id for item in all_of_them.items]


def test_searches_and_unknown_items_are_left_out(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    events = [StoredEvent(1, "u0", None, "search", 60.0), StoredEvent(2, "u0", "nothing like it", "view", 61.0)]
    assert recommender.recommend("u0", 5, fresh=events) == recommender.recommend("u0", 5)


def test_what_is_not_available_is_not_shown(tmp_path: Path) -> None:
    tables = small_tables(1)
    items = tables.nodes["item"].with_columns(available=pl.col("key") != "i02", price_cents=pl.lit(100, dtype=pl.Int64))
    graph = GraphArrays.from_tables(type(tables)({**tables.nodes, "item": items}, tables.edges))
    artifact = load_artifact(save_artifact(tmp_path / "artifact", graph, small_model(graph, 1), build_id=BUILD, events_seq=7))
    assert artifact.available.sum() == artifact.n_items - 1
    assert np.all(artifact.price_cents == 100)
    assert artifact.events_seq == 7
    for user_id in [*artifact.user_ids, "new"]:
        assert "i02" not in [item.item_id for item in Recommender(artifact).recommend(user_id, 20, exclude_seen=False).items]


def test_a_clock_time_follows_the_order_numbers_of_a_build(artifact: Artifact) -> None:
    """A build that counts would take a Unix time for an age without end, and forget everything before it."""
    end, users = artifact.meetings.end, Recommender(artifact).users
    assert end < 100
    shopper = users.user("u0", fresh(("i03", "purchase", 1.7e9), ("i04", "view", 1.7e9)))
    assert sorted(shopper.fresh.times.tolist()) == [end + 1, end + 2]
    assert {artifact.item_ids[num] for num in shopper.history.nums} > {"i03", "i04"}
    assert shopper.history.weights.min() > 1e-3
