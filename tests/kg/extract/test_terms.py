"""Terms of titles: which words and pairs of words become nodes, with which evidence, and that changes of a catalogue change them exactly."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest

from kg.extract.incremental import changed_facts
from kg.extract.pipeline import Extractor
from kg.extract.terms import TermLimits
from kg.tables import ITEM_COLUMNS

FEWEST_ITEMS, MOST_SHARE = TermLimits().fewest_items, TermLimits().most_share
_WORDS = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "larch", "marsh", "notch", "orchard")


def shop(*rows: Mapping[str, object], fillers: int = FEWEST_ITEMS) -> pl.DataFrame:
    """Some items, and as many others as a shop with terms has; their titles have no word in common with them."""
    others = [{"item_id": f"z{n:03}", "title": f"{_WORDS[n % 15]}{_WORDS[n // 15]}"} for n in range(fillers)]
    numbered = [{"item_id": f"a{n}", **row} for n, row in enumerate(rows)]
    return pl.DataFrame([*numbered, *others], schema=dict(ITEM_COLUMNS))


def found(items: pl.DataFrame, language: str = "en") -> dict[str, set[str]]:
    """Return the terms of each item that has any."""
    facts = Extractor(language).extract(items).filter(relation="mentions")
    return {str(item_id): set(rows["value"]) for (item_id,), rows in facts.group_by("item_id")}


def test_words_and_pairs_that_titles_share_are_terms() -> None:
    items = shop({"title": "Pure Argan Oil, Morocco"}, {"title": "Serum with argan oil"}, {"title": "Oil of argan"}, {"title": "Nothing shared"})
    assert found(items) == {"a0": {"argan", "oil", "argan oil"}, "a1": {"argan", "oil", "argan oil"}, "a2": {"argan", "oil"}}


def test_the_evidence_is_the_first_place_in_the_title_as_stored() -> None:
    items = shop({"title": "Velvet &amp; Argan-Oil, argan oil again"}, {"title": "Argan Oil"})
    facts = Extractor().extract(items).filter(relation="mentions", item_id="a0")
    titles = dict(items.select("item_id", "title").iter_rows())
    rows = {row["value"]: row for row in facts.iter_rows(named=True)}
    assert rows["argan oil"]["surface"] == "Argan-Oil"
    assert all(titles["a0"][row["start"] : row["end"]] == row["surface"] for row in rows.values())
    assert {row["field"] for row in rows.values()} == {"title"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Lamp 500 ounce", "Chair 500 ounce"), ("Lamp CD400R", "Chair CD400R"), ("Lamp with the", "Chair with the"), ("Lamp, A", "Chair, A")],
)
def test_numbers_codes_units_and_stop_words_are_no_terms(one: str, other: str) -> None:
    assert found(shop({"title": one}, {"title": other})) == {}


def test_pairs_do_not_reach_over_what_stands_between() -> None:
    items = shop({"title": "Flat, iron"}, {"title": "Flat 3 iron"}, {"title": "Flat of iron"}, {"title": "Flat iron"}, {"title": "FLAT-IRON"})
    assert {term for of_item in found(items).values() for term in of_item} == {"flat", "iron", "flat iron"}
    assert {item for item, of_item in found(items).items() if "flat iron" in of_item} == {"a3", "a4"}


def test_what_another_relation_states_is_no_term() -> None:
    rows = [{"title": f"Leafy Breeze {colour} lamp", "brand": "Leafy Breeze"} for colour in ("red", "red", "blue", "blue")]
    assert found(shop(*rows)) == {f"a{n}": {"lamp", f"{colour} lamp", f"breeze {colour}"} for n, colour in enumerate(("red", "red", "blue", "blue"))}


def test_a_word_of_too_many_titles_is_no_term() -> None:
    most = int(MOST_SHARE * (FEWEST_ITEMS + 30))
    few, many = [{"title": "common"}] * most, [{"title": "common"}] * 30
    assert set(found(shop(*few, fillers=FEWEST_ITEMS + 30 - most))) == {f"a{n}" for n in range(most)}
    assert found(shop(*many, fillers=FEWEST_ITEMS)) == {}


def test_a_small_shop_has_no_terms_and_they_can_be_switched_off() -> None:
    rows = [{"title": "Argan oil"}, {"title": "Argan oil soap"}]
    assert found(shop(*rows, fillers=FEWEST_ITEMS - 3)) == {}
    assert not Extractor(terms=False).extract(shop(*rows)).filter(relation="mentions").height


def test_chinese_titles_are_cut_into_words() -> None:
    pytest.importorskip("jieba")
    assert "洗发水" in found(shop({"title": "滋润洗发水"}, {"title": "去屑洗发水"}), "zh")["a0"]


@pytest.mark.parametrize("change", ["comes", "goes", "edited"])
def test_a_change_gives_the_terms_of_a_new_extraction(change: str) -> None:
    before = shop({"title": "Argan oil"}, {"title": "Flat iron"}, {"title": "Iron table"})
    new = pl.DataFrame([{"item_id": "b", "title": "Argan soap, flat"}], schema=dict(ITEM_COLUMNS))
    after = {
        "comes": pl.concat([before, new]),
        "goes": before.filter(pl.col("item_id") != "a1"),
        "edited": before.with_columns(title=pl.when(item_id="a2").then(pl.lit("Argan table")).otherwise("title")),
    }[change]
    changed = {"comes": ["b"], "goes": ["a1"], "edited": ["a2"]}[change]
    extractor = Extractor()
    facts = changed_facts(extractor, extractor.extract(before), before, after, changed).attributes
    order = ["item_id", "relation", "value"]
    assert facts.sort(order).equals(extractor.extract(after).sort(order))


def test_a_changed_item_is_read_with_the_terms_of_its_catalogue() -> None:
    known = shop({"title": "Argan oil"}, {"title": "Argan oil soap"})
    new = pl.DataFrame([{"item_id": "new", "title": "Soap with argan oil, soap"}], schema=dict(ITEM_COLUMNS))
    facts = Extractor().extract(new, catalog=known).filter(relation="mentions")
    assert set(facts["value"]) == {"argan", "oil", "argan oil"}
