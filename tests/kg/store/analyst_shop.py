"""A small shop whose every answer can be worked out by hand: ten items, seven shoppers, two builds."""

from __future__ import annotations

from typing import Any

import polars as pl

from kg.tables import GraphTables

DAY = 86_400.0
JANUARY = 1_767_225_600.0
"""2026-01-01T00:00:00Z, a Thursday."""
BEFORE, BUILD = "20260101T000000-000001", "20260102T000000-000002"

ITEMS: list[tuple[str, str, int | None, bool]] = [
    ("1", "Green tea 250 g", 349, True),
    ("2", "Black tea 500 g", 599, True),
    ("3", "Herbal tea", 299, True),
    ("4", "White tea", 899, True),
    ("5", "Coffee beans 1 kg", 1199, True),
    ("6", "Ground coffee", 799, False),
    ("7", "Kettle", 2999, True),
    ("8", "Garden hose", None, True),
    ("9", "Green tea 250 g", 355, True),
    ("10", "Mint tea 20 g", 325, True),
]
CATEGORIES = {"Tea": "1 2 3 4 9 10", "Coffee": "5 6", "Drinks": "1 2 3 4 5 6 9 10", "Kitchen": "7", "Garden": "8"}
BRANDS = {"Leafy": "1 2 4 9", "Meadow": "3 10", "Roasty": "5 6", "Boilo": "7"}
WEIGHTS = {"250 g": "1 9", "500 g": "2", "1 kg": "5", "20 g": "10", "25 g": "10"}
PURCHASES = [
    # user, item, count, first day, last day
    *[("a", "1", 2, 0, 10), ("a", "2", 1, 3, 3), ("a", "7", 1, 4, 4)],
    *[("b", "1", 1, 1, 1), ("b", "2", 1, 2, 2), ("b", "5", 1, 20, 20)],
    *[("c", "1", 1, 5, 5), ("c", "3", 3, 8, 40), ("c", "5", 1, 9, 9), ("c", "6", 1, 9, 9)],
    *[("d", "2", 1, 6, 6), ("d", "3", 1, 33, 33)],
    *[("e", "5", 2, 7, 35), ("e", "6", 1, 8, 8), ("e", "7", 1, 9, 9)],
    *[("f", "5", 1, 7, 7), ("f", "6", 1, 8, 8), ("f", "7", 1, 9, 9)],
]
VIEWS = [("g", "4"), ("a", "4"), ("d", "1"), ("a", "1")]


def _facts(values: dict[str, str], extractor: str, field: str, confidence: float) -> pl.DataFrame:
    rows = [_fact(item, value, extractor, field, confidence) for value, items in values.items() for item in items.split()]
    return pl.DataFrame(rows, schema=_EVIDENCE, orient="row")


def _fact(item: str, value: str, extractor: str, field: str, confidence: float, *more: str | None) -> tuple[Any, ...]:
    title = next(title for key, title, _, _ in ITEMS if key == item)
    start = title.find(value) if field == "title" and value in title else None
    end = None if start is None else start + len(value)
    return (item, value, field, start, end, value, extractor, "1", confidence, *(more or (None, None, None)))


_EVIDENCE = {
    **{"source": pl.String, "target": pl.String, "field": pl.String, "start": pl.Int64, "end": pl.Int64, "surface": pl.String},
    **{"extractor": pl.String, "extractor_version": pl.String, "confidence": pl.Float64, "by": pl.String, "note": pl.String, "time": pl.String},
}


def analyst_shop(*, corrected: bool = True) -> GraphTables:
    """Return the shop.

    Args:
        corrected: As the second build has it: item 3 got a flavor by a person, and item 10 is new.
    """
    items = [item for item in ITEMS if corrected or item[0] != "10"]
    keys = [item[0] for item in items]

    def kept(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("source").is_in(keys))

    categories, brands = _facts(CATEGORIES, "catalog", "categories", 1.0), _facts(BRANDS, "catalog", "brand", 1.0)
    weights = _facts(WEIGHTS, "rules", "title", 0.9)
    flavors = [_fact("10", "mint", "rules", "title", 0.5)] if corrected else []
    if corrected:
        flavors.append(_fact("3", "mint", "person", "stated by", 1.0, "Mara", "on the box", "2026-01-02T00:00:00Z"))
    allergens = pl.DataFrame([_fact("5", "nuts", "rules", "description", 0.9)], schema=_EVIDENCE, orient="row")
    bought = [(user, item, n, JANUARY + first * DAY, JANUARY + last * DAY) for user, item, n, first, last in PURCHASES]
    seen = [(user, item, 1, JANUARY, JANUARY) for user, item in VIEWS]
    counts = {"source": pl.String, "target": pl.String, "count": pl.Int64, "first_time": pl.Float64, "last_time": pl.Float64}
    same = pl.DataFrame({"source": ["9"], "target": ["1"], "score": [0.97], "surface": ["same title and weight"]})
    edges: dict[tuple[str, str, str], pl.DataFrame] = {
        ("item", "has_category", "category"): kept(categories),
        ("item", "has_brand", "brand"): kept(brands),
        ("item", "has_weight", "weight"): kept(weights),
        ("item", "has_flavor", "flavor"): kept(pl.DataFrame(flavors, schema=_EVIDENCE, orient="row")),
        ("item", "has_allergen", "allergen"): allergens,
        ("user", "purchased", "item"): pl.DataFrame(bought, schema=counts, orient="row"),
        ("user", "viewed", "item"): pl.DataFrame(seen, schema=counts, orient="row"),
        ("user", "has_age", "age"): pl.DataFrame({"source": ["a", "b", "c"], "target": ["25-34", "25-34", "35-44"]}),
        ("item", "also_bought", "item"): pl.DataFrame({"source": ["1", "2", "5"], "target": ["2", "1", "6"]}),
        ("item", "same_as", "item"): same,
    }
    columns = {"key": pl.String, "title": pl.String, "price_cents": pl.Int64, "available": pl.Boolean}
    nodes = {"item": pl.DataFrame(items, schema=columns, orient="row"), "user": pl.DataFrame({"key": list("abcdefg")})}
    for (_, _, target), frame in edges.items():
        if target not in nodes:
            nodes[target] = frame.select(pl.col("target").alias("key")).unique().sort("key")
    return GraphTables(nodes, edges)
