"""A change costs little and leaves exactly the graph that a full build leaves."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import Phase, given, settings
from polars.testing import assert_frame_equal

from kg.catalog.changes import apply_changes
from kg.graph.delta import GraphDelta, delta
from kg.graph.update import Resolver, advance
from kg.tables import GraphTables
from tests.kg.incremental_shop import CHANGES, FACTS, catalog, change, fact, full, read

RESOLVER = Resolver()
BASE = full(catalog(), RESOLVER, ())


def applied(tables: GraphTables, change: GraphDelta) -> GraphTables:
    """Apply a delta to tables, the plain way."""
    nodes = {
        name: _applied(tables.nodes.get(name), change.nodes.get(name), change.gone_nodes.get(name), ["key"])
        for name in {*tables.nodes, *change.nodes}
    }
    edges = {
        e: _applied(tables.edges.get(e), change.edges.get(e), change.gone_edges.get(e), ["source", "target"]) for e in {*tables.edges, *change.edges}
    }
    return GraphTables({n: f for n, f in nodes.items() if f.height}, {e: f for e, f in edges.items() if f.height})


def _applied(old: pl.DataFrame | None, new: pl.DataFrame | None, gone: pl.DataFrame | None, on: list[str]) -> pl.DataFrame:
    if old is None:
        assert new is not None
        old = new.clear()
    frame = old
    for removed in (new, gone):
        frame = frame if removed is None else frame.join(removed, on=on, how="anti")
    return frame if new is None else pl.concat([frame, new], how="diagonal")


def assert_equal_graphs(found: GraphTables, expected: GraphTables) -> None:
    pairs: tuple[tuple[Any, Any, list[str]], ...] = ((found.nodes, expected.nodes, ["key"]), (found.edges, expected.edges, ["source", "target"]))
    for left, right, on in pairs:
        assert set(left) == set(right)
        for name, frame in right.items():
            columns = sorted(
                column for column in {*frame.columns, *left[name].columns} if not _empty(frame, column) or not _empty(left[name], column)
            )
            assert_frame_equal(left[name].sort(on).select(columns), frame.sort(on).select(columns))


def _empty(frame: pl.DataFrame, column: str) -> bool:
    return column not in frame.columns or frame[column].null_count() == frame.height


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(CHANGES, FACTS, CHANGES, FACTS)
def test_a_change_leaves_the_graph_of_a_full_build(first: list[Any], stated: list[Any], second: list[Any], restated: list[Any]) -> None:
    once, _ = advance(BASE, first, stated, RESOLVER, read)
    twice, found = advance(once, second, restated, RESOLVER, read)
    after = apply_changes(apply_changes(BASE.knowledge.catalog, first), second)
    expected = full(after, RESOLVER, restated).knowledge.tables()
    before = once.knowledge.tables()
    assert_equal_graphs(before, full(apply_changes(BASE.knowledge.catalog, first), RESOLVER, stated).knowledge.tables())
    assert_equal_graphs(twice.knowledge.tables(), expected)
    assert_equal_graphs(applied(before, found), expected)
    assert found.counts == delta(before, expected).counts


@settings(max_examples=30, deadline=None)
@given(CHANGES, CHANGES)
def test_changes_in_two_portions_are_as_changes_in_one(first: list[Any], second: list[Any]) -> None:
    base = catalog()
    one, two = apply_changes(base, [*first, *second]), apply_changes(apply_changes(base, first), second)
    for name in ("items", "interactions", "triples"):
        left, right = getattr(one, name), getattr(two, name)
        columns = list(left.columns)
        assert set(columns) == set(right.columns)
        assert_frame_equal(left.select(columns).sort(columns[:4]), right.select(columns).sort(columns[:4]), check_row_order=False)


def test_nothing_changed_changes_nothing() -> None:
    same, found = advance(BASE, [change(op="upsert_item", item_id="i1", brand="leafy")], (), RESOLVER, read)
    assert not found
    assert found.counts == {"nodes": 0, "edges": 0, "gone_nodes": 0, "gone_edges": 0}
    assert_equal_graphs(same.knowledge.tables(), BASE.knowledge.tables())


def test_a_fact_touches_its_item_alone() -> None:
    _, found = advance(BASE, [], [fact(1, "set", "i4", "has_color", "Mauve")], RESOLVER, read)
    assert found.counts == {"nodes": 1, "edges": 1, "gone_nodes": 0, "gone_edges": 0}
    assert found.nodes["color"]["key"].to_list() == ["Mauve"]


def test_a_merge_that_is_undone_is_undone_everywhere() -> None:
    undone = BASE.knowledge.resolution.merges.filter(relation="has_brand").select("relation", "surface").head(1)
    apart = Resolver(values_apart=undone)
    _, found = advance(BASE, [], (), apart, read)
    assert undone["surface"][0] in found.nodes["brand"]["key"]
    assert_equal_graphs(applied(BASE.knowledge.tables(), found), full(catalog(), apart, ()).knowledge.tables())


def test_items_that_are_kept_apart_count_apart_again() -> None:
    duplicates = BASE.knowledge.resolution.duplicates.select("item_id", "duplicate_of").rows()
    assert duplicates
    apart = Resolver(items_apart=frozenset(duplicates))
    _, found = advance(BASE, [], (), apart, read)
    assert_equal_graphs(applied(BASE.knowledge.tables(), found), full(catalog(), apart, ()).knowledge.tables())
    assert found.gone_edges[("item", "same_as", "item")].height == len(duplicates)
