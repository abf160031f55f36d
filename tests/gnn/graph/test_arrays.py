"""Which items may be shown: not those that cannot be had, and not those of which nothing says what they are."""

from __future__ import annotations

import polars as pl

from gnn.graph.arrays import GraphArrays
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog


def arrays(*items: tuple[str, str | None, bool | None]) -> GraphArrays:
    """Return the graph of items as (id, title, available)."""
    rows: list[dict[str, object]] = [
        {"item_id": item_id, "title": title, "available": available, "categories": []} for item_id, title, available in items
    ]
    catalog = Catalog(pl.DataFrame(rows, schema=dict(ITEM_COLUMNS)), pl.DataFrame(schema=dict(INTERACTION_COLUMNS)))
    return GraphArrays.from_tables(build_graph(catalog, Extractor().extract(catalog.items)))


def test_an_untitled_item_is_kept_and_not_shown() -> None:
    graph = arrays(("a", "Tea", None), ("b", None, None), ("c", "Mug", False), ("d", None, True), ("e", "Pot", True))
    assert list(graph.item_ids) == ["a", "b", "c", "d", "e"]
    assert graph.available.tolist() == [True, False, False, False, True]


def test_a_shop_without_titles_is_known_by_its_ids() -> None:
    graph = arrays(("a", None, None), ("b", None, False), ("c", None, True))
    assert list(graph.titles) == ["a", "b", "c"]
    assert graph.available.tolist() == [True, False, True]
