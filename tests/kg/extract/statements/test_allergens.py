"""Allergen declarations: what a text declares, what it says may be contained, and nothing else. Precision is 1 here, recall too."""

from __future__ import annotations

import polars as pl
import pytest

from kg import schema
from kg.extract.lexicon import mask
from kg.extract.pipeline import Extractor
from kg.extract.statements.allergens import declarations
from kg.graph.build import build_graph
from kg.tables import ITEM_COLUMNS, Catalog

ENGLISH: list[tuple[str, str, str]] = [
    ("Contains milk.", "milk", ""),
    ("Contains: milk, soy, wheat.", "milk soy wheat", ""),
    ("Crunchy oat bar. Contains milk and eggs.", "milk egg", ""),
    ("Allergens: soy", "soy", ""),
    ("Allergen information: contains wheat and milk.", "wheat milk", ""),
    ("ALLERGY ADVICE: CONTAINS GLUTEN", "gluten", ""),
    ("This product contains peanuts.", "peanut", ""),
    ("It contains egg.", "egg", ""),
    ("May contain nuts.", "", "nuts"),
    ("May contain traces of peanuts and sesame.", "", "peanut sesame"),
    ("Contains milk. May contain nuts.", "milk", "nuts"),
    ("Contains soy and may contain almonds.", "soy", "almond"),
    ("Chocolate bar (contains milk, soy)", "milk soy", ""),
    ("Chocolate bar (may contain hazelnuts)", "", "hazelnut"),
    ("Made in a facility that also processes peanuts.", "", "peanut"),
    ("Produced on equipment that handles milk and soy.", "", "milk soy"),
    ("Contains traces of sesame.", "", "sesame"),
    ("Contains sulphites", "sulphites", ""),
    ("Contains milk ingredients.", "milk", ""),
    ("Contains soy lecithin.", "soy", ""),
    ("Warning: contains shellfish!", "shellfish", ""),
    ("Does not contain milk.", "", ""),
    ("Doesn't contain nuts.", "", ""),
    ("Contains no milk.", "", ""),
    ("Contains no nuts or soy.", "", ""),
    ("Contains milk thistle.", "", ""),
    ("Contains nuts and bolts.", "", ""),
    ("Contains egg-shaped toys.", "", ""),
    ("Contains fish oil.", "", ""),
    ("Contains coconut milk.", "", ""),
    ("Does it contain milk?", "", ""),
    ("Contains milk?", "", ""),
    ("If it contains milk, tell us.", "", ""),
    ("Check whether the sauce contains egg.", "", ""),
    ("The box contains milk cartons.", "", ""),
    ("Our other flavours contain nuts.", "", ""),
    ("No longer contains soy.", "", ""),
    ("The old recipe contained milk.", "", ""),
    ("Never contains peanuts.", "", ""),
    ("Allergens: none", "", ""),
    ("Unlike cow's milk, it is gentle.", "", ""),
    ("May not contain nuts.", "", ""),
    ("Serve with milk.", "", ""),
    ("Milk chocolate with nuts", "", ""),
    ("The recipe book contains milk, egg and nut dishes.", "", ""),
    ("Free from milk and nuts.", "", ""),
    ("Contains peanut butter flavour.", "", ""),
    ("Contains wheat straw.", "", ""),
]
CHINESE: list[tuple[str, str, str]] = [
    ("包含牛奶", "牛奶", ""),
    ("本品含有牛奶、大豆。", "牛奶 大豆", ""),
    ("过敏原信息：含有小麦、鸡蛋", "小麦 鸡蛋", ""),
    ("过敏原提示：花生", "花生", ""),
    ("可能含有花生", "", "花生"),
    ("本产品可能含有微量坚果。", "", "坚果"),
    ("含有牛奶，可能含有坚果。", "牛奶", "坚果"),
    ("致敏物质：大豆制品、乳制品", "大豆 牛奶", ""),
    ("本生产线也加工花生、芝麻的产品。", "", "花生 芝麻"),
    ("含芝麻", "芝麻", ""),
    ("不含牛奶", "", ""),
    ("不含有花生", "", ""),
    ("不包含坚果", "", ""),
    ("未含牛奶", "", ""),
    ("是否含有牛奶？", "", ""),
    ("含有牛奶吗", "", ""),
    ("如果含有花生请告知", "", ""),
    ("礼盒包含牛奶一箱", "", ""),
    ("含鱼油", "", ""),
    ("牛奶巧克力", "", ""),
    ("含有牛奶蓟提取物", "", ""),
    ("花生酱", "", ""),
]


def _declared(text: str, language: str) -> tuple[set[str], set[str]]:
    found = list(declarations(text, mask("grocery", "food"), language))
    return ({one.value for one in found if one.relation == schema.ALLERGEN}, {one.value for one in found if one.relation == schema.ALLERGEN_TRACE})


@pytest.mark.parametrize(("text", "contains", "may"), ENGLISH)
def test_english_declarations(text: str, contains: str, may: str) -> None:
    assert _declared(text, "en") == (set(contains.split()), set(may.split()))


@pytest.mark.parametrize(("text", "contains", "may"), CHINESE)
def test_chinese_declarations(text: str, contains: str, may: str) -> None:
    assert _declared(text, "zh") == (set(contains.split()), set(may.split()))


def _extracted(title: str, description: str, category: str = "Grocery") -> pl.DataFrame:
    rows = [{"item_id": "a", "title": title, "description": description, "categories": [category]}]
    return Extractor().extract(pl.DataFrame(rows, schema=dict(ITEM_COLUMNS)))


def test_declared_allergens_are_facts_with_evidence_and_no_reasons() -> None:
    rows = [
        {"item_id": "a", "title": "Crunch bar", "description": "Contains milk. May contain nuts. Does not contain soy.", "categories": ["Grocery"]}
    ]
    items = pl.DataFrame(rows, schema=dict(ITEM_COLUMNS))
    facts = Extractor().extract(items)
    stated = {(row["relation"], row["value"], row["surface"]) for row in facts.iter_rows(named=True) if row["field"] == "description"}
    assert {("has_allergen", "milk", "milk"), ("has_allergen_trace", "nuts", "nuts")} <= stated
    assert ("has_free_from", "soy") in {(relation, value) for relation, value, _ in stated}
    edges = build_graph(Catalog(items), facts).edges
    for edge_type in (("item", "has_allergen", "allergen"), ("item", "has_allergen_trace", "allergen_trace")):
        assert edge_type in edges
        assert schema.family(edge_type) is None


@pytest.mark.parametrize(("title", "category"), [("Bolt box", "Hardware"), ("T-shirt with print", "Apparel")])
def test_other_trades_have_nuts_too(title: str, category: str) -> None:
    assert _extracted(title, "Contains nuts.", category).filter(pl.col("relation").str.contains("allergen")).is_empty()
