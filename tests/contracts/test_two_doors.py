"""An item or an event that one door takes, the other takes too, as the same record; what one refuses, the other refuses in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from kg.catalog.change_files import read_changes
from kg.catalog.changes import Change
from kg.catalog.file_changes import ShopRules, accepted
from kg.catalog.records import ItemChange, StoredEvent
from kg.validation.ratings import RatingScale
from tests.small_shop import key_of, publish_small_shop, small_app

Record = dict[str, Any]
KNOWN = "1"
"""An item of the small shop."""


@dataclass(frozen=True)
class Doors:
    """The same shop behind two doors."""

    client: TestClient
    key: dict[str, str]
    folder: Path

    def rest(self, path: str, record: Record) -> str:
        """Return why REST refuses a record; "" where it takes it."""
        answer = self.client.post(path, headers=self.key, json=[record])
        if answer.status_code == 202:
            return ""
        assert answer.status_code == 422, answer.text
        body = answer.json()
        return "; ".join(f"{error['where']}: {error['why']}" for error in body["errors"]) if "errors" in body else str(body["detail"])

    def file(self, record: Record, rules: ShopRules) -> tuple[Change | None, str]:
        """Return what a file of one line becomes, and why it is refused."""
        path = self.folder / "changes.jsonl"
        path.write_text(json.dumps(record), encoding="utf-8")
        good, bad = accepted(read_changes(path), [KNOWN], rules)
        assert len(good) + len(bad) == 1
        return (good[0], "") if good else (None, str(bad[0][1]))

    def rules(self) -> ShopRules:
        """Return what the served shop takes of events."""
        app = self.client.app
        assert isinstance(app, FastAPI)
        scale: RatingScale | None = app.state.serving.recommender.rating_scale
        return ShopRules(app.state.kinds, scale)

    def last_event(self) -> StoredEvent:
        app = self.client.app
        assert isinstance(app, FastAPI)
        events = app.state.serving.ledger.events
        (part,) = events.scan(events.last_seq(), after=events.last_seq() - 1)
        found: StoredEvent = part[0]
        return found

    def last_change(self) -> ItemChange:
        app = self.client.app
        assert isinstance(app, FastAPI)
        store = app.state.items._store
        found: ItemChange = store.between(store.last_seq() - 1, store.last_seq())[0]
        return found


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    workspace = publish_small_shop(folder / "shop")
    with TestClient(small_app(workspace), raise_server_exceptions=False) as client:
        yield Doors(client, key_of(workspace, rate="1000000/minute"), folder)


TEXTS = st.one_of(
    st.sampled_from(["", " ", "x", " x ", "\x00", "\u200b", "Cafe\u0301", "a\x07b", "yes", "5", "a|b", "x" * 200, "x" * 201, "x" * 513, "x" * 1001]),
    st.text(max_size=8),
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 2, 3.0, 5.5, -1, -0.5, 6, 101, 1e6, 1e6 + 1, 1e12, 1e13, 2**53, 1e300]), st.integers(-10, 10), st.floats(-9, 9)
)
ODD = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.just([]), st.just({}), st.just(["x", 1]))


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw what is meant more often than what is not."""
    return st.one_of(usual, usual, usual, ODD)


EVENTS = st.fixed_dictionaries(
    {
        "user_id": mostly(TEXTS),
        "item_id": mostly(st.just(KNOWN)),
        "kind": mostly(st.sampled_from(["view", "purchase", "rating", "search", "viewd", "A"])),
    },
    optional={
        "event_id": mostly(st.text(min_size=1, max_size=4)),
        "time": mostly(
            st.sampled_from([0, 1.7e9, 1.7e12, 9e10, "2026-01-02T03:04:05Z", "2026-01-02", "20260102T030405+00", "2026-01-02T03:04:05", "soon"])
        ),
        "quantity": mostly(NUMBERS),
        "value": mostly(NUMBERS),
        "price_cents": mostly(NUMBERS),
        "properties": mostly(st.sampled_from([{"a": 1}, {"a": "x" * 5000}, {"a": "\x00"}])),
        "colour": st.just("red"),
    },
)
CELLS = st.lists(TEXTS, max_size=3)
ITEMS = st.fixed_dictionaries(
    {"item_id": mostly(st.sampled_from([KNOWN, "new"]))},
    optional={
        "title": mostly(TEXTS),
        "description": mostly(TEXTS),
        "brand": mostly(TEXTS),
        "categories": mostly(st.one_of(CELLS, st.just(["x"] * 51))),
        "price_cents": mostly(NUMBERS),
        "available": mostly(st.booleans()),
        "attributes": mostly(st.dictionaries(st.sampled_from(["color", "Color", "a b", "price", "title"]), CELLS, max_size=2)),
    },
)
SETTINGS = settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(EVENTS)
@example({"user_id": "u", "item_id": KNOWN, "kind": "rating", "value": 4, "time": "2026-01-02T03:04:05Z", "event_id": "first"})
@example({"user_id": "u", "item_id": KNOWN, "kind": "rating", "value": 700})
@example({"user_id": "u", "kind": "search"})
@example({"user_id": "u", "kind": "view"})
@example({"user_id": "u", "item_id": "unknown", "kind": "view"})
def test_an_event_is_the_same_at_both_doors(doors: Doors, record: Record) -> None:
    # What a file says as null it does not say; of an event REST reads it so where a field may be null.
    given_fields = {name: value for name, value in record.items() if value is not None}
    why = doors.rest("/v1/events", given_fields)
    change, refused = doors.file({"op": "add_interaction", **given_fields}, doors.rules())
    if why and "belongs to another event" in why:
        return
    assert refused == why.removeprefix("event 1: ")
    assert (change is None) == bool(why)
    if isinstance(change, StoredEvent) and "event_id" not in given_fields:
        stored = doors.last_event()
        at = change.time if "time" not in given_fields else stored.time
        assert replace(stored, seq=0, event_id="", received_s=0.0, time=at) == change


def _as_lists(record: Record) -> Record:
    """Return a record of a file as REST has to send it: in a file, categories may be one text with `|` between them."""
    categories = record.get("categories")
    if not isinstance(categories, str):
        return record
    return {**record, "categories": [part.strip() for part in categories.split("|") if part.strip()]}


@SETTINGS
@given(ITEMS)
@example({"item_id": "new", "title": "Tea", "price_cents": 3.0, "available": True, "attributes": {"color": [" red "]}})
@example({"item_id": "new", "brand": "x"})
@example({"item_id": KNOWN, "available": "yes"})
@example({"item_id": KNOWN, "available": 1})
@example({"item_id": KNOWN, "description": None, "attributes": {"color": []}})
@example({"item_id": KNOWN, "categories": ""})
@example({"item_id": "new", "categories": ""})
@example({"item_id": "new", "title": "Tea", "categories": "a | b|"})
def test_an_item_is_the_same_at_both_doors(doors: Doors, record: Record) -> None:
    operation = "patch" if record["item_id"] == KNOWN else "put"
    why = doors.rest("/v1/items", {**_as_lists(record), "operation": operation})
    change, refused = doors.file({"op": "upsert_item", **record}, doors.rules())
    assert (change is None) == bool(why), (refused, why)
    if why:
        assert refused in why.replace("body.0.", "").replace("body.0: ", ""), (refused, why)
    elif isinstance(change, ItemChange):
        stored = doors.last_change()
        assert (change.item_id, change.fields) == (stored.item_id, stored.fields)
