from __future__ import annotations

import random as random_module
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.graph.build import build_graph
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, Catalog, GraphTables

IDS = ["a", "b", 'c"ü', "d e"]


def items() -> pl.DataFrame:
    rows = [{"item_id": item_id, "title": f"T {item_id}", "categories": []} for item_id in IDS]
    return pl.DataFrame(rows, schema=dict(ITEM_COLUMNS))


def interactions(rows: list[tuple[str, str, str, float | None]]) -> pl.DataFrame:
    columns = ("user_id", "item_id", "kind", "time")
    return pl.DataFrame([dict(zip(columns, row, strict=True)) | {"quantity": 1.0} for row in rows], schema=dict(INTERACTION_COLUMNS))


def attributes(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    facts = [{"item_id": i, "relation": r, "value": v, "confidence": 1.0, "field": r, "start": 0, "end": 1, "surface": v} for i, r, v in rows]
    return pl.DataFrame(facts, schema=dict(ATTRIBUTE_COLUMNS))


EVENTS = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from(IDS), st.sampled_from(["view", "purchase"]), st.sampled_from([None, 1.0, 2.0])))
FACTS = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["has_brand", "has_color"]), st.sampled_from("xy")), unique=True)


@settings(max_examples=40, deadline=None)
@given(EVENTS, FACTS, st.randoms())
def test_the_order_of_rows_does_not_matter(events: list[Any], facts: list[Any], random: random_module.Random) -> None:
    first = build_graph(Catalog(items(), interactions(events)), attributes(facts))
    random.shuffle(events)
    random.shuffle(facts)
    shuffled = build_graph(Catalog(items().reverse(), interactions(events)), attributes(facts))
    assert first.nodes.keys() == shuffled.nodes.keys()
    assert first.edges.keys() == shuffled.edges.keys()
    assert all(first.nodes[name].sort("key").equals(shuffled.nodes[name].sort("key")) for name in first.nodes)
    assert all(
        first.edges[name].sort("source", "target").equals(shuffled.edges[name].sort("source", "target").select(first.edges[name].columns))
        for name in first.edges
    )


def test_events_become_counted_edges() -> None:
    graph = build_graph(
        Catalog(items(), interactions([("u", "a", "view", 2.0), ("u", "a", "view", 1.0), ("u", "a", "purchase", 3.0)])), attributes([])
    )
    viewed = graph.edges[("user", "viewed", "item")].row(0, named=True)
    assert (viewed["count"], viewed["first_time"], viewed["last_time"]) == (2, 1.0, 2.0)
    assert graph.edges[("user", "purchased", "item")].height == 1


def test_triples_merge_with_extracted_facts() -> None:
    triple = {"head_type": "item", "head": "a", "relation": "produced_by", "tail_type": "brand", "tail": "x"}
    triples = pl.DataFrame([triple], schema=dict(TRIPLE_COLUMNS))
    graph = build_graph(Catalog(items(), triples=triples), attributes([("a", "has_brand", "x"), ("b", "has_brand", "y")]))
    assert graph.edges[("item", "has_brand", "brand")].height == 2


def test_broken_tables_are_refused() -> None:
    nodes = {"item": pl.DataFrame({"key": ["a"]}), "brand": pl.DataFrame({"key": ["x"]})}
    edge = pl.DataFrame({"source": ["a"], "target": ["nobody"]})
    with pytest.raises(InputError, match="not brand nodes"):
        GraphTables(nodes, {("item", "has_brand", "brand"): edge})
    with pytest.raises(InputError, match="twice"):
        GraphTables(nodes, {("item", "has_brand", "brand"): pl.DataFrame({"source": ["a", "a"], "target": ["x", "x"]})})
    with pytest.raises(InputError, match="cannot be stored"):
        GraphTables({"item": pl.DataFrame({"key": ["a"], "size": [b"x"]})}, {})
