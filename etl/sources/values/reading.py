"""How the values of one source are read: what is decided once for the whole file, from all its rows, before the first doubtful value is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from etl.sources.config import SourceConfig
from etl.sources.raw import RawTable
from etl.sources.values.decimal_marks import Marks
from etl.sources.values.times import Times

MONEY = ("price", "sale_price")
NUMBERS = ("price", "sale_price", "price_cents", "quantity", "rating")
DECIDED = (*NUMBERS, "time")
"""Columns of ours whose values are understood by all others of the source."""


def nothing_more() -> Iterator[RawTable]:
    """Give no rows: a chunk that stands for its whole file."""
    return iter(())


@dataclass
class Reading:
    """The reading of one source.

    Args:
        source: Its declaration.
        language: The shop's, ISO 639-1.
        again: Reads the file once more; called at most once, where a value is in doubt before the whole file was seen.
        categories: Google's number → the path of its category.
    """

    source: SourceConfig
    language: str = "en"
    again: Callable[[], Iterator[RawTable]] = nothing_more
    categories: Mapping[str, str] = field(default_factory=dict)
    numbers: Marks = field(init=False)
    times: Times = field(init=False)
    notes: dict[str, int] = field(default_factory=dict)
    _complete: bool = False

    def __post_init__(self) -> None:
        self._reset()

    def prepare(self, raw: RawTable, declared: SourceConfig, cells: Callable[[RawTable, str], pl.Series]) -> None:
        """Take a chunk into account; where one of its values can only be understood with the rest of the file, that is read first.

        Args:
            raw: The chunk.
            declared: The source with the columns that the chunk has.
            cells: Returns a column of ours in a chunk as it is written, numbers as numbers.
        """
        if self._complete:
            return
        self._observe(raw, declared, cells)
        whole = raw.read_fraction >= 1.0
        if not whole and (self.numbers.n_open or self.times.in_doubt):
            self._reset()
            for part in self.again():
                self._observe(part, declared, cells)
            self._complete = True

    def note(self, what: str, n: int) -> None:
        """Count something for the report."""
        if n:
            self.notes[what] = self.notes.get(what, 0) + n

    def said(self) -> list[str]:
        """Return how the source was read, for the report."""
        return [*self.numbers.notes(), *self.times.notes(), *(f"{n:,} {what}" for what, n in self.notes.items())]

    def _reset(self) -> None:
        self.numbers, self.times = Marks(self.source.decimal), Times(self.source.time_format)

    def _observe(self, raw: RawTable, declared: SourceConfig, cells: Callable[[RawTable, str], pl.Series]) -> None:
        for name in DECIDED:
            if name not in declared.columns:
                continue
            column = cells(raw, name)
            if isinstance(column.dtype, pl.Datetime | pl.Date):
                continue
            if name == "time":
                self.times.observe(column)
            elif not column.dtype.is_numeric():
                self.numbers.observe(column, money=name in MONEY, native=str(declared.columns[name]) in raw.native)
