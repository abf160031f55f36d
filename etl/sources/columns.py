"""From a file's columns to ours: types, trimming, many values in a cell. What cannot be read becomes a problem, not an error."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from etl.settings import SourceConfig
from etl.sources.raw import LINE, RawTable

_TEXT = pl.String()
_TEXTS = pl.List(pl.String())
_MAX_NUMBER = 1e15
_YES = ["true", "1", "yes", "y", "in stock", "in_stock", "available for order", "limited availability", "preorder", "pre-order", "backorder"]
_NO = ["false", "0", "no", "n", "out of stock", "out_of_stock", "discontinued", "sold out"]
_CURRENCY = r"(?:[A-Z]{3}|[$€£¥₹]|zł|kr)"
_AMOUNT = rf"^{_CURRENCY}?\s*(-?[0-9][0-9.,'\s]*)\s*{_CURRENCY}?$"
"""A number with its currency before or after it: "15.00 USD", "£2.55", "EUR 1.234,50"."""
_NAIVE_TIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class Problem:
    """What is wrong with some rows.

    Attributes:
        rows: Which ones.
        column: Our column.
        values: What is written there.
        why: What is wrong with it.
        impossible: The value can be read, but cannot be; what cannot be read is worse.
    """

    rows: pl.Series
    column: str
    values: pl.Series
    why: str
    impossible: bool = False


@dataclass
class Columns:
    """The columns of one chunk of a source.

    Attributes:
        source: What reckon.toml says of it.
        raw: Its rows as written.
        frame: Our columns so far, row by row with `raw`.
        problems: What cannot be used; the first of a row is the one told.
        flags: (rows, flag): rows that can be read but mislead; a flagged row has no problem that is only a matter of its value.
    """

    source: SourceConfig
    raw: RawTable
    frame: pl.DataFrame = field(init=False)
    problems: list[Problem] = field(default_factory=list)
    flags: list[tuple[pl.Series, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.frame = self.raw.frame.select(line=LINE)

    def given(self, name: str) -> bool:
        """Say whether the source declares a column of ours."""
        return name in self.source.columns

    def add(self, name: str, values: pl.Series | pl.Expr) -> None:
        """Add a column of ours."""
        self.frame = self.frame.with_columns(values.alias(name))

    def text(self, name: str, *, required: bool = False) -> None:
        """Add a text column: trimmed, empty cells null, several columns joined with a space; all null where the source has none."""
        if not self.given(name):
            self.add(name, pl.lit(None, dtype=_TEXT))
            return
        values = self._written(name)
        self.add(name, values)
        if required:
            self.refuse(values.is_null(), name, values, "is empty")

    def many(self, name: str) -> None:
        """Add a list column: several columns, or one cell split at its separator; empty values left out, order kept.

        Columns beside a literal ("=no.") are joined to one value instead.
        """
        if not self.given(name):
            self.add(name, pl.lit([], dtype=_TEXTS))
            return
        separator = self.source.split.get(name)
        names = self._names(name)
        if any(part.startswith("=") for part in names):
            cells = [pl.concat_list(pl.concat_str([self._cell(part) for part in names], separator=" "))]
        else:
            cells = [self._cells(part, separator) for part in names]
        kept = pl.concat_list(cells).list.eval(pl.element().str.strip_chars().replace("", None).drop_nulls()).list.unique(maintain_order=True)
        self.add(name, self.raw.frame.select(kept.fill_null(pl.lit([], dtype=_TEXTS)).alias(name)).to_series())

    def number(self, name: str, *, default: float | None = None, amounts: bool = False) -> None:
        """Add a number column; a cell that is no number is a problem. `amounts` may name a currency."""
        if not self.given(name):
            self.add(name, pl.lit(default, dtype=pl.Float64))
            return
        written = self._written(name)
        values = written.cast(pl.Float64, strict=False)
        if amounts and (values.is_null() & written.is_not_null()).any():
            values = values.zip_with(values.is_not_null(), parsed_amount(written))
        self.refuse(written.is_not_null() & ~values.is_finite().fill_null(False), name, written, "is not a number")
        self.refuse((values.abs() > _MAX_NUMBER).fill_null(False), name, written, "is out of range")
        self.add(name, values if default is None else values.fill_null(default))

    def price(self) -> None:
        """Add `price_cents` from itself or from a decimal `price`."""
        name, cents = ("price_cents", 1) if self.given("price_cents") else ("price", 100)
        self.number(name, amounts=cents == 100)
        self.refuse((self.frame[name] < 0).fill_null(False), name, self.frame[name], "is negative", impossible=True)
        values = (self.frame[name] * cents).round().cast(pl.Int64, strict=False)
        self.frame = self.frame.drop(name)
        self.add("price_cents", values)

    def boolean(self, name: str) -> None:
        """Add a yes/no column."""
        if not self.given(name):
            self.add(name, pl.lit(None, dtype=pl.Boolean))
            return
        written = self._written(name)
        lower = written.str.to_lowercase().str.replace(r"^https?://schema\.org/", "").replace({"instock": "in stock", "outofstock": "out of stock"})
        yes, no = lower.is_in(_YES), lower.is_in(_NO)
        self.refuse(written.is_not_null() & ~(yes | no), name, written, "is neither yes nor no")
        self.add(name, pl.select(pl.when(yes).then(True).when(no).then(False)).to_series())

    def time(self) -> None:
        """Add `time`: Unix seconds from ISO 8601 (UTC where it names no zone) or Unix seconds, or an order number as it is."""
        if not self.given("time"):
            self.add("time", pl.lit(None, dtype=pl.Float64))
            return
        names, written = self._names("time"), self._written("time")
        raw = self.raw.frame[names[0]] if len(names) == 1 and names[0] in self.raw.frame.columns else written
        if raw.dtype.is_numeric():
            values = raw.cast(pl.Float64).fill_nan(None)
        elif isinstance(raw.dtype, pl.Datetime | pl.Date):
            values = (raw.cast(pl.Datetime("us")) if raw.dtype == pl.Date else raw).dt.epoch("us") / 1e6
        else:
            values = parsed_time(written)
        self.refuse(written.is_not_null() & ~values.is_finite().fill_null(False), "time", written, "is neither ISO 8601 nor a number")
        self.add("time", values)

    def refuse(self, rows: pl.Series, column: str, values: pl.Series, why: str, *, impossible: bool = False) -> None:
        """Note a problem of some rows."""
        if rows.any():
            self.problems.append(Problem(rows, column, values.cast(_TEXT, strict=False), why, impossible))

    def flag(self, rows: pl.Series, flag: str) -> None:
        """Flag some rows; the first flag of a row stays."""
        if rows.any():
            self.flags.append((rows, flag))

    def left_out(self) -> pl.Series:
        """Say for each row whether it has a problem or a flag so far."""
        none = pl.repeat(False, self.frame.height, dtype=pl.Boolean, eager=True)
        for rows in (*(problem.rows for problem in self.problems), *(rows for rows, _ in self.flags)):
            none = none | rows
        return none

    def accepted(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the rows without a problem, each with its `flag` or null, and (line, column, value, why) of the first problem of each other row."""
        parts: list[pl.DataFrame] = []
        told = pl.repeat(False, self.frame.height, dtype=pl.Boolean, eager=True)
        flag = self._flags()
        for problem in self.problems:
            rows = problem.rows & flag.is_null() if problem.impossible else problem.rows
            new = rows & ~told
            told = told | rows
            parts.append(self.frame.select("line", column=pl.lit(problem.column), value=problem.values, why=pl.lit(problem.why)).filter(new))
        empty = pl.DataFrame(schema={"line": pl.Int64(), "column": _TEXT, "value": _TEXT, "why": _TEXT})
        return self.frame.with_columns(flag=flag).filter(~told), pl.concat([empty, *parts]).sort("line", maintain_order=True)

    def _flags(self) -> pl.Series:
        flag = pl.repeat(None, self.frame.height, dtype=_TEXT, eager=True)
        for rows, name in reversed(self.flags):
            flag = pl.select(pl.when(rows).then(pl.lit(name)).otherwise(flag)).to_series()
        return flag

    def _names(self, name: str) -> list[str]:
        declared = self.source.columns[name]
        return [declared] if isinstance(declared, str) else declared

    def _written(self, name: str) -> pl.Series:
        """Return a column of ours as trimmed text; null where all its cells are empty, whatever literals stand beside them."""
        names = self._names(name)
        cells = [self._cell(part) for part in names]
        joined = pl.concat_str(cells, separator=" ", ignore_nulls=True)
        own = [cell for cell, part in zip(cells, names, strict=True) if not part.startswith("=")]
        value = pl.when(pl.any_horizontal(cell.is_not_null() for cell in own)).then(joined) if own else joined
        return self.raw.frame.select(value.alias(name)).to_series()

    def _cell(self, name: str) -> pl.Expr:
        if name.startswith("="):
            return pl.lit(name[1:])
        dtype = self.raw.frame.schema[name]
        cell = pl.col(name)
        if isinstance(dtype, pl.List | pl.Array):
            cell = cell.cast(_TEXTS).list.join(" ")
        return _text(cell, dtype).str.strip_chars().replace("", None)

    def _cells(self, name: str, separator: str | None) -> pl.Expr:
        dtype = self.raw.frame.schema[name]
        if isinstance(dtype, pl.List | pl.Array):
            return pl.col(name).cast(_TEXTS).fill_null(pl.lit([], dtype=_TEXTS))
        text = _text(pl.col(name), dtype).fill_null("")
        return text.str.split(separator) if separator else pl.concat_list(text)


def parsed_amount(written: pl.Series) -> pl.Series:
    """Return the number in an amount of money ("15.00 USD", "£1,234.50", "EUR 1.234,50"); null for what is none.

    The last "." or "," is the decimal mark where one or two digits follow it, and a "." also where it is the only mark.
    """
    amount = pl.col("a").str.extract(_AMOUNT, 1).str.replace_all(r"['\s]", "")
    plain = amount.str.contains(r"^-?\d+(?:\.\d+)?$")
    whole = amount.str.replace(r"[.,]\d{1,2}$", "").str.replace_all(r"[.,]", "")
    cents = amount.str.extract(r"[.,](\d{1,2})$", 1).fill_null("0")
    number = pl.when(plain).then(amount).otherwise(pl.concat_str(whole, cents, separator="."))
    return pl.DataFrame({"a": written}).select(number.cast(pl.Float64, strict=False)).to_series()


def parsed_time(written: pl.Series) -> pl.Series:
    """Return Unix seconds, or the number that a cell holds; null for what is neither."""
    cell = pl.col("t")
    stamps = [
        cell.str.to_datetime("%+", strict=False, time_zone="UTC", time_unit="us").dt.epoch("us"),
        *(cell.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("us") for form in _NAIVE_TIMES),
        cell.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).dt.epoch("us"),
    ]
    return pl.DataFrame({"t": written}).select(pl.coalesce(cell.cast(pl.Float64, strict=False), *(stamp / 1e6 for stamp in stamps))).to_series()


def _text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        # Identifiers that passed through a floating-point column come as 12345.0, and missing ones as NaN.
        whole = (cell == cell.floor()) & (cell.abs() < 2**53)
        return pl.when(cell.is_nan()).then(None).when(whole).then(cell.cast(pl.Int64, strict=False).cast(_TEXT)).otherwise(cell.cast(_TEXT))
    return cell.cast(_TEXT, strict=False)
