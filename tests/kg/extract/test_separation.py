"""Which words are attributes in a kind of item, learned from small shops whose answer is known."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from kg.extract.incremental import changed_facts
from kg.extract.pipeline import Extractor
from kg.extract.separation import Separation
from kg.graph.build import REASON_CONFIDENCE
from kg.tables import ITEM_COLUMNS

ADJECTIVES = ("Studio", "Junior", "Master", "Artist", "Classic", "Deluxe", "Basic", "Royal", "Solid", "Urban")


def shop(rows: list[dict[str, Any]], **fields: list[list[str]]) -> pl.DataFrame:
    numbered = [{"item_id": f"{n:03}", **row} for n, row in enumerate(rows)]
    frame = pl.DataFrame(numbered, schema=dict(ITEM_COLUMNS))
    return frame.with_columns(*(pl.Series(name, values, dtype=pl.List(pl.String)) for name, values in fields.items()))


def office() -> list[dict[str, Any]]:
    rows = [{"title": f"{word} Oil Pastels {n} colours", "categories": ["Drawing"]} for n, word in enumerate(ADJECTIVES, 12)]
    rows += [{"title": f"{word} Sticky Pads 76 x 76 mm", "categories": ["Notes"]} for word in ADJECTIVES]
    rows += [{"title": f"{word} Hole Punch, can punch 20 sheets", "categories": ["Punches"]} for word in ADJECTIVES]
    rows += [{"title": f"Natural Rubber Bands {word} 100 g", "categories": ["Bands"]} for word in ADJECTIVES]
    rows += [{"title": f"Gel Pens {word} blue", "categories": ["Pens"]} for word in ADJECTIVES]
    return rows


def cosmetics() -> list[dict[str, Any]]:
    kinds = ("Argan", "Jojoba", "Rosehip", "Marula", "Almond")
    rows = [{"title": f"{word} {kinds[n % 5]} Face Oil 30 ml", "categories": ["Skin Care"]} for n, word in enumerate(ADJECTIVES)]
    rows += [{"title": f"{word} Hand Cream 50 ml", "categories": ["Hands"]} for word in ADJECTIVES]
    return rows


def sure(items: pl.DataFrame) -> set[tuple[str, str]]:
    facts = Extractor().extract(items).filter((pl.col("confidence") >= REASON_CONFIDENCE) & (pl.col("extractor") == "rules"))
    return set(facts.select("relation", "value").iter_rows())


def test_an_office_has_no_forms_packs_and_diets() -> None:
    found = sure(shop(office()))
    assert {relation for relation, _ in found}.isdisjoint({"has_form", "has_packaging", "has_diet", "has_scent", "has_flavor"})
    assert ("has_color", "blue") in found


def test_the_same_words_are_attributes_where_they_are() -> None:
    found = sure(shop(cosmetics()))
    assert {("has_form", "oil"), ("has_form", "cream")} <= found


def test_a_word_before_one_noun_belongs_to_it() -> None:
    rows = [{"title": f"{word} gel inserts pair", "categories": ["Foot Care"]} for word in ADJECTIVES]
    rows += [{"title": f"{word} soothing gel", "categories": ["Skin Care"]} for word in ADJECTIVES]
    learned = Separation.learn(shop(rows), "en")
    assert ("Foot Care", "gel", "has_form") in learned.modifiers
    assert "Skin Care" not in {category for category, _, _ in learned.modifiers}


def test_a_word_in_all_categories_alike_says_nothing() -> None:
    rows = [{"title": f"Black {word} {kind}", "categories": [kind]} for kind in ("Lamp", "Chair", "Desk") for word in ADJECTIVES]
    learned = Separation.learn(shop(rows), "en")
    assert ("black", "has_color") in learned.words
    assert ("has_color", "black") not in sure(shop(rows))
    mixed = rows + [{"title": f"White {word} shelf", "categories": ["Shelf"]} for word in ADJECTIVES]
    assert ("has_color", "black") in sure(shop(mixed))


def test_what_the_shops_field_never_states_in_a_category_is_none_there() -> None:
    rows = [{"title": f"{word} T-shirt", "categories": ["Shirts"]} for word in ADJECTIVES]
    rows += [{"title": f"Black {word} puzzle", "categories": ["Puzzles"]} for word in ADJECTIVES]
    items = shop(rows, color=[["red"]] * len(ADJECTIVES) + [[]] * len(ADJECTIVES))
    facts = Extractor().extract(items).filter((pl.col("relation") == "has_color") & (pl.col("extractor") == "rules"))
    assert facts.height == len(ADJECTIVES)
    assert (facts["confidence"] < REASON_CONFIDENCE).all()


def test_marked_facts_stay() -> None:
    rows = [{"title": f"Black {word} {kind}", "categories": [kind]} for kind in ("Lamp", "Chair", "Desk") for word in ADJECTIVES]
    facts = Extractor().extract(shop(rows)).filter(pl.col("relation") == "has_color")
    assert facts.height == len(rows)


@pytest.mark.parametrize("n_before", [4, 9])
def test_a_change_rereads_what_is_marked_otherwise_now(n_before: int) -> None:
    rows = [{"title": f"{word} gel inserts pair", "categories": ["Foot Care"]} for word in ADJECTIVES]
    before, after = shop(rows[:n_before]), shop(rows)
    extractor = Extractor()
    changed = sorted(set(after["item_id"]) - set(before["item_id"]))
    found = changed_facts(extractor, extractor.extract(before), before, after, changed).attributes.sort("item_id", "relation", "value")
    assert found.equals(extractor.extract(after))


@pytest.mark.parametrize(
    ("text", "sure"),
    [("Length: 45 mm.", [True]), ("Width: 20 mm. Length: 45 mm.", [False, False]), ("The rivet has a length of 45 mm.", [False])],
)
def test_a_size_of_a_description_is_sure_where_it_is_named_alone(text: str, sure: list[bool]) -> None:
    found = Extractor().extract(shop([{"title": "Clamp", "description": text, "categories": ["Tools"]}])).filter(pl.col("relation") == "has_length")
    assert (found["confidence"] >= REASON_CONFIDENCE).to_list() == sure
