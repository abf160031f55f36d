"""Which words of a title or description are the item's own."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from kg.extract.pipeline import Extractor
from kg.graph.build import REASON_CONFIDENCE, build_graph
from kg.schema import family
from kg.tables import ITEM_COLUMNS, Catalog


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"item_id": str(number), "categories": [], **row} for number, row in enumerate(rows)], schema=dict(ITEM_COLUMNS))


def read(row: dict[str, Any], language: str = "en") -> set[tuple[str, str]]:
    return set(Extractor(language).extract(frame(row)).filter(pl.col("field") != "categories").select("relation", "value").iter_rows())


@pytest.mark.parametrize(
    ("title", "category", "relation"),
    [
        ("Suede Brush Cleaner 4 oz", "Shoe care", "has_material"),
        ("Brass Polish 200 ml", "Household", "has_material"),
        ("Glue for Leather Shoes", "Crafts", "has_material"),
        ("Storage Jar with Bamboo Lid", "Kitchen", "has_material"),
        ("Marble-Look Vinyl Roll, Wood Effect", "Flooring", "has_color"),
        ("Cotton Candy Maker", "Kitchen", "has_material"),
        ("Black Pepper Mill Refill", "Grocery", "has_color"),
        ("Brown Rice 5 lb", "", "has_color"),
        ("Blue Velvet DVD", "", "has_color"),
        ("The Woman in Black Paperback", "", "has_gender"),
        ("Cat 7 Ethernet Cable", "", "has_audience"),
        ("Male to Female Adapter", "", "has_gender"),
        ("Bar Stools Set of 2", "", "has_form"),
        ("Sticky Note Pads 12 Pack", "Office", "has_form"),
        ("Pencil Sharpener", "Beauty", "has_form"),
        ("Packing Peanuts 3 cu ft", "", "has_flavor"),
        ("Natural Jute Twine", "Office", "has_diet"),
        ("You can do it poster", "", "has_packaging"),
        ("Golden Retriever Plush", "Toys", "has_color"),
    ],
)
def test_words_of_purposes_and_names_are_no_attributes(title: str, category: str, relation: str) -> None:
    row: dict[str, Any] = {"title": title, "categories": [category] if category else []}
    assert relation not in {found for found, _ in read(row)}


@pytest.mark.parametrize(
    ("title", "category", "fact"),
    [
        ("Leather Belt Brown", "Belts", ("has_material", "leather")),
        ("Faux Leather Tote", "Bags", ("has_material", "faux leather")),
        ("Paper Napkin Holder Stainless Steel", "Kitchen", ("has_material", "stainless steel")),
        ("Wood-Look Vinyl Plank", "Flooring", ("has_material", "vinyl")),
        ("Blackout Curtains Grey", "Home", ("has_color", "grey")),
        ("Night Cream 50 ml", "Beauty", ("has_form", "cream")),
        ("Liquid Foundation, Ivory", "Beauty", ("has_form", "liquid")),
        ("Hoodie for men", "Clothing", ("has_gender", "men")),
        ("Soda Can 12 oz", "Grocery", ("has_packaging", "can")),
        ("Latex-Free Gloves", "Health", ("has_free_from", "latex")),
    ],
)
def test_the_items_own_words_stay(title: str, category: str, fact: tuple[str, str]) -> None:
    assert fact in read({"title": title, "categories": [category]})


@pytest.mark.parametrize(
    ("title", "relation", "kept"),
    [("非真皮女包", "has_material", False), ("仿真丝围巾", "has_material", False), ("真皮质感手机壳", "has_material", False),
     ("玻璃清洁剂", "has_material", False), ("真皮黑色女包", "has_material", True), ("纯棉女士T恤", "has_material", True)],
)  # fmt: skip
def test_chinese_negations_and_imitations(title: str, relation: str, kept: bool) -> None:
    assert (relation in {found for found, _ in read({"title": title}, "zh")}) is kept


def test_a_sentence_about_other_goods_is_none_of_the_item() -> None:
    found = read({"title": "Ballpoint pen", "description": "Also try our gel pen with leather grip. Works with black pencil sharpeners."})
    assert found.isdisjoint({("has_form", "gel"), ("has_material", "leather"), ("has_color", "black")})


@pytest.mark.parametrize("title", ["Sharp Kitchen Knife", "Pure Maple Syrup", "Always Fresh Bread", "Coach Bus Ticket", "Dove Feather Pillow"])
def test_an_ordinary_word_is_no_brand(title: str) -> None:
    rows: list[dict[str, Any]] = [
        {"title": f"{brand} {thing}", "brand": brand, "categories": ["Other"]}
        for brand in ("Sharp", "Pure", "Always", "Coach", "Dove")
        for thing in ("classic", "deluxe", "mini")
    ]
    found = Extractor().extract(frame({"title": title, "categories": ["Things"]}, *rows))
    assert found.filter(item_id="0", relation="has_brand").is_empty()


def test_evidence_makes_a_brand_of_an_ordinary_word() -> None:
    rows: list[dict[str, Any]] = [{"title": f"Sharp Aquos TV {number}", "brand": "Sharp", "categories": ["TVs"]} for number in range(4)]
    asked: list[dict[str, Any]] = [{"title": "Sharp LCD screen", "categories": ["TVs"]}, {"title": "Sharp Aquos remote", "categories": ["Spares"]}]
    found = Extractor().extract(frame(*asked, *rows)).filter(pl.col("relation") == "has_brand", pl.col("item_id").is_in(["0", "1"]))
    assert found["value"].to_list() == ["Sharp", "Sharp"]


def test_doubtful_facts_are_kept_out_of_scores_and_reasons() -> None:
    items = frame({"title": "Desk lamp", "description": "The black version won a prize."})
    facts = Extractor().extract(items).filter(relation="has_color")
    assert facts.height > 0
    assert (facts["confidence"] < REASON_CONFIDENCE).all()
    edges = build_graph(Catalog(items), facts).edges
    assert ("item", "perhaps_has_color", "color") in edges
    assert all(family(edge_type) is None for edge_type in edges)
