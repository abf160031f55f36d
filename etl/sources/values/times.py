"""What the times of a source mean: decided for the whole column, because one number or one date by day and month can mean several things.

Numbers from 1e8 on are Unix times in seconds, milliseconds, microseconds or nanoseconds by their size. Smaller ones are order numbers, unless all of
them are dates without dashes (20231114) or look like dates of a spreadsheet (45244.5), or stand beside dates. `time_format` of a source states it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl

from etl.sources.values.timestamps import DAY_FIRST, MONTH_FIRST, order_of, parsed_iso, seconds_of
from gnn.events.timing import CLOCK_FROM

NOT_A_TIME = "is neither ISO 8601 nor a number"
UNITS: Mapping[str, float] = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_UNIT_FROM = ((1e17, "nanoseconds"), (1e14, "microseconds"), (1e11, "milliseconds"), (CLOCK_FROM, "seconds"))
"""Seconds of the years 1973 to 5138, and the same times in smaller units, do not overlap."""
_SERIALS = (36_526, 54_789)
"""Days of the years 2000 to 2049 as spreadsheets count them, from 30 December 1899."""
_SERIAL_EPOCH_DAYS, _DAY_S = 25_569, 86_400.0
_BASIC_DATE = (19_000_101, 21_001_231)
_SURE = 0.99


class Times:
    """The times of one source.

    Args:
        declared: `time_format` of reckon.toml; "" finds out.
    """

    def __init__(self, declared: str = "") -> None:
        self._declared = declared
        self._seen: Counter[str] = Counter()
        self._orders: Counter[str] = Counter()

    def observe(self, cells: pl.Series) -> None:
        """Take the values of a column, numbers or text, into account."""
        numbers, texts = _parted(cells)
        kinds = _kinds(numbers).value_counts()
        self._seen.update({str(kind): int(n) for kind, n in kinds.iter_rows() if kind is not None})
        if not len(texts.drop_nulls()):
            return
        others = texts.filter(texts.is_not_null() & parsed_iso(texts).is_null()).value_counts()
        self._seen["text"] += texts.len() - texts.null_count()
        for text, n in others.iter_rows():
            order = order_of(text)
            if order:
                self._orders[order] += n

    @property
    def in_doubt(self) -> bool:
        """Whether what was seen so far can only be understood with the rest of the column."""
        return not self._declared and (bool(self._orders) or bool(set(self._seen) - {"text", "seconds"}))

    def read(self, cells: pl.Series) -> tuple[pl.Series, dict[str, str]]:
        """Return Unix seconds or order numbers, null for what is none, and text → what is wrong with it."""
        numbers, texts = _parted(cells)
        values, faults = self._from_numbers(numbers)
        if not len(texts.drop_nulls()):
            return values, faults
        stamps = parsed_iso(texts)
        odd = texts.filter(texts.is_not_null() & stamps.is_null()).unique()
        if len(odd):
            order = self._order()
            result = {text: seconds_of(text, order) for text in odd.to_list()}
            faults |= {text: self._text_fault(text, order) for text, value in result.items() if value is None}
            table = pl.DataFrame({"text": list(result), "time": list(result.values())}, schema={"text": pl.String, "time": pl.Float64})
            more = pl.DataFrame({"text": texts}).join(table, on="text", how="left", maintain_order="left")["time"]
            stamps = stamps.zip_with(stamps.is_not_null(), more)
        return values.zip_with(values.is_not_null(), stamps), faults

    def notes(self) -> list[str]:
        """Say how times were read, for the report."""
        kind, result = self._kind(), []
        if kind not in ("", "seconds", "serial", "stray"):
            named = {"order": "order numbers, not clock times", "date": "dates without dashes (YYYYMMDD)", "excel": "dates of a spreadsheet"}
            result.append(f"times are {named.get(kind, f'Unix times in {kind}')}")
        order = self._order()
        if order and self._orders:
            result.append(f"dates have the {'day' if order == DAY_FIRST else 'month'} first")
        return result

    def _kind(self) -> str:
        """Return what the numbers of the column are; "" where there are none, "serial" where they may be dates of a spreadsheet."""
        if self._declared and self._declared not in (DAY_FIRST, MONTH_FIRST):
            return self._declared
        numbers = Counter({kind: n for kind, n in self._seen.items() if kind not in ("text", "zero")})
        total = numbers.total()
        if not total:
            return "order" if self._seen["zero"] and not self._seen["text"] else ""
        if numbers["date"] == total:
            return "date"
        if numbers["serial"] + numbers["serial_day"] == total:
            return "excel" if numbers["serial"] or self._seen["text"] else "serial"
        units = Counter({unit: numbers[unit] for unit in UNITS if numbers[unit]})
        if units and units.total() * 2 >= total:
            return units.most_common(1)[0][0]
        return "order" if not self._seen["text"] else "stray"

    def _order(self) -> str:
        if self._declared in (DAY_FIRST, MONTH_FIRST):
            return self._declared
        proved = Counter({order: n for order, n in self._orders.items() if order != "either"})
        if not proved:
            return ""
        order, n = proved.most_common(1)[0]
        return order if n >= _SURE * proved.total() else ""

    def _from_numbers(self, numbers: pl.Series) -> tuple[pl.Series, dict[str, str]]:
        if not len(numbers.drop_nulls()):
            return numbers, {}
        kind, of = self._kind(), _kinds(numbers)
        if kind in UNITS:
            right = (of == kind) if not self._declared else of.is_not_null()
            nothing = of == "zero"
            values = (numbers / UNITS[kind]).set((~right).fill_null(True), None)
            return values, self._faults(numbers, ~right & ~nothing, f"is not in {kind}, as the times of the column are; write ISO 8601")
        if kind == "date":
            whole = numbers.cast(pl.Int64, strict=False).cast(pl.String)
            values = whole.str.to_datetime("%Y%m%d", strict=False, time_unit="us").dt.epoch("us") / 1e6
            return values, self._faults(numbers, numbers.is_not_null() & values.is_null(), NOT_A_TIME)
        if kind == "excel":
            return (numbers - _SERIAL_EPOCH_DAYS) * _DAY_S, {}
        if kind == "order":
            return numbers, {}
        none = pl.repeat(None, len(numbers), dtype=pl.Float64, eager=True)
        serial = 'may be a date of a spreadsheet or an order number; write `time_format = "excel"` or `time_format = "order"` in its [[source]]'
        wrong = numbers.is_not_null() & (of != "zero")
        return none, self._faults(numbers, wrong, serial if kind == "serial" else "is a number beside dates; write ISO 8601")

    def _faults(self, numbers: pl.Series, wrong: pl.Series, why: str) -> dict[str, str]:
        return {_shown(value): why for value in numbers.filter(wrong.fill_null(False)).unique().to_list()}

    def _text_fault(self, text: str, order: str) -> str:
        proved = order_of(text)
        if proved == "either":
            return 'may be day and month or month and day; write `time_format = "day_first"` or `"month_first"` in its [[source]]'
        if proved and order and proved != order:
            return f"has the {'day' if proved == DAY_FIRST else 'month'} first, where the column has it second"
        return NOT_A_TIME


def shown(cells: pl.Series) -> pl.Series:
    """Return cells as the text that faults name them by."""
    numbers, texts = _parted(cells)
    return texts.zip_with(texts.is_not_null(), numbers.map_elements(_shown, return_dtype=pl.String))


def _parted(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the numbers of a column, and the texts that are none. Of 14 digits is a date with its time, not a number."""
    if cells.dtype.is_numeric():
        return cells.cast(pl.Float64).fill_nan(None), pl.repeat(None, len(cells), dtype=pl.String, eager=True)
    numbers = cells.cast(pl.Float64, strict=False)
    numbers = numbers.set((~numbers.is_finite()).fill_null(False), None)
    compact = cells.str.contains(r"^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d$").fill_null(False)
    if compact.any():
        numbers = numbers.set(compact, None)
    return numbers, cells.set(numbers.is_not_null(), None)


def _kinds(numbers: pl.Series) -> pl.Series:
    """Return for each number what it looks like."""
    x = pl.col("x")
    whole = x == x.floor()
    month, day = (x // 100) % 100, x % 100
    date = whole & x.is_between(*_BASIC_DATE) & month.is_between(1, 12) & day.is_between(1, 31)
    kind = pl.when(x.is_in([0.0, -1.0])).then(pl.lit("zero")).when(date).then(pl.lit("date"))
    kind = kind.when(x.is_between(*_SERIALS)).then(pl.when(whole).then(pl.lit("serial_day")).otherwise(pl.lit("serial")))
    for start, unit in _UNIT_FROM:
        kind = kind.when(x >= start).then(pl.lit(unit))
    return pl.DataFrame({"x": numbers}).select(pl.when(x.is_not_null()).then(kind.otherwise(pl.lit("small")))).to_series()


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
