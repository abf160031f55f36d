"""Changes of the catalogue: kept in order on every ledger, and the same for a rebuild, the worker and the API."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from kg.catalog.item_changes import changed, fields_of, items_frame, overlaid
from kg.catalog.records import ItemChange
from kg.ledger.database import Database
from kg.ledger.item_store import ItemStore, LiveRow
from kg.tables import items_table

ITEMS = items_frame(
    [
        ("a", {"title": "Tea", "brand": "Leafy", "categories": ["Drinks"], "price_cents": 300, "attributes": {"color": ["green"]}}),
        ("b", {"title": "Kettle", "available": False}),
    ]
)


def test_changes_are_numbered_in_order_and_survive_reopening(database: Database) -> None:
    store = ItemStore(database)
    assert store.last_seq() == 0
    assert store.append([]) == []
    assert store.append([("a", "put", {"title": "Tea ☕"}), ("b", "delete", {})]) == [1, 2]
    assert store.append([("a", "patch", {"available": False})]) == [3]
    assert [(c.seq, c.item_id, c.operation, c.fields) for c in store.after(1, 10)] == [
        (2, "b", "delete", {}),
        (3, "a", "patch", {"available": False}),
    ]
    assert [c.seq for c in store.of_items(["a", "nobody"], 0)] == [1, 3]
    assert [c.seq for c in store.between(1, 2)] == [2]
    database.close()
    assert [c.seq for c in ItemStore(database).after(0, 10)] == [1, 2, 3]


def test_live_items_replace_each_other_and_know_whether_the_graph_has_them(database: Database) -> None:
    store = ItemStore(database)
    fact = {"relation": "has_brand", "node_type": "brand", "value": "Leafy", "confidence": 1.0}
    store.put_live([LiveRow("a", 1, False, {"title": "Tea"}, [fact]), LiveRow("b", 2, True, {}, [])])
    assert store.live_upto() == 2
    first = store.live("a")
    assert first is not None
    assert (first.fields, list(first.facts), first.revision) == ({"title": "Tea"}, [fact], 1)
    store.put_live([LiveRow("a", 5, False, {"title": "Green tea"}, [])])
    assert [row.item_id for row in store.live_after(2)] == ["a"]
    assert [row.item_id for row in store.live_since(2)] == ["a"]
    store.mark_in_graph([first], "build")
    assert {row.item_id for row in store.not_in_graph("build", 0)} == {"a", "b"}, "the older row of a was written, not this one"
    store.mark_in_graph(store.live_since(0), "build")
    assert store.not_in_graph("build", 0) == []
    assert {row.item_id for row in store.not_in_graph("another build", 0)} == {"a", "b"}


def change(seq: int, item_id: str, operation: Any, **fields: object) -> ItemChange:
    return ItemChange(seq, item_id, operation, fields, 0.0)


def test_put_replaces_patch_merges_delete_forgets() -> None:
    before = fields_of(ITEMS.row(0, named=True))
    assert changed(before, [change(1, "a", "put", title="New")]) == {"title": "New"}
    patched = changed(before, [change(1, "a", "patch", price_cents=None, attributes={"color": [], "size": ["L"]})])
    assert patched == {"title": "Tea", "brand": "Leafy", "categories": ["Drinks"], "attributes": {"size": ["L"]}}
    assert changed(before, [change(1, "a", "delete")]) is None
    assert changed(None, [change(1, "x", "patch", title="?")]) is None
    assert changed(None, [change(1, "x", "put", title="!"), change(2, "x", "patch", available=False)]) == {"title": "!", "available": False}


def test_a_rebuilds_items_are_the_files_after_the_changes() -> None:
    changes = [
        change(1, "b", "delete"),
        change(2, "c", "put", title="Cup", attributes={"material": ["clay"]}),
        change(3, "a", "patch", available=False),
    ]
    after = items_table(overlaid(ITEMS, changes))
    rows = {row["item_id"]: fields_of(row) for row in after.iter_rows(named=True)}
    assert rows == {
        "a": {**fields_of(ITEMS.row(0, named=True)), "available": False},
        "c": {"title": "Cup", "attributes": {"material": ["clay"]}},
    }
    assert overlaid(ITEMS, []).equals(ITEMS)


TEXTS = st.text("abc é", max_size=3)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | TEXTS.filter(bool),
        "price_cents": st.none() | st.integers(0, 10),
        "available": st.none() | st.booleans(),
        "categories": st.none() | st.lists(TEXTS.filter(bool), max_size=2),
        "attributes": st.dictionaries(st.sampled_from(["color", "size"]), st.lists(TEXTS.filter(bool), max_size=2), max_size=2),
    },
)
CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["put", "patch", "delete"]), FIELDS), max_size=8)


@given(CHANGES, st.integers(0, 8))
def test_changes_in_two_rebuilds_are_as_in_one(rows: list[tuple[str, Any, dict[str, Any]]], cut: int) -> None:
    changes = [ItemChange(n, item_id, operation, fields, 0.0) for n, (item_id, operation, fields) in enumerate(rows, start=1)]
    at_once = overlaid(ITEMS, changes)
    stepwise = overlaid(overlaid(ITEMS, changes[:cut]), changes[cut:])

    def rows_of(frame: pl.DataFrame) -> dict[str, object]:
        return {row["item_id"]: fields_of(row) for row in items_table(frame).iter_rows(named=True)}

    assert rows_of(stepwise) == rows_of(at_once)


def test_a_large_batch_is_numbered_through(database: Database) -> None:
    store, n = ItemStore(database), 1_200
    assert store.append([(f"i{k}", "put", {"title": str(k)}) for k in range(n)]) == list(range(1, n + 1))
    store.put_live([LiveRow(f"i{k}", k + 1, False, {}, []) for k in range(n)])
    assert store.live_upto() == n
    assert [row.revision for row in store.live_after(0)] == list(range(1, n + 1))
