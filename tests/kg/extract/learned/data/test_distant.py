"""Gold made of a shop's own fields, and of answers."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.extract.learned.data import distant
from kg.extract.learned.data.distant import gold_rows, written_form
from kg.extract.learned.data.gold import NOTHING, example_of
from kg.tables import ITEM_COLUMNS


def items(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {**ITEM_COLUMNS, "color": pl.List(pl.String())}
    return pl.DataFrame([{"item_id": f"{number:03}", "categories": ["Home", "Mugs"], **row} for number, row in enumerate(rows)], schema=schema)


def shop(n: int = 2 * distant.MIN_LABELS) -> pl.DataFrame:
    colors = ["Red", "Dark Blue", "Green"]
    return items(*({"title": f"acme mug no {k} {colors[k % 3].upper()}", "brand": "Acme", "color": [colors[k % 3]]} for k in range(n)))


def test_a_field_that_stands_in_the_title_is_a_label_as_the_title_writes_it() -> None:
    rows = {row["input"]: row for row in gold_rows(shop())}
    assert rows["acme mug no 1 DARK BLUE"] == {
        "input": "acme mug no 1 DARK BLUE",
        "category": "Mugs",
        "target_scores": {"has_brand": {"acme": 1}, "has_color": {"DARK BLUE": 1}},
    }


def test_a_field_without_a_word_in_the_title_says_that_it_states_none_and_half_a_value_says_nothing() -> None:
    more = items(
        {"item_id": "x", "title": "bowl", "brand": "Acme", "color": ["Red"]}, {"item_id": "y", "title": "blue acme bowl", "color": ["Dark Blue"]}
    )
    rows = {row["input"]: row["target_scores"] for row in gold_rows(pl.concat([shop(), more]))}
    assert rows["bowl"] == {"has_brand": {NOTHING: 1}, "has_color": {NOTHING: 1}}
    assert "blue acme bowl" not in rows


def test_an_attribute_with_few_labels_is_not_taught() -> None:
    assert gold_rows(shop(distant.MIN_LABELS - 1)) == []


def test_titles_that_state_nothing_are_taught_at_most_twice_as_often() -> None:
    silent = items(*({"item_id": f"s{k}", "title": f"bowl number {k}", "brand": "Acme"} for k in range(10 * distant.MIN_LABELS)))
    rows = gold_rows(pl.concat([shop(distant.MIN_LABELS), silent]))
    stated = [NOTHING not in row["target_scores"]["has_brand"] for row in rows]
    assert stated.count(True) == distant.MIN_LABELS
    assert stated.count(False) == distant.NEGATIVES * distant.MIN_LABELS


def test_answers_win_over_labels_and_leave_the_others() -> None:
    answer = {"input": "acme mug no 1 DARK BLUE", "category": "Mugs", "target_scores": {"has_color": {"BLUE": 1}}}
    rows = {row["input"]: row["target_scores"] for row in gold_rows(shop(), [answer])}
    assert rows["acme mug no 1 DARK BLUE"] == {"has_brand": {"acme": 1}, "has_color": {"BLUE": 1}}
    assert len(rows) == len(shop())


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)), st.lists(st.sampled_from(["Acme", "Red Fox", "n/a", None, "12", "Dark Blue"]), min_size=8, max_size=8))
def test_lines_do_not_depend_on_the_order_and_are_gold(order: list[int], brands: list[str | None]) -> None:
    frame = items(*({"title": f"{brands[k - 1] or ''} cup {k % 5}", "brand": brand} for k, brand in enumerate(brands)))
    shuffled = frame[list(order)]
    answer = {"input": "cup", "category": "", "target_scores": {"has_brand": {"cup": 1}}}
    rows = gold_rows(frame, [answer])
    assert rows == gold_rows(shuffled, [answer])
    for row in rows:
        example = example_of(row, "here", labelled=True)
        assert all(value in row["input"] for values in (example.gold or {}).values() for value in values)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab -.(é", max_size=12), st.text(alphabet="ab -.(é", max_size=6))
def test_what_stands_in_a_title_is_a_part_of_it(title: str, value: str) -> None:
    found = written_form(title, value)
    assert found is None or (found in title and found.lower().split()[0][0] == value.lower().lstrip(" -.(")[0])
