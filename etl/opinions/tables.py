"""Files of reviews: read, with the columns that a command needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from kg.errors import InputError
from kg.opinions.reading import MAX_CHARS

_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
}


def read_reviews(path: Path, *columns: str) -> pl.DataFrame:
    """Read a Parquet, CSV or JSON Lines file and check that it has rows and the columns.

    Raises:
        InputError: The file is missing, cannot be read, has no row, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", hint="name a Parquet, CSV or JSON Lines file of reviews")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path} is not of a known kind", hint=f"its name ends in one of {', '.join(_READERS)}")
    try:
        frame = reader(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0][:200]}", hint="write the reviews as Parquet") from None
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise InputError(f"{path} lacks the column {', '.join(absent)}", hint=f"it has {', '.join(frame.columns[:40])}")
    if not frame.height:
        raise InputError(f"{path} has no rows", hint="give at least one review")
    return frame


def texts_of(frame: pl.DataFrame, column: str, place: str) -> list[str | None]:
    """Return a column of texts; numbers and dates are no texts.

    Raises:
        InputError: The column is of another type.
    """
    series = frame[column]
    if series.dtype == pl.Null:
        return [None] * frame.height
    if series.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise InputError(f"{place}, column {column}: {series.dtype} is no text", hint="name the column with the words of the reviews")
    return series.cast(pl.String).to_list()


def unreadable(texts: list[str | None]) -> list[str]:
    """Return a sentence per kind of review that is not read whole: which is the first, and how many there are."""
    empty = [row for row, text in enumerate(texts) if text is None or not text.strip()]
    long = [row for row, text in enumerate(texts) if text is not None and len(text) > MAX_CHARS]
    notes = []
    if empty:
        notes.append(f"{len(empty):,} reviews are empty, the first in row {empty[0]}: they get no label")
    if long:
        size = len(texts[long[0]] or "")
        more = f"; {len(long):,} reviews are this long" if len(long) > 1 else ""
        notes.append(f"row {long[0]}: the review has {size:,} characters; the first {MAX_CHARS:,} are read{more}")
    return notes
