"""What every reader gives: chunks of a file's rows as written, and the lines that could not be read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from etl.sources import rejects
from kg.errors import InputError

LINE = "__line"
CHUNK_ROWS = 200_000


@dataclass(frozen=True)
class RawTable:
    """A chunk of a file: one row per record.

    Attributes:
        name: How messages call the file.
        frame: The wanted columns, and `__line`: the line (row number for Parquet) a record starts at.
        rejects: Lines that could not be read at all.
        read_fraction: How much of the file has been read so far.
        encoding: What a text file is written in, as far as it has been read.
        empty: Why → how many records say nothing that we could use (an event that names no item).
        native: Columns in which the file holds numbers of its own, not text (JSON).
    """

    name: str
    frame: pl.DataFrame
    rejects: pl.DataFrame
    read_fraction: float
    encoding: str = ""
    empty: Mapping[str, int] = field(default_factory=dict)
    native: frozenset[str] = frozenset()

    @property
    def n_rows(self) -> int:
        """Records read, whether they could be understood or not."""
        return self.frame.height + self.rejects.height + sum(self.empty.values())


@dataclass(frozen=True)
class RawFile:
    """A file about to be read.

    Attributes:
        path: Where it is.
        name: How messages call it.
        gzipped: Whether its bytes are compressed.
        wanted: The columns that reckon.toml maps, in order; others are not read.
        delimiter: What separates its cells, where it has cells.
        optional: Those of `wanted` that the file need not have.
        encoding: What a text file is written in; None finds out.
        max_line_bytes: Longest line (or XML record); 0 is the reader's own bound.
        named: Turns a cell of a header into the name of a column.
        quoting: Whether quotes in a delimited file may enclose cells.
        may_be_empty: Whether it may hold no rows: events, users and triples may be yet to come.
    """

    path: Path
    name: str
    gzipped: bool
    wanted: Sequence[str]
    delimiter: str = ","
    optional: frozenset[str] = frozenset()
    encoding: Literal["utf-8", "latin-1"] | None = None
    max_line_bytes: int = 0
    named: Callable[[str], str] = str.strip
    quoting: bool = True
    may_be_empty: bool = False

    def present(self, known: Sequence[str]) -> list[str]:
        """Return the wanted columns that the file has.

        Raises:
            InputError: It lacks one that is not optional.
        """
        check_columns(self.name, [name for name in self.wanted if name not in self.optional], known)
        return [name for name in dict.fromkeys(self.wanted) if name in known]


def no_rejects() -> pl.DataFrame:
    """Return an empty table of rejects."""
    return pl.DataFrame(schema=rejects.COLUMNS)


def reject_rows(name: str, rows: Sequence[tuple[int, str, str]]) -> pl.DataFrame:
    """Return rejects of whole lines from (line, text, why)."""
    lines, texts, whys = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    frame = pl.DataFrame({"line": lines, "value": texts, "why": whys}, schema={"line": pl.Int64, "value": pl.String, "why": pl.String})
    return rejects.rejected(name, frame.with_columns(column=pl.lit("")))


def check_columns(name: str, wanted: Sequence[str], known: Sequence[str]) -> None:
    """Check that a file has the columns that reckon.toml names.

    Raises:
        InputError: It lacks one; the hint names the closest one it has.
    """
    for column in wanted:
        if column in known:
            continue
        close = difflib.get_close_matches(column.lower(), [each.lower() for each in known], n=1)
        similar = next((each for each in known if close and each.lower() == close[0]), None)
        hint = f"did you mean {similar!r}?" if similar else f"it has {', '.join(known[:20])}; correct `columns` in reckon.toml"
        raise InputError(f"{name} has no column {column!r}", hint=hint)
