"""Titles lose their markup and a register's abbreviations on import; what the shop wrote is kept beside and states nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.clean.abbreviations import read_abbreviations
from etl.settings import SourceConfig
from etl.sources.importer import import_sources
from kg.catalog.item_changes import items_frame
from kg.errors import InputError
from kg.extract.pipeline import Extractor
from kg.tables import AS_WRITTEN

REGISTER = Path(__file__).parents[4] / "etl" / "templates" / "register.jsonl"


def imported(folder: Path, **more: Any) -> pl.DataFrame:
    source = SourceConfig(table="items", path="items.csv", columns={"item_id": "id", "title": "title"}, **more)
    return import_sources(folder, [source]).items.sort("item_id")


def test_markup_leaves_a_title_and_the_text_as_written_stays(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text('id,title\na,"<b>Steel</b> mug &amp; lid"\nb,Plain mug\n', encoding="utf-8")
    items = imported(tmp_path)
    assert items["title"].to_list() == ["Steel mug & lid", "Plain mug"]
    assert items[AS_WRITTEN].to_list() == [["<b>Steel</b> mug &amp; lid"], []]
    assert f"has_{AS_WRITTEN}" not in Extractor().extract(items)["relation"].to_list()


def test_a_title_told_over_the_api_is_cleaned_too() -> None:
    assert items_frame([("a", {"title": "Cup 90&deg;"})])["title"].to_list() == ["Cup 90°"]


def test_a_lexicon_spells_out_what_a_register_prints(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("id,title\na,FRZ PEAS BG 12 OZ\nb,Peas BG\n", encoding="utf-8")
    (tmp_path / "till.jsonl").write_text('{"text": "FRZ", "means": "frozen"}\n{"text": "BG", "means": "bag"}\n{"text": "OZ", "means": "oz"}\n')
    items = imported(tmp_path, abbreviations="till.jsonl")
    assert items["title"].to_list() == ["Frozen peas bag, 12 oz", "Peas BG"]
    assert items[AS_WRITTEN].to_list() == [["FRZ PEAS BG 12 OZ"], []]


@pytest.mark.parametrize("line", ["not json", '{"text": "A"}', '{"text": "", "means": "x"}', '{"text": "A", "means": "a", "more": 1}', "[1]"])
def test_a_line_that_is_no_abbreviation_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "till.jsonl").write_text('{"text": "A", "means": "a"}\n' + line + "\n")
    with pytest.raises(InputError, match=r"till\.jsonl, line 2"):
        read_abbreviations(tmp_path / "till.jsonl")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("SFT DRNK 2 LITER BTL CARB INCL 2 L", "Soft drink, carbonated, 2-liter bottle"),
        ("FLUID MILK WHITE ONLY 1 GA", "White milk, 1 gal"),
        ("BANANAS 40 LB", "Bananas"),
        ("EGGS - LARGE 1 DZ", "Eggs, large, 1 dozen"),
        ("FRZN FRENCH FRIES 28 OZ", "Frozen French fries, 28 oz"),
        ("MEXICAN SOFT TORTILLAS AND WRA 10 CT", "Soft tortillas & wraps, 10 ct"),
        ("SUGAR (600) 4 LB", "Sugar, 4 lb"),
        ("CHIX: ROTISSERIE (HOT) 48 OZ", "Rotisserie chicken, hot, 48 oz"),
    ],
)
def test_the_demo_reads_like_a_shelf_and_not_like_a_till(printed: str, shown: str) -> None:
    assert read_abbreviations(REGISTER).expand(printed) == shown
