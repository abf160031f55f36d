"""A file of changes: what it may say, and what is wrong where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kg.catalog.change_files import RefusedChangeError, read_changes
from kg.catalog.changes import Change, apply_changes
from kg.catalog.file_changes import accepted, parse
from kg.catalog.records import ItemChange, StoredEvent
from kg.errors import InputError
from tests.kg.incremental_shop import RULES, catalog, change


def operation_of(one: Change) -> str:
    return one.operation if isinstance(one, ItemChange) else "event"


@pytest.mark.parametrize(
    ("record", "column"),
    [
        ({}, "op"),
        ({"op": "replace"}, "op"),
        ({"op": "upsert_item"}, "item_id"),
        ({"op": "delete_item", "item_id": "  "}, "item_id"),
        ({"op": "upsert_item", "item_id": ["1"]}, "item_id"),
        ({"op": "upsert_item", "item_id": "1", "title": 5}, "title"),
        ({"op": "upsert_item", "item_id": "1", "price": "cheap"}, "price"),
        ({"op": "upsert_item", "item_id": "1", "price": -1}, "price"),
        ({"op": "upsert_item", "item_id": "1", "price_cents": 1.5}, "price_cents"),
        ({"op": "upsert_item", "item_id": "1", "price": "2.50"}, "price"),
        ({"op": "upsert_item", "item_id": "1", "price": 2.5, "price_cents": 250}, "price"),
        ({"op": "upsert_item", "item_id": "1", "available": "perhaps"}, "available"),
        ({"op": "upsert_item", "item_id": "1", "available": "yes"}, "available"),
        ({"op": "upsert_item", "item_id": "1", "available": 1}, "available"),
        ({"op": "upsert_item", "item_id": 7}, "item_id"),
        ({"op": "upsert_item", "item_id": "1", "title": "x" * 1001}, "title"),
        ({"op": "upsert_item", "item_id": "1", "title": None}, "title"),
        ({"op": "upsert_item", "item_id": "1", "color": ["x" * 201]}, "color.0"),
        ({"op": "upsert_item", "item_id": "1", "color": "red", "attributes": {"color": ["blue"]}}, "color"),
        ({"op": "upsert_item", "item_id": "1", "Screen Size": "5"}, "Screen Size"),
        ({"op": "upsert_item", "item_id": "1", "color": {"a": 1}}, "color"),
        ({"op": "upsert_item", "item_id": "1", "title": "x\x00"}, "title"),
        ({"op": "add_interaction", "item_id": "1", "kind": "view"}, "user_id"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u"}, "kind"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "Big View"}, "kind"),
        ({"op": "add_interaction", "user_id": "u", "kind": "view"}, "item_id"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "viewed"}, "kind"),
        ({"op": "delete_interaction", "item_id": "1", "user_id": "u", "kind": "viewed"}, "kind"),
        ({"op": "delete_interaction", "user_id": "u"}, "item_id"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": 1e12}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": 9e10}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": "2024-01-01T00:00:00"}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "rating", "rating": 9}, "rating"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "purchase", "quantity": 0}, "quantity"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "id": "x" * 201}, "id"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": "soon"}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": True}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "rating": float("inf")}, "rating"),
        ({"op": "delete_interaction", "item_id": "1", "user_id": "u", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_used_is_named(record: dict[str, Any], column: str) -> None:
    with pytest.raises(RefusedChangeError) as raised:
        parse(record, RULES)
    assert raised.value.column == column


def test_what_is_said_is_kept() -> None:
    item = change(
        op="upsert_item", item_id="7", title=" Tea ", description=None, categories="A | B|", price=2.5, available=False, color="red", size=None
    )
    fields = {
        "title": "Tea",
        "description": None,
        "categories": ["A", "B"],
        "price_cents": 250,
        "available": False,
        "attributes": {"color": ["red"], "size": []},
    }
    assert item == ItemChange(0, "7", "upsert", fields)
    event = change(op="add_interaction", id="e", user_id="u", item_id="1", kind="view", time="2024-01-01T00:00:00Z")
    assert event == StoredEvent(0, "u", "1", "view", 1704067200.0, 1.0, event_id="e")
    gone = change(op="delete_interaction", user_id="u", item_id="1", kind="view")
    assert gone == ItemChange(0, "1", "delete_events", {"user_id": "u", "kind": "view"})


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    lines = tmp_path / "c.jsonl"
    lines.write_text(
        '{"op":"upsert_item","item_id":"new","title":"x"}\n\nnonsense\n[1]\n{"op":"delete_item","item_id":"gone"}\n{"op":"delete_item","item_id":"new"}\n'
    )
    good, bad = accepted(read_changes(lines), ["i1"], RULES)
    assert [(c.item_id, operation_of(c)) for c in good] == [("new", "upsert"), ("new", "delete")]
    assert [(line, error.column) for line, error in bad] == [(3, "line"), (4, "line"), (5, "item_id")]
    table = tmp_path / "c.csv"
    table.write_text("op,item_id,title,categories,user_id,kind\nupsert_item,n,Tea,A|B,,\nadd_interaction,n,,,u,view\nadd_interaction,n\n")
    good, bad = accepted(read_changes(table), [], RULES)
    assert isinstance(good[0], ItemChange)
    assert good[0].fields == {"title": "Tea", "categories": ["A", "B"]}
    assert isinstance(good[1], StoredEvent)
    assert good[1].kind == "view"
    assert [line for line, _ in bad] == [4]
    with pytest.raises(InputError, match="does not exist"):
        list(read_changes(tmp_path / "none"))


def test_no_item_comes_in_or_stays_without_a_title() -> None:
    sent: list[Any] = [
        {"op": "upsert_item", "item_id": "new", "price": 5},
        {"op": "upsert_item", "item_id": "known", "price": 5},
        {"op": "upsert_item", "item_id": "known", "title": ""},
        {"op": "upsert_item", "item_id": "new", "title": "Tea"},
        {"op": "delete_item", "item_id": "known"},
        {"op": "upsert_item", "item_id": "known", "price": 5},
    ]
    good, bad = accepted(list(enumerate(sent)), ["known"], RULES)
    assert [(operation_of(change), change.item_id) for change in good] == [("upsert", "known"), ("upsert", "new"), ("delete", "known")]
    assert [(line, error.column) for line, error in bad] == [(0, "title"), (2, "title"), (5, "title")]


def test_a_deleted_item_takes_its_events_and_links_along_and_may_come_back() -> None:
    before = catalog()
    after = apply_changes(before, [change(op="delete_item", item_id="i1"), change(op="upsert_item", item_id="i1", title="Again")])
    again = after.items.filter(item_id="i1").to_dicts()[0]
    assert (again["title"], again["brand"], again["categories"]) == ("Again", None, [])
    assert not after.interactions.filter(item_id="i1").height
    assert not after.triples.filter(head="i1").height
    assert before.interactions.filter(item_id="i1").height
