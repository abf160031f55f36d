"""What titles say, read by the rules: values, evidence, and what must not be read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import ConfigError
from kg.extract.languages import content_words, pipeline, sentences
from kg.extract.lexicon import lexicon
from kg.extract.pipeline import Extractor
from kg.extract.quantities.units import quantities
from kg.tables import ITEM_COLUMNS

GROCERY = {"categories": ["GROCERY"]}


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"item_id": str(number), "categories": [], **row} for number, row in enumerate(rows)], schema=dict(ITEM_COLUMNS))


def facts(*rows: dict[str, Any], language: str = "en") -> set[tuple[str, str, str]]:
    found = Extractor(language).extract(items(*rows))
    return set(found.filter(pl.col("field") != "categories").select("item_id", "relation", "value").iter_rows())


@pytest.mark.parametrize(
    ("title", "relation", "value"),
    [
        ("FROZEN PEAS 12 OZ", "has_weight", "340 g"),
        ("SOFT DRINKS CAN 12 OZ", "has_volume", "355 ml"),
        ("SFT DRNK 2 LTR", "has_volume", "2000 ml"),
        ("ICE CREAM 1/2 GAL", "has_volume", "1893 ml"),
        ("SOFT DRINKS 12/18&15PK", "has_pack_size", "12 pack"),
        ("DIET COLA", "has_diet", "diet"),
        ("ORGANIC FROZEN PEAS", "has_diet", "organic"),
        ("ORGANIC FROZEN PEAS", "has_form", "frozen"),
        ("Cotton shirt for men", "has_material", "cotton"),
        ("Navy blue shirt for men", "has_color", "navy"),
        ("Flash drive 64GB", "has_storage", "64 GB"),
        ("Kettle 2200W", "has_power", "2200 W"),
        ("Toner CLT-K407S black", "has_model", "CLT-K407S"),
    ],
)
def test_a_title_states(title: str, relation: str, value: str) -> None:
    assert ("0", relation, value) in facts({"title": title, **GROCERY})


@pytest.mark.parametrize(
    ("row", "relation"),
    [
        ({"title": "HOT DOG BUNS", **GROCERY}, "has_audience"),
        ({"title": "Red Apple lipstick", "brand": "Red Apple", "categories": ["Beauty"]}, "has_color"),
        ({"title": "Chili sauce"}, "has_weight"),
    ],
)
def test_a_title_does_not_state(row: dict[str, Any], relation: str) -> None:
    assert relation not in {found for _, found, _ in facts(row)}


def test_evidence_points_at_the_words() -> None:
    rows: list[dict[str, Any]] = [{"title": "ORGANIC FROZEN PEAS 12 OZ", **GROCERY}, {"title": "Acme steel kettle 1.7 L", "brand": "Acme"}]
    found = Extractor().extract(items(*rows)).filter(field="title")
    assert found.height >= 5
    for row in found.iter_rows(named=True):
        title = str(rows[int(row["item_id"])]["title"])
        assert title[row["start"] : row["end"]] == row["surface"]
        assert 0 < row["confidence"] <= 1
        assert row["extractor_version"]


def test_a_structured_field_beats_the_title() -> None:
    frame = items({"title": "Red shirt"}).with_columns(color=pl.Series([["NAVY BLUE"]], dtype=pl.List(pl.String)))
    found = Extractor().extract(frame).filter(relation="has_color")
    assert found.select("value", "extractor").rows() == [("navy", "catalog")]


def test_a_brand_is_found_in_titles_that_lack_one() -> None:
    rows = [{"title": f"Acme kettle {number}", "brand": "Acme"} for number in range(3)]
    found = Extractor().extract(items(*rows, {"title": "Acme toaster"})).filter(item_id="3", relation="has_brand")
    assert found.select("value", "extractor", "surface").rows() == [("Acme", "gazetteer", "Acme")]


def test_order_changes_nothing() -> None:
    frame = items({"title": "Frozen peas 12 oz", **GROCERY}, {"title": "Acme kettle 1.7 L", "brand": "Acme"}, {"title": "Acme steel pan"})
    assert Extractor().extract(frame).equals(Extractor().extract(frame.reverse()))


def test_prices_make_bands_within_a_category() -> None:
    rows = [{"title": "x", "categories": ["Tea"], "price_cents": 100 + number * 10} for number in range(40)]
    bands = Extractor().extract(items(*rows)).filter(relation="has_price_band")
    assert dict(bands.filter(pl.col("item_id").is_in(["0", "20", "39"])).select("item_id", "value").iter_rows()) == {
        "0": "budget in Tea",
        "20": "mid-range in Tea",
        "39": "premium in Tea",
    }


def test_chinese_titles_are_read_and_other_languages_say_what_they_lack() -> None:
    assert {("0", "has_color", "红色"), ("0", "has_weight", "500 g")} <= facts({"title": "红色纯棉女士T恤 500克"}, language="zh")
    assert not pipeline("en").note
    assert "no word rules" in pipeline("de").note
    assert ("0", "has_weight", "500 g") in facts({"title": "Tee 500 g"}, language="de")
    with pytest.raises(ConfigError, match="unknown"):
        pipeline("xx-nothing")


def test_every_rule_is_a_pattern_that_spacy_takes() -> None:
    for language in ("en", "zh"):
        assert len(lexicon(language).patterns) > 100
        pipeline(language)


def test_words_and_sentences() -> None:
    assert content_words("The candies of the foxes") == ["candy", "fox"]
    text = "Soft and warm. Wash cold."
    assert [text[start:end] for start, end in sentences(text)] == ["Soft and warm.", "Wash cold."]


@given(st.integers(1, 999), st.sampled_from(["g", "kg", "oz", "lb"]))
@settings(max_examples=40, deadline=None)
def test_weights_scale_with_their_unit(amount: int, unit: str) -> None:
    grams = {"g": 1.0, "kg": 1000.0, "oz": 28.349523125, "lb": 453.59237}[unit]
    (found,) = quantities(f"{amount} {unit}", "has_weight")
    number, base = found.value.split(" ")
    assert base == "g"
    assert float(number) == pytest.approx(amount * grams, rel=6e-3)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_title_is_read_without_an_error(title: str) -> None:
    found = Extractor().extract(items({"title": title}))
    assert found.columns[0] == "item_id"
