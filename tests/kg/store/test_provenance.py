"""Every extracted edge says where it comes from, on every database, and people can ask."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from kg import cypher
from kg.errors import NotFoundError
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.graph.corrections import Fact
from kg.store import GraphStore
from kg.store.provenance import why_fact
from kg.tables import ITEM_COLUMNS, Catalog, GraphTables

BUILD = "20260101T000000-000001"
ITEMS: list[dict[str, Any]] = [
    {
        "item_id": "it's",
        "title": "Oat milk 1 l, organic",
        "description": "For coffee. Small batches, vegan! Keep cool.",
        "brand": "O'Leaf \\ Co",
    },
    {"item_id": "2", "title": "Navy blue cotton shirt", "description": None, "brand": "Leafy", "categories": ["Shirts"], "price_cents": 1999},
]


@pytest.fixture(scope="module")
def tables() -> GraphTables:
    items = pl.DataFrame([{"categories": [], **row} for row in ITEMS], schema=dict(ITEM_COLUMNS))
    stated = Fact(1, "set", "2", "has_color", "$blue", "ann", "the photo", "2026-01-01T00:00:00Z")
    return build_graph(Catalog(items), Extractor("en").extract(items), facts=[stated])


@pytest.fixture
def filled(store: GraphStore, tables: GraphTables) -> GraphStore:
    store.load(tables, BUILD)
    return store


def test_every_extracted_edge_carries_its_evidence(filled: GraphStore, tables: GraphTables) -> None:
    missing = " OR ".join(f"r.`{name}` IS NULL" for name in cypher.EVIDENCE)
    rows = filled.query(f"MATCH (i:Item)-[r]->(v) WHERE {missing} RETURN i.item_id, type(r), v.value").rows
    assert rows == []
    assert filled.query("MATCH (:Item)-[r]->() WHERE r.build_id = '" + BUILD + "' RETURN count(r)").rows == [[tables.n_edges]]


def test_the_span_is_what_the_text_says(filled: GraphStore) -> None:
    rows = filled.query(
        "MATCH (i:Item)-[r]->() WHERE r.field IN ['title', 'description'] RETURN i.title, i.description, r.field, r.start, r.`end`, r.surface"
    ).rows
    assert len(rows) > 4
    for title, description, field, start, end, surface in rows:
        assert {"title": title, "description": description}[field][start:end] == surface


def test_why_a_fact(filled: GraphStore) -> None:
    found = why_fact(filled, "it's", "has_volume", "1000 ml")
    assert f"[{found.surface}]" in found.sentence
    assert found.extractor == "rules"
    assert found.build_id == BUILD
    person = why_fact(filled, "2", "has_color", "$blue")
    assert (person.extractor, person.by, person.note, person.sentence) == ("person", "ann", "the photo", "[$blue]")
    assert why_fact(filled, "it's", "has_brand", "O'Leaf \\ Co").sentence == "[O'Leaf \\ Co]"


def test_the_printed_query_says_the_same(filled: GraphStore) -> None:
    for item_id, relation, value in (
        ("2", "has_color", "navy"),
        ("it's", "has_volume", "1000 ml"),
        ("it's", "has_brand", "O'Leaf \\ Co"),
        ("2", "has_color", "$blue"),
    ):
        found = why_fact(filled, item_id, relation, value)
        result = filled.query(cypher.why_fact(item_id, relation, value))
        assert len(result.rows) == 1
        row = dict(zip(result.columns, result.rows[0], strict=True))
        assert (row["surface"], row["extractor"], row["build_id"], row["span_start"]) == (found.surface, found.extractor, BUILD, found.start)
        if found.field == "title":
            assert row["sentence"] == ITEMS[0 if item_id == "it's" else 1]["title"].replace(found.surface, f"[{found.surface}]")


def test_a_fact_that_is_not_there(filled: GraphStore) -> None:
    with pytest.raises(NotFoundError, match="has no has_color 'green'") as raised:
        why_fact(filled, "2", "has_color", "green")
    assert "navy" in raised.value.hint
    dropped = Fact(3, "drop", "2", "has_color", "green", "bo", "it is not", "2026-01-02T00:00:00Z")
    with pytest.raises(NotFoundError, match="bo dropped it"):
        why_fact(filled, "2", "has_color", "green", [dropped])
