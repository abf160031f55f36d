"""Inferred values: planted regularities are found, confidence is honest, and nothing is guessed where a relation does not apply."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from kg.extract.inferred import INFERRED, above, infer
from kg.tables import ATTRIBUTE_COLUMNS, ITEM_COLUMNS, attributes_table, empty, items_table

WORDS = {"red": "rose berry", "blue": "ocean sky", "green": "leaf moss"}


def _shop(n: int = 600, *, noise: float = 0.0, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """Make towels whose colour is told by their words (or by chance, with `noise`), and screws that have no colour."""
    rng = np.random.default_rng(seed)
    rows, facts, truth = [], [], {}
    for number in range(n):
        item_id, color = f"{number:04d}", str(rng.choice(list(WORDS)))
        told = str(rng.choice(list(WORDS))) if rng.random() < noise else color
        rows.append({"item_id": item_id, "title": f"Towel {rng.choice(WORDS[told].split())} {number % 7}", "categories": ["Bath", "Towels"]})
        truth[item_id] = color
        if number % 3:
            facts.append((item_id, "has_color", color))
    rows += [{"item_id": f"s{number}", "title": "Screw rose", "categories": ["Tools", "Screws"]} for number in range(50)]
    items = items_table(pl.concat([empty(ITEM_COLUMNS), pl.DataFrame(rows)], how="diagonal"))
    stated = pl.DataFrame(facts, schema=["item_id", "relation", "value"], orient="row").with_columns(
        confidence=pl.lit(1.0),
        field=pl.lit("color"),
        start=pl.lit(0, dtype=pl.Int64),
        end=pl.lit(3, dtype=pl.Int64),
        surface=pl.col("value"),
        extractor=pl.lit("catalog"),
        extractor_version=pl.lit("2"),
    )
    return items, attributes_table(stated.select(*ATTRIBUTE_COLUMNS)), truth


def test_a_planted_regularity_is_found_with_high_confidence() -> None:
    items, facts, truth = _shop()
    found = infer(items, facts)
    assert found.height == 200
    assert all(truth[item_id] == value for item_id, value in found.select("item_id", "value").iter_rows())
    assert (found["confidence"] > 0.9).all()
    assert set(found["extractor"]) == {INFERRED}
    assert found["surface"].str.contains("word (rose|berry|ocean|sky|leaf|moss)").all()


def test_items_of_categories_without_the_relation_are_not_asked() -> None:
    items, facts, _ = _shop()
    assert not infer(items, facts).filter(pl.col("item_id").str.starts_with("s")).height


def test_what_is_stated_is_never_inferred_again() -> None:
    items, facts, _ = _shop()
    assert not infer(items, facts).join(facts, on=["item_id", "relation"], how="semi").height


@pytest.mark.parametrize("noise", [0.3, 0.6])
def test_confidence_is_the_frequency_of_being_right(noise: float) -> None:
    items, facts, truth = _shop(3_000, noise=noise)
    found = infer(items, facts)
    right = np.mean([truth[item_id] == value for item_id, value in found.select("item_id", "value").iter_rows()])
    assert abs(right - found["confidence"].mean()) < 0.06


def test_words_that_tell_nothing_give_no_certainty() -> None:
    items, facts, _ = _shop(noise=1.0)
    assert not above(infer(items, facts), 0.9).height


def test_the_order_of_items_does_not_matter() -> None:
    items, facts, _ = _shop()
    again = infer(items.sample(fraction=1.0, shuffle=True, seed=3), facts.sample(fraction=1.0, shuffle=True, seed=4))
    assert again.equals(infer(items, facts))


def test_too_few_examples_infer_nothing() -> None:
    items, facts, _ = _shop(90)
    assert not infer(items, facts).height


def test_thresholds_per_relation() -> None:
    items, facts, _ = _shop()
    found = infer(items, facts)
    assert above(found, {"has_color": 0.5}).height == found.height
    assert not above(found, {"has_form": 0.5}).height
