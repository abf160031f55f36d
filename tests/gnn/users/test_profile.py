"""Interests, habits, and what an edited interest does: all exact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.events.activity import NOTHING, Activity
from gnn.events.timing import Timing
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.users.interests import edits_over, items_with
from gnn.users.profile import habits, habits_of, interests
from kg.catalog.records import InterestEdit, StoredEvent
from kg.tables import INTERACTION_COLUMNS
from tests.gnn.small import small_model, small_tables

MONDAY_9 = datetime(2024, 1, 1, 9, tzinfo=UTC).timestamp()
DAY = 86_400.0


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    graph = GraphArrays.from_tables(small_tables(3))
    rows = [
        {"user_id": "u1", "item_id": "i01", "kind": "purchase", "time": MONDAY_9, "price_cents": 100},
        {"user_id": "u1", "item_id": "i02", "kind": "purchase", "time": MONDAY_9 + 2 * DAY + 3600, "price_cents": 300},
        {"user_id": "u1", "item_id": "i03", "kind": "view", "time": MONDAY_9 + 2 * DAY},
        {"user_id": "u1", "item_id": "i03", "kind": "impression", "time": MONDAY_9},
        {"user_id": "u3", "item_id": "i03", "kind": "purchase", "time": 5.0},
        {"user_id": "not in the graph", "item_id": "i03", "kind": "view", "time": MONDAY_9},
    ]
    activity = Activity.of(pl.DataFrame(rows, schema=dict(INTERACTION_COLUMNS)), graph.keys["user"], graph.item_ids)
    folder: Path = tmp_path_factory.mktemp("profile") / "artifact"
    saved = save_artifact(folder, graph, small_model(graph, 3), build_id="20240101T000000-abcdef", activity=activity)
    # The graph counts in order numbers; these events have dates.
    return replace(load_artifact(saved), timing="clock")


def recommender_with(artifact: Artifact, *edits: InterestEdit) -> Recommender:
    return Recommender(assemble(artifact, interests=lambda user_id: tuple(edit for edit in edits if edit.user_id == user_id)))


def brand_of(artifact: Artifact, item: int) -> list[str]:
    edges = artifact.edges["item", "has_brand", "brand"].forward
    return [artifact.node_keys["brand"][num] for num in edges.indices[edges.indptr[item] : edges.indptr[item + 1]]]


def test_habits_count_what_was_done(artifact: Artifact) -> None:
    found = habits(artifact, "u1")
    assert (found.events, found.purchases, found.active_days, found.days_between) == (3, 2, 2, 2.0)
    assert (found.first_time, found.last_time) == (MONDAY_9, MONDAY_9 + 2 * DAY + 3600)
    assert found.weekdays == (1, 0, 2, 0, 0, 0, 0)
    assert found.hours is not None
    assert (found.hours[9], found.hours[10], sum(found.hours)) == (2, 1, 3)
    assert (found.spent_cents, found.priced_purchases, found.price_band) == (400, 2, (150, 200, 250))
    # Order numbers are no clock.
    by_number = habits(artifact, "u3")
    assert (by_number.purchases, by_number.hours, by_number.first_time, by_number.spent_cents) == (1, None, None, None)
    assert habits(artifact, "nobody").events == 0


@pytest.mark.parametrize("timing", ["order", "none"])
def test_without_a_clock_no_days_and_hours_are_given(artifact: Artifact, timing: Timing) -> None:
    """Not even those of what happened since the build: they would be taken for those of everything the shopper did."""
    undated, since = replace(artifact, timing=timing), [StoredEvent(1, "u3", "i03", "view", MONDAY_9), StoredEvent(2, "new", "i03", "view", MONDAY_9)]
    found = habits(undated, "u3", since[:1])
    assert (found.events, found.first_time, found.last_time, found.active_days, found.hours, found.weekdays) == (2, None, None, None, None, None)
    # Of somebody whom the build does not know, everything has a time.
    assert habits(undated, "new", since[1:]).first_time == MONDAY_9


def test_hours_and_days_are_those_of_the_shop(artifact: Artifact) -> None:
    utc, kolkata, tonga = (habits(artifact, "u1", zone=ZoneInfo(name)) for name in ("UTC", "Asia/Kolkata", "Pacific/Tongatapu"))
    assert utc == habits(artifact, "u1")
    assert kolkata.hours is not None
    # Half past two and half past three in the afternoon.
    assert (kolkata.hours[14], kolkata.hours[15], kolkata.weekdays) == (2, 1, utc.weekdays)
    assert tonga.hours is not None
    assert (tonga.hours[22], tonga.hours[23], tonga.weekdays) == (2, 1, (1, 0, 2, 0, 0, 0, 0))
    honolulu = habits(artifact, "u1", zone=ZoneInfo("Pacific/Honolulu"))
    assert honolulu.hours is not None
    assert (honolulu.hours[23], honolulu.hours[0], honolulu.weekdays) == (2, 1, (0, 1, 1, 0, 0, 0, 1))
    # Clocks are put forward: 09:00 UTC is ten in January and eleven in July.
    events = [StoredEvent(n, "new", "i05", "view", MONDAY_9 + days * DAY) for n, days in enumerate((0, 182), start=1)]
    berlin = habits(artifact, "new", events, ZoneInfo("Europe/Berlin"))
    assert berlin.hours is not None
    assert (berlin.hours[10], berlin.hours[11]) == (1, 1)


def test_fresh_events_are_in_the_habits(artifact: Artifact) -> None:
    fresh = [StoredEvent(1, "u1", "i05", "purchase", MONDAY_9 + 6 * DAY, price_cents=800), StoredEvent(2, "u1", "i06", "impression", MONDAY_9)]
    found = habits(artifact, "u1", fresh)
    assert (found.events, found.purchases, found.spent_cents, found.price_band) == (4, 3, 1200, (200, 300, 550))
    assert habits(artifact, "nobody", fresh).weekdays == (0, 0, 0, 0, 0, 0, 1)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.booleans(), st.none() | st.integers(0, 10_000)), max_size=20), st.integers(0, 20))
def test_habits_do_not_depend_on_what_the_build_knew(events: list[tuple[int, bool, int | None]], cut: int) -> None:
    rows = [
        StoredEvent(n, "u", "i", "purchase" if buys else "view", 1e9 + hours * 3600, price_cents=paid) for n, (hours, buys, paid) in enumerate(events)
    ]
    assert habits_of(NOTHING.joined(rows[:cut]).joined(rows[cut:])) == habits_of(NOTHING.joined(rows))


def test_interests_are_parts_of_the_weighted_history(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    for user_id in artifact.user_ids:
        shopper = recommender.users.user(user_id)
        if not len(shopper.history.nums):
            continue
        shares = dict(zip(shopper.history.nums.tolist(), (shopper.history.weights / shopper.history.weights.sum()).tolist(), strict=True))
        expected: dict[str, float] = {}
        for num, share in shares.items():
            for brand in brand_of(artifact, num):
                expected[brand] = expected.get(brand, 0.0) + share
        found = interests(artifact, shopper, "has_brand", n=100, n_evidence=100)
        assert {one.value: one.weight for one in found} == pytest.approx(expected)
        assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
        for one in found:
            assert sum(evidence.share for evidence in one.evidence) == pytest.approx(1)
            assert all(one.value in brand_of(artifact, artifact.item_nums[evidence.item_id]) for evidence in one.evidence)


def test_a_hidden_interest_is_the_shopper_without_it(artifact: Artifact) -> None:
    """The oracle leaves the events of the value's items out of the history; scores agree to the last bit, and no item of the value is shown."""
    for user_id in artifact.user_ids:
        plain = Recommender(artifact).users.user(user_id)
        for brand in artifact.node_keys["brand"]:
            recommender = recommender_with(artifact, InterestEdit(user_id, "has_brand", brand, 0.0))
            shopper = recommender.users.user(user_id)
            having = items_with(artifact, "has_brand", brand)
            kept = ~np.isin(plain.history.nums, having)
            assert shopper.history.nums.tolist() == plain.history.nums[kept].tolist()
            answer = recommender.answer(shopper, RecQuery(k=20))
            assert not {artifact.item_nums[item.item_id] for item in answer.items} & set(having.tolist())
            (edit,) = answer.interests
            assert (edit.value, edit.weight, edit.n_hidden) == (brand, 0.0, len(having))
            assert edit.n_history == len(set(having.tolist()) & set(plain.events.met().tolist()))
            for item in answer.items:
                assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1)
                starts = {(path.nodes[1].key or {}).get("item_id") for reason in item.reasons for path in reason.paths}
                assert not {artifact.item_ids[num] for num in having} & starts


def test_a_weight_weighs_what_the_value_contributes(artifact: Artifact) -> None:
    user_id = "u1"
    plain = Recommender(artifact).users.user(user_id).history
    brand = brand_of(artifact, int(plain.nums[0]))[0]
    damped = recommender_with(artifact, InterestEdit(user_id, "has_brand", brand, 0.5)).users.user(user_id).history
    factor = np.where(np.isin(plain.nums, items_with(artifact, "has_brand", brand)), 0.5, 1.0)
    expected = plain.weights * factor
    assert damped.weights == pytest.approx(expected / np.linalg.norm(expected))


def test_edits_multiply_and_unknown_values_change_nothing(artifact: Artifact) -> None:
    edits = [
        InterestEdit("u", "has_brand", "brand1", 0.5),
        InterestEdit("u", "has_color", "color1", 0.5),
        InterestEdit("u", "has_brand", "no such", 0.0),
    ]
    over = edits_over(artifact, edits)
    brand, color = (set(items_with(artifact, f"has_{name}", f"{name}1").tolist()) for name in ("brand", "color"))
    assert over.factors.tolist() == [0.5 ** ((num in brand) + (num in color)) for num in range(artifact.n_items)]
    assert len(over.hidden) == 0
    assert edits_over(artifact, []).of_items(np.arange(3)).tolist() == [1, 1, 1]
