"""Which quantities a title states of its item, one line a title (`quantity_titles.jsonl`), and how they are shown."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.extract.pipeline import Extractor
from kg.extract.quantities.roles import own_amounts
from kg.extract.quantities.units import BASE, tidy
from kg.graph.build import REASON_CONFIDENCE
from kg.tables import ITEM_COLUMNS

LINES = [json.loads(line) for line in (Path(__file__).parent / "quantity_titles.jsonl").read_text(encoding="utf-8").splitlines()]
MEASURED = {*BASE, "has_dimensions", "has_pack_size", "has_spf", "has_thread"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_titles_state_their_own_quantities_and_no_others(language: str) -> None:
    lines = [line for line in LINES if line["language"] == language]
    rows = [{"item_id": str(number), "title": line["title"], "categories": []} for number, line in enumerate(lines)]
    found = Extractor(language).extract(pl.DataFrame(rows, schema=dict(ITEM_COLUMNS))).filter(pl.col("relation").is_in(sorted(MEASURED)))
    read: dict[str, set[tuple[str, str]]] = {}
    for item_id, relation, value in found.select("item_id", "relation", "value").iter_rows():
        read.setdefault(item_id, set()).add((relation, value))
    wrong = {line["title"]: read.get(str(n), set()) for n, line in enumerate(lines) if read.get(str(n), set()) != set(line["facts"].items())}
    assert not wrong
    assert len(LINES) >= 200


@pytest.mark.parametrize(
    ("title", "sure"),
    [
        ("Desktop computer fan 12L", False),
        ("Binoculars 10x42L", False),
        ("Water bottle 12L", True),
        ("Laptop cleaning fluid 1L", True),
        ("CPU thermal paste 2g", True),
        ("Milk 1L", True),
    ],
)
def test_a_letter_behind_a_number_is_mostly_a_name(title: str, sure: bool) -> None:
    """It is marked, so that no reason says it, unless the thing is sold by weight or volume, or holds something."""
    facts = Extractor("en").extract(pl.DataFrame([{"item_id": "1", "title": title, "categories": []}], schema=dict(ITEM_COLUMNS)))
    measured = facts.filter(pl.col("relation").is_in(["has_volume", "has_weight"]))
    assert (measured["confidence"] >= REASON_CONFIDENCE).to_list() == [sure]


@pytest.mark.parametrize(
    ("written", "relation", "value", "shown"),
    [
        ("0.7 mm", "has_length", "0.07 cm", "0.7 mm"),
        ("17-inch", "has_screen_size", "17 in", "17 in"),
        ("1 lb 4 oz", "has_weight", "567 g", "1 lb 4 oz"),
        ("12 FL. OZ.", "has_volume", "355 ml", "12 fl oz"),
        ("1/2 GAL", "has_volume", "1893 ml", "0.5 gal"),
        ("5'10\"", "has_length", "178 cm", "5 ft 10 in"),
        ('1/2" x 50ft', "has_dimensions", "1.27 × 1524 cm", "0.5 in × 50 ft"),
        ("1TB", "has_storage", "1000 GB", "1 TB"),
        ("2 x 500ml", "has_volume", "500 ml", "500 ml"),
    ],
)
def test_a_value_is_shown_as_written(written: str, relation: str, value: str, shown: str) -> None:
    assert tidy([(written, 1)], relation, value) == shown


def test_of_several_ways_of_writing_the_most_common_is_shown() -> None:
    assert tidy([("500 ml", 1), ("0.5 L", 3), ("50 cl", 2)], "has_volume", "500 ml") == "0.5 l"
    assert tidy([], "has_volume", "500 ml") == "500 ml"


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_quantities_lie_within_the_text(text: str) -> None:
    for amount in own_amounts(text):
        assert 0 <= amount.start < amount.end <= len(text)
