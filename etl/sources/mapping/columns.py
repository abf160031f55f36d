"""From a file's columns to ours: types, trimming, many values in a cell. What cannot be read becomes a problem, not an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.sources.config import SourceConfig
from etl.sources.raw import LINE, RawTable
from etl.sources.values import times
from etl.sources.values.cells import declared, values_of, written
from etl.sources.values.numbers import MAX_NUMBER
from etl.sources.values.reading import MONEY, Reading
from etl.sources.values.sale_prices import in_force
from etl.sources.values.texts import OBJECT, unwrapped, without_entities
from kg.validation.ids import checked_series
from kg.validation.placeholders import blanked

_TEXT = pl.String()
_TEXTS = pl.List(pl.String())
_YES = ["true", "1", "yes", "y", "in stock", "in_stock", "available for order", "limited availability", "preorder", "pre-order", "backorder"]
_NO = ["false", "0", "no", "n", "out of stock", "out_of_stock", "discontinued", "sold out"]
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_UNNAMED_CATEGORY = "Google categories are numbers without a name and are left out: give `taxonomy`, Google's taxonomy-with-ids.txt"


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
        reading: How the values of the source are read.
        frame: Our columns so far, row by row with `raw`.
        problems: What cannot be used; the first of a row is the one reported.
        flags: (rows, flag): rows that can be read but mislead; a flagged row has no problem that is only a matter of its value.
    """

    source: SourceConfig
    raw: RawTable
    reading: Reading
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

    def text(self, name: str, *, required: bool = False, separator: str = " ") -> None:
        """Add a text column: trimmed, null where it says nothing, several columns joined with a space; all null where the source has none.

        A list in a cell is joined, of a text in several languages the shop's is taken.

        Args:
            name: Our column.
            required: Whether a cell that says nothing is a problem.
            separator: What stands between the elements of a list.
        """
        if not self.given(name):
            self.add(name, pl.lit(None, dtype=_TEXT))
            return
        cells = self._written(name)
        values, objects = unwrapped(cells, self.reading.language, separator)
        if values.str.contains(_CONTROL).any():
            values = values.str.replace_all(_CONTROL, " ")
        values = values if values is cells else blanked(values, name)
        self.refuse(objects, name, cells, OBJECT)
        self.add(name, without_entities(values) if name == "brand" else values)
        if required:
            self.refuse(values.is_null(), name, values, "is empty")

    def identifier(self, name: str, *, required: bool = False) -> None:
        """Add a column of ids by the one rule for ids (`kg.validation.ids`); what cannot be an id is a problem."""
        cells = self._written(name)
        if isinstance(self.raw.frame.schema.get(str(self.source.columns[name])), pl.List | pl.Array):
            # An id of one element is that element; several are no id of anything.
            several = self.raw.frame[str(self.source.columns[name])].list.drop_nulls().list.n_unique() > 1
            self.refuse(several.fill_null(False), name, cells, "holds a list of ids; write one a row")
        values, faults = checked_series(cells)
        self.refuse_each(cells, name, faults)
        self.add(name, values)
        if required:
            said = self._as_in_file(name).str.strip_chars().fill_null("") != ""
            self.refuse(values.is_null() & said, name, self._as_in_file(name), "is a placeholder, not an id")
            self.refuse(values.is_null(), name, values, "is empty")

    def many(self, name: str) -> None:
        """Add a list column: several columns, each cell a list or split at its separator; values that say nothing left out, order kept.

        Columns beside a literal ("=no.") are joined to one value instead.
        """
        if not self.given(name):
            self.add(name, pl.lit([], dtype=_TEXTS))
            return
        names = declared(self.source, name)
        if any(part.startswith("=") for part in names):
            values = self._written(name).to_frame(name).select(pl.concat_list(name).list.drop_nulls()).to_series()
        else:
            cells = [values_of(self.raw.frame[part], self.source.split.get(name), name, self.reading.language) for part in names]
            values = pl.DataFrame([cell.alias(str(n)) for n, cell in enumerate(cells)]).select(pl.concat_list(pl.all())).to_series()
        importer = self.source.importer
        if name == "categories" and (self.source.taxonomy or (importer and importer.numbered_categories)):
            values = self._named_categories(values)
        flat = without_entities(values.explode())
        if not flat.equals(values.explode()):
            values = _relisted(values, flat)
        self.add(name, values.alias(name).to_frame().select(pl.col(name).list.unique(maintain_order=True)).to_series())

    def number(self, name: str, *, default: float | None = None) -> None:
        """Add a number column; a cell that is no number, or could be two, is a problem. Prices may name a currency."""
        if not self.given(name):
            self.add(name, pl.lit(default, dtype=pl.Float64))
            return
        cells = self._written(name)
        if cells.dtype.is_numeric():
            values, faults = cells.cast(pl.Float64).fill_nan(None), dict[str, str]()
        else:
            values, faults = self.reading.numbers.read(cells, money=name in MONEY)
        self.refuse_each(cells, name, faults)
        self.refuse((values.abs() > MAX_NUMBER).fill_null(False), name, cells, "is out of range")
        self.add(name, values if default is None else values.fill_null(default))

    def price(self, now: float) -> None:
        """Add `price_cents`, hundredths of the currency's unit: from itself, or from a decimal `price` and the `sale_price` that holds now."""
        name, cents = ("price_cents", 1) if self.given("price_cents") else ("price", 100)
        self._amount(name)
        values = self.frame[name]
        if name == "price" and self.given("sale_price"):
            values = self._with_sale(values, now)
        self.frame = self.frame.drop(name)
        self.add("price_cents", (values * cents).round().cast(pl.Int64, strict=False))

    def _amount(self, name: str) -> None:
        self.number(name)
        self.refuse((self.frame[name] < 0).fill_null(False), name, self.frame[name], "is negative", impossible=True)

    def _with_sale(self, prices: pl.Series, now: float) -> pl.Series:
        """Return prices, or the sale prices that hold: above zero, below the price, within their dates."""
        self._amount("sale_price")
        sales = self.frame["sale_price"]
        self.frame = self.frame.drop("sale_price")
        dates = self._written("sale_dates") if self.given("sale_dates") else pl.repeat(None, len(sales), dtype=_TEXT, eager=True)
        holds, unreadable = in_force(dates, now)
        lower = (sales > 0).fill_null(False) & ((sales < prices).fill_null(False) | prices.is_null())
        self.reading.note("sale prices do not count: not above zero and below the price", int((sales.is_not_null() & ~lower).sum()))
        self.reading.note("sale prices do not count now, by their dates", int((lower & ~holds & ~unreadable).sum()))
        self.reading.note("sale prices do not count: their dates cannot be read; write START/END in ISO 8601", int((lower & unreadable).sum()))
        return prices.zip_with(~(lower & holds), sales)

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
        """Add `time`: Unix seconds, or an order number as it is; `etl.sources.values.times` says what the values of the source mean."""
        if not self.given("time"):
            self.add("time", pl.lit(None, dtype=pl.Float64))
            return
        cells = self._written("time")
        if isinstance(cells.dtype, pl.Datetime | pl.Date):
            self.add("time", (cells.cast(pl.Datetime("us")) if cells.dtype == pl.Date else cells).dt.epoch("us") / 1e6)
            return
        values, faults = self.reading.times.read(cells)
        self.refuse_each(times.shown(cells) if faults else cells, "time", faults)
        self.add("time", values)

    def refuse_each(self, cells: pl.Series, column: str, faults: Mapping[str, str]) -> None:
        """Note a problem of the rows whose cell is at fault.

        Args:
            cells: The column as text.
            column: Our column.
            faults: Cell → what is wrong with it.
        """
        for why in dict.fromkeys(faults.values()):
            self.refuse(cells.is_in([cell for cell, said in faults.items() if said == why]).fill_null(False), column, cells, why)

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
        reported_rows = pl.repeat(False, self.frame.height, dtype=pl.Boolean, eager=True)
        flag = self._flags()
        for problem in self.problems:
            rows = problem.rows & flag.is_null() if problem.impossible else problem.rows
            new = rows & ~reported_rows
            reported_rows = reported_rows | rows
            parts.append(self.frame.select("line", column=pl.lit(problem.column), value=problem.values, why=pl.lit(problem.why)).filter(new))
        empty = pl.DataFrame(schema={"line": pl.Int64(), "column": _TEXT, "value": _TEXT, "why": _TEXT})
        return self.frame.with_columns(flag=flag).filter(~reported_rows), pl.concat([empty, *parts]).sort("line", maintain_order=True)

    def _flags(self) -> pl.Series:
        flag = pl.repeat(None, self.frame.height, dtype=_TEXT, eager=True)
        for rows, name in reversed(self.flags):
            flag = pl.select(pl.when(rows).then(pl.lit(name)).otherwise(flag)).to_series()
        return flag

    def _written(self, name: str) -> pl.Series:
        return written(self.source, self.raw, name)

    def _as_in_file(self, name: str) -> pl.Series:
        names = declared(self.source, name)
        cells = self.raw.frame[names[0]] if len(names) == 1 and names[0] in self.raw.frame.columns else self.frame[name]
        return cells.cast(_TEXT, strict=False) if not isinstance(cells.dtype, pl.List | pl.Array) else self.frame[name]

    def _named_categories(self, values: pl.Series) -> pl.Series:
        """Return categories with Google's numbers as the names of their path; numbers without a name are left out."""
        numbers = values.explode().filter(values.explode().str.contains(r"^\d{1,7}$").fill_null(False)).unique().to_list()
        if not numbers:
            return values
        paths = {number: self.reading.categories.get(number, "").replace(" > ", "\0") for number in numbers}
        unnamed = [number for number, path in paths.items() if not path]
        self.reading.note(_UNNAMED_CATEGORY, int(values.list.eval(pl.element().is_in(unnamed)).list.any().fill_null(False).sum()))
        element = pl.element().replace(paths).str.split("\0").list.explode()
        return values.to_frame("v").select(pl.col("v").list.eval(element.filter(element != ""))).to_series()


def _relisted(lists: pl.Series, flat: pl.Series) -> pl.Series:
    """Return lists with other elements, in the order in which `explode` gave theirs."""
    lengths = lists.list.len().fill_null(0)
    rows = pl.DataFrame({"n": pl.arange(len(lists), eager=True).repeat_by(lengths.clip(1)).explode(), "v": flat})
    grouped = rows.group_by("n", maintain_order=True).agg(pl.col("v").drop_nulls())
    return grouped["v"]
