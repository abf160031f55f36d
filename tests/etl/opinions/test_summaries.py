"""Aspects counted per item: each review once, complaints beside praise."""

from __future__ import annotations

import polars as pl
import pytest

from etl.opinions.summaries import summarised
from kg.errors import InputError

ASPECT = pl.List(pl.Struct({"name": pl.String, "start": pl.Int64, "end": pl.Int64, "polarity": pl.String}))


def aspect(name: str, polarity: str) -> dict[str, object]:
    return {"name": name, "start": 0, "end": 1, "polarity": polarity}


def reviews() -> pl.DataFrame:
    praise, complaint = aspect("battery life", "positive"), aspect("screen", "negative")
    rows = [[praise, praise]] * 31 + [[aspect("battery life", "negative")]] * 4 + [[complaint]] * 5 + [[]]
    return pl.DataFrame({"item_id": ["a"] * 40 + ["b"], "aspects": pl.Series(rows, dtype=ASPECT)})


def test_each_review_counts_once_and_complaints_are_not_hidden() -> None:
    found = summarised(reviews(), "item_id", "reviews")
    assert found.select("item_id", "aspect", "mentions", "praised", "complained").rows() == [
        ("a", "battery life", 35, 31, 4),
        ("a", "screen", 5, 0, 5),
    ]
    assert found["sentence"].to_list() == ["praised for battery life by 31 of 35 who mention it", "screen is complained of by 5 of 5 who mention it"]


def test_a_review_that_does_both_counts_as_both() -> None:
    both = pl.DataFrame({"item_id": [1] * 3, "aspects": pl.Series([[aspect("fit", "positive"), aspect("fit", "negative")]] * 3, dtype=ASPECT)})
    (row,) = summarised(both, "item_id", "reviews").rows(named=True)
    assert row["sentence"] == "fit: praised by 3 and complained of by 3 of 3 who mention it"


def test_rare_aspects_are_not_spoken_of() -> None:
    assert summarised(reviews(), "item_id", "reviews", fewest=36).is_empty()


def test_another_column_of_that_name_is_refused() -> None:
    with pytest.raises(InputError, match="are no aspects"):
        summarised(pl.DataFrame({"item_id": [1], "aspects": ["fit"]}), "item_id", "reviews")
