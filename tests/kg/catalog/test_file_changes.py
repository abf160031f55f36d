"""A file of changes: what it may say, and what is wrong where it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kg.catalog.file_changes import RefusedChangeError, accepted, apply_changes, parse, read_changes
from kg.errors import InputError
from tests.kg.incremental_shop import catalog, change


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
        ({"op": "upsert_item", "item_id": "1", "available": "perhaps"}, "available"),
        ({"op": "upsert_item", "item_id": "1", "Screen Size": "5"}, "Screen Size"),
        ({"op": "upsert_item", "item_id": "1", "color": {"a": 1}}, "color"),
        ({"op": "upsert_item", "item_id": "1", "title": "x\x00"}, "title"),
        ({"op": "add_interaction", "item_id": "1", "kind": "view"}, "user_id"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u"}, "kind"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "Big View"}, "kind"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": "soon"}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "time": True}, "time"),
        ({"op": "add_interaction", "item_id": "1", "user_id": "u", "kind": "view", "rating": float("inf")}, "rating"),
        ({"op": "delete_interaction", "item_id": "1", "user_id": "u", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_used_is_named(record: dict[str, Any], column: str) -> None:
    with pytest.raises(RefusedChangeError) as raised:
        parse(record)
    assert raised.value.column == column


def test_what_is_said_is_kept() -> None:
    item = change(op="upsert_item", item_id=7, title=" Tea ", description="", categories="A | B|", price="2.50", available="no", color=["red", ""])
    assert item.item_id == "7"
    assert item.values == {"title": "Tea", "description": None, "categories": ["A", "B"], "price_cents": 250, "available": False, "color": ["red"]}
    event = change(op="add_interaction", id="e", user_id="u", item_id="1", kind="view", time="2024-01-01T00:00:00")
    assert (event.event_id, event.values["time"], event.values["quantity"]) == ("e", 1704067200.0, 1.0)
    for one in (item, event, change(op="delete_interaction", user_id="u", item_id="1", kind="view")):
        assert parse(one.record()) == one


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    lines = tmp_path / "c.jsonl"
    lines.write_text(
        '{"op":"upsert_item","item_id":"new","title":"x"}\n\nnonsense\n[1]\n{"op":"delete_item","item_id":"gone"}\n{"op":"delete_item","item_id":"new"}\n'
    )
    good, bad = accepted(read_changes(lines), ["i1"])
    assert [c.op for c in good] == ["upsert_item", "delete_item"]
    assert [(line, error.column) for line, error in bad] == [(3, "line"), (4, "line"), (5, "item_id")]
    table = tmp_path / "c.csv"
    table.write_text("op,item_id,title,categories,user_id,kind\nupsert_item,n,Tea,A|B,,\nadd_interaction,n,,,u,view\nadd_interaction,n\n")
    good, bad = accepted(read_changes(table), [])
    assert good[0].values == {"title": "Tea", "categories": ["A", "B"]}
    assert good[1].values["kind"] == "view"
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
    good, bad = accepted(list(enumerate(sent)), ["known"])
    assert [(change.op, change.item_id) for change in good] == [("upsert_item", "known"), ("upsert_item", "new"), ("delete_item", "known")]
    assert [(line, error.column) for line, error in bad] == [(0, "title"), (2, "title"), (5, "title")]


def test_a_deleted_item_takes_its_events_and_links_along_and_may_come_back() -> None:
    before = catalog()
    after = apply_changes(before, [change(op="delete_item", item_id="i1"), change(op="upsert_item", item_id="i1", title="Again")])
    again = after.items.filter(item_id="i1").to_dicts()[0]
    assert (again["title"], again["brand"], again["categories"]) == ("Again", None, [])
    assert not after.interactions.filter(item_id="i1").height
    assert not after.triples.filter(head="i1").height
    assert before.interactions.filter(item_id="i1").height
