"""A change applied to a loaded graph leaves what a full load leaves, on every database."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from kg.errors import BuildError, ConflictError
from kg.graph.delta import GraphDelta
from kg.graph.update import Resolver, advance
from kg.store import GraphStore
from kg.tables import GraphTables
from tests.kg.incremental_shop import CHANGES, FACTS, catalog, fact, full, read
from tests.kg.store.test_contract import everything

FIRST, SECOND = "20260101T000000-000001", "20260102T000000-000002"
RESOLVER = Resolver()
BASE = full(catalog(), RESOLVER, ())
TABLES = BASE.knowledge.tables()


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(CHANGES, FACTS)
def test_a_change_leaves_the_database_of_a_full_load(store: GraphStore, changes: list[Any], facts: list[Any]) -> None:
    store._bolt.write("MATCH (n) DETACH DELETE n")
    store.load(TABLES, FIRST)
    after, found = advance(BASE, changes, facts, RESOLVER, read)
    store.apply(found, FIRST)
    once, layout = everything(store), store.read()
    store.apply(found, FIRST)
    assert everything(store) == once
    assert store._bolt.value("MATCH ()-[r]->() WHERE r.build_id IS NULL OR r.build_id <> $b RETURN count(r)", b=FIRST) == 0
    store._bolt.write("MATCH (n) DETACH DELETE n")
    expected = after.knowledge.tables()
    store.load(expected, FIRST)
    assert everything(store) == once
    assert (set(layout.nodes), set(layout.edges)) == (set(expected.nodes), set(expected.edges))


def test_a_change_that_was_cut_short_is_finished(store: GraphStore) -> None:
    store.load(TABLES, FIRST)
    after, found = advance(BASE, [], [fact(1, "set", "i4", "has_color", "Mauve"), fact(2, "drop", "i3", "has_color", "Red")], RESOLVER, read)
    store.apply(GraphDelta(nodes=found.nodes), FIRST)
    store.apply(found, FIRST)
    partly = everything(store)
    store._bolt.write("MATCH (n) DETACH DELETE n")
    store.load(after.knowledge.tables(), FIRST)
    assert everything(store) == partly


def test_only_the_build_that_is_there_is_changed(store: GraphStore) -> None:
    with pytest.raises(BuildError, match="does not hold"):
        store.apply(GraphDelta(), FIRST)
    small = GraphTables({"item": pl.DataFrame({"key": ["1"]})}, {})
    store.load(small, FIRST)
    store.load(small, SECOND)
    with pytest.raises(BuildError, match=f"does not hold build {FIRST}: it holds {SECOND}"):
        store.apply(GraphDelta(), FIRST)


def test_a_load_sees_what_was_changed_in_place(store: GraphStore) -> None:
    small = GraphTables({"item": pl.DataFrame({"key": ["1"], "title": ["Tea"]})}, {})
    store.load(small, FIRST)
    store.apply(GraphDelta(nodes={"item": pl.DataFrame({"key": ["1", "2"], "title": ["Green tea", "Coffee"]})}), FIRST)
    counts = store.load(small, SECOND, before=(FIRST, small))
    assert (counts.written, counts.removed) == (1, 1)
    assert store.read().nodes["item"].rows() == [("1", "Tea")]


def test_nodes_of_others_are_not_taken_over(store: GraphStore) -> None:
    store.load(GraphTables({"item": pl.DataFrame({"key": ["1"]})}, {}), FIRST)
    store._bolt.write("CREATE (:Item {item_id: '2', owner: 'somebody'})")
    with pytest.raises(ConflictError, match="no build wrote"):
        store.apply(GraphDelta(nodes={"item": pl.DataFrame({"key": ["2"]})}), FIRST)
    store.apply(GraphDelta(gone_nodes={"item": pl.DataFrame({"key": ["2"]})}), FIRST)
    assert store._bolt.value("MATCH (n:Item {item_id: '2'}) RETURN n.owner") == "somebody"
