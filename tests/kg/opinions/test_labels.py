"""Labels as shops write them."""

from __future__ import annotations

import polars as pl
import pytest

from kg.errors import InputError
from kg.opinions.labels import labels_of


@pytest.mark.parametrize(
    ("column", "rows", "positive", "values"),
    [
        ([0, 1, None, 1], [0, 1, 3], [False, True, True], (0, 1)),
        ([True, False], [0, 1], [True, False], (0, 1)),
        ([1, 2, 3, 4, 5], [0, 1, 3, 4], [False, False, True, True], (0, 1)),
        ([-1.0, 1.0, float("nan")], [0, 1], [False, True], (-1, 1)),
        (["positive", "negative"], [0, 1], [True, False], ("negative", "positive")),
        (["好评", "差评", None], [0, 1], [True, False], ("差评", "好评")),
        (["5", "1", "3"], [0, 1], [True, False], (0, 1)),
    ],
)
def test_labels_are_read(column: list[object], rows: list[int], positive: list[bool], values: tuple[object, object]) -> None:
    labels = labels_of(pl.Series(column), "reviews")
    assert labels.rows.tolist() == rows
    assert labels.positive.tolist() == positive
    assert labels.values == values


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([0, 1, 7], "0 is among 3 kinds"),
        (["good", "meh"], "'meh' says neither"),
        ([1, 1], "no positive review"),
        ([None, None], "labels are Null"),
        ([[1], [2]], "labels are List"),
    ],
)
def test_labels_that_say_nothing_are_refused(column: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        labels_of(pl.Series(column), "reviews")
