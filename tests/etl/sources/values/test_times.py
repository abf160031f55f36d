"""Times of a source: spellings of one time, and what a column of numbers or of dates by day and month means."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from etl.sources.values.sale_prices import in_force
from etl.sources.values.times import Times

AT = 1709647506.0
"""2024-03-05T14:05:06Z."""
SPELLINGS = [
    "2024-03-05T14:05:06Z",
    "2024-03-05 14:05:06",
    "2024-03-05 14:05:06+00",
    "2024-03-05T09:05:06-05",
    "2024-03-05T19:35:06+0530",
    "2024-03-05T19:35:06+05:30",
    "20240305T140506Z",
    "20240305140506",
    "2024-03-05 14:05:06 UTC",
    "2024/03/05 14:05:06",
    "Tue, 05 Mar 2024 14:05:06 GMT",
    "Mar 5, 2024 2:05:06 PM",
    "1709647506",
]


def read(cells: list[Any], declared: str = "") -> tuple[list[float | None], dict[str, str], list[str]]:
    """Return the times of a column, what is wrong with them, and how they were read."""
    times = Times(declared)
    times.observe(pl.Series(cells))
    values, faults = times.read(pl.Series(cells))
    return values.to_list(), faults, times.notes()


@pytest.mark.parametrize("written", SPELLINGS)
def test_one_time_in_many_spellings(written: str) -> None:
    assert read([written])[0] == [AT]


@pytest.mark.parametrize(
    ("cells", "unit"), [([AT * 1e3], "milliseconds"), ([str(int(AT * 1e6))], "microseconds"), ([int(AT) * 10**9], "nanoseconds")]
)
def test_units_are_found_out_and_said(cells: list[Any], unit: str) -> None:
    assert read(cells) == ([AT], {}, [f"times are Unix times in {unit}"])


def test_a_unit_that_the_column_does_not_have_is_refused() -> None:
    values, faults, _ = read(["1709647506", "1709647507", "1709647506000", "20240305", "0"])
    assert values == [AT, AT + 1, None, None, None]
    assert set(faults) == {"1709647506000", "20240305"}


@pytest.mark.parametrize("cells", [["20240305", "20240306"], [20240305, 20240306], ["20240305", "2024-03-06"]])
def test_dates_without_dashes_are_no_seconds(cells: list[int] | list[str]) -> None:
    assert read(cells)[0] == [1709596800.0, 1709683200.0]


def test_dates_of_a_spreadsheet() -> None:
    assert read(["45356", "45356.5"])[0] == [1709596800.0, 1709640000.0]
    values, faults, _ = read(["45356", "45357"])
    assert values == [None, None]
    assert 'time_format = "excel"' in faults["45356"]
    assert read(["45356", "45357"], "excel")[0] == [1709596800.0, 1709683200.0]
    assert read(["45356", "45357"], "order")[0] == [45356.0, 45357.0]


def test_order_numbers_stay_what_they_are() -> None:
    assert read([0, 1, 45356, 20240305]) == ([0, 1, 45356, 20240305], {}, ["times are order numbers, not clock times"])


@pytest.mark.parametrize(
    ("cells", "days"),
    [(["3/5/2024", "3/25/2024"], (5, 25)), (["5/3/2024", "25/3/2024"], (5, 25)), (["05.03.2024", "06.03.2024"], (5, 6))],
)
def test_the_column_decides_which_comes_first(cells: list[str], days: tuple[int, int]) -> None:
    first_of_march = 1709251200.0
    assert read(cells)[0] == [first_of_march + (day - 1) * 86_400 for day in days]


def test_a_date_that_nothing_decides_is_refused_with_advice() -> None:
    values, faults, _ = read(["3/5/2024", "4/6/2024"])
    assert values == [None, None]
    assert "time_format" in faults["3/5/2024"]
    assert read(["3/5/2024"], "month_first")[0] == [1709596800.0]
    assert read(["3/25/2024", "25/3/2024", "3/5/2024"])[0][2] is None


@pytest.mark.parametrize("written", ["2024-02-30", "2024-13-01", "yesterday", "inf", "2024-03"])
def test_what_is_no_time(written: str) -> None:
    assert read([written])[0] == [None]
    assert "is neither ISO 8601 nor a number" in read([written])[1][written]


def test_sales_hold_within_their_dates() -> None:
    dates = ["2024-03-01/2024-03-05", "2024-03-01T00:00+0100/2024-03-05T14:05+0000", "2024-04-01/", "/2024-03-06", "soon", None]
    holds, unreadable = in_force(pl.Series(dates), AT)
    assert holds.to_list() == [True, False, False, True, False, True]
    assert unreadable.to_list() == [False] * 4 + [True, False]
