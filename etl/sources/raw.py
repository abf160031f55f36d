"""What every reader gives: chunks of a file's rows as written, and the lines that could not be read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from etl import rejects
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
    """

    name: str
    frame: pl.DataFrame
    rejects: pl.DataFrame
    read_fraction: float

    @property
    def n_rows(self) -> int:
        """Records read, whether they could be understood or not."""
        return self.frame.height + self.rejects.height


@dataclass(frozen=True)
class RawFile:
    """A file about to be read.

    Attributes:
        path: Where it is.
        name: How messages call it.
        gzipped: Whether its bytes are compressed.
        wanted: The columns that reckon.toml maps, in order; others are not read.
        delimiter: What separates its cells, where it has cells.
    """

    path: Path
    name: str
    gzipped: bool
    wanted: Sequence[str]
    delimiter: str = ","


class Reader(Protocol):
    """Reads one format."""

    def __call__(self, file: RawFile) -> Iterator[RawTable]:
        """Give the file's rows in chunks, in order.

        Raises:
            InputError: The file is damaged, is of another format, or lacks a wanted column.
        """


def no_rejects() -> pl.DataFrame:
    """Return an empty table of rejects."""
    return pl.DataFrame(schema=rejects.COLUMNS)


def told(name: str, rows: Sequence[tuple[int, str, str]]) -> pl.DataFrame:
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
