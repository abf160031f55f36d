"""docs/schema.md is what the schema says now, and its queries run."""

from __future__ import annotations

from pathlib import Path

from gnn.explain.sentences import relation_template
from kg import schema
from kg.schema_docs import example_queries, schema_page
from kg.store.read_only import check_text

PAGE = Path(__file__).parents[2] / "docs" / "schema.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == schema_page(relation_template), "run: reckon graph schema > docs/schema.md"


def test_the_page_names_everything_that_is_declared() -> None:
    text = schema_page(relation_template)
    assert all(f":{relation.type}]" in text for relation in schema.named_relations())
    assert all(f"`:{node.label}`" in text for node in schema.named_node_types())


def test_the_queries_may_be_asked() -> None:
    for query in example_queries():
        check_text(query)
