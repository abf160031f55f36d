"""The grammar of numbers, and the decimal mark of a source."""

from __future__ import annotations

import polars as pl
import pytest

from etl.sources.values.decimal_marks import Marks
from etl.sources.values.numbers import parsed

READ = {
    "12": 12,
    "12.50": 12.5,
    "12,5": 12.5,
    "20,500.000 OMR": 20500,
    "2.450,00 EUR": 2450,
    "€ 2.450,00": 2450,
    "2 450,00 €": 2450,
    "2\u202f450 €": 2450,
    "2'450.00 CHF": 2450,
    "2\N{RIGHT SINGLE QUOTATION MARK}450": 2450,
    "2,450,000": 2450000,
    "₹2,34,500.50": 234500.5,
    "2,34,500": 234500,
    "0.125": 0.125,
    ".5": 0.5,
    "-7": -7,
    "\N{MINUS SIGN}7": -7,
    "7.50-": -7.5,
    "(7.50)": -7.5,
    "-$7.50": -7.5,
    "$-7.50": -7.5,
    "15,-": 15,
    "CHF 15.–": 15,
    "US$ 7.50": 7.5,
    "$7.50 USD": 7.5,
    "Rs. 750": 750,
    "１２．５": 12.5,
    "1.5e3": 1500,
    "1234.567": 1234.567,
}
REFUSED = {
    "7 30": "more than one number",
    "7.50 6.50": "more than one number",
    "7.50 EUR 6.50 EUR": "more than one number",
    "1 2345": "more than one number",
    "[1, 2]": "more than one number",
    "1,2,3": "not a number",
    "12.345.67": "not a number",
    "7-9": "range",
    "7 – 9 €": "range",
    "7 to 9": "range",
    "ab 7,50 €": "bound",
    "from $7": "bound",
    "Free": "write 0",
    "7.50/kg": "per what",
    "7 %": "not a number",
    "7 PCS": "not a number",
    "EUR 7 USD": "not a number",
    "5²": "not a number",
    "€": "not a number",
    "inf": "not a number",
    "0x10": "number",
}


@pytest.mark.parametrize("written", READ)
def test_a_number_is_read(written: str) -> None:
    assert parsed(written, money=True).value == READ[written]
    assert not parsed(written, money=True).is_open


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_no_number_says_why(written: str) -> None:
    found = parsed(written, money=True)
    assert found.value is None
    assert REFUSED[written] in found.why


def test_only_prices_name_a_currency() -> None:
    assert parsed("7 EUR", money=False).value is None


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["2.450 EUR", "2.450,00 EUR"], [2450, 2450]),
        (["2.450", "19.99"], [2.45, 19.99]),
        (["2,450", "19.99"], [2450, 19.99]),
        (["2,450", "19,99"], [2.45, 19.99]),
        (["2.450 EUR", "19,99 EUR", "20,500.000 OMR"], [2450, 19.99, 20500]),
        (["2.450 JPY"], [2450]),
        (["2.450 KWD"], [2.45]),
        (["2.450", "1,234,567"], [2.45, 1234567]),
    ],
)
def test_the_other_values_decide_what_a_mark_means(cells: list[str], values: list[float | int] | list[float] | list[int]) -> None:
    marks = Marks()
    marks.observe(pl.Series(cells), money=True)
    found, faults = marks.read(pl.Series(cells), money=True)
    assert (found.to_list(), faults) == (values, {})


@pytest.mark.parametrize("cell", ["2.450 EUR", "$2,450", "2,450", "2.450", "GBP 2,450", "2.450 kr"])
def test_a_lone_price_with_three_digits_after_its_mark_is_thousands_and_the_report_says_so(cell: str) -> None:
    marks = Marks()
    written = pl.Series([cell, "15", cell])
    marks.observe(written, money=True)
    found, faults = marks.read(written, money=True)
    assert (found.to_list(), faults) == ([2450, 15, 2450], {})
    assert any("2 prices have one mark before three digits" in note and repr(cell) in note for note in marks.notes())


@pytest.mark.parametrize("currency", ["KWD", "BHD", "TND", "OMR", "JOD", "IQD", "LYD"])
def test_a_lone_price_in_a_currency_with_three_decimals_keeps_them(currency: str) -> None:
    marks = Marks()
    cells = pl.Series([f"2.450 {currency}"])
    marks.observe(cells, money=True)
    assert marks.read(cells, money=True)[0].to_list() == [2.45]
    assert not any("read as thousands" in note for note in marks.notes())


@pytest.mark.parametrize(("cells", "money"), [(["2,450 KWD"], True), (["2,450"], False), (["2.450", "19,99", "19.99"], True)])
def test_a_mark_that_nothing_decides_is_refused_with_advice(cells: list[str], money: bool) -> None:
    marks = Marks()
    marks.observe(pl.Series(cells), money=money)
    values, faults = marks.read(pl.Series(cells), money=money)
    assert values[0] is None
    assert "may be 2,450 or 2.45" in faults[cells[0]]
    assert "decimal" in faults[cells[0]]


def test_reckon_toml_decides_before_the_values() -> None:
    marks = Marks(",")
    values, faults = marks.read(pl.Series(["2.450", "2,5", "19.99", "7"]), money=True)
    assert values.to_list() == [2450, 2.5, None, 7]
    assert "as its decimal mark" in faults["19.99"]
