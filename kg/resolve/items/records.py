"""Reads pairs of records written as `COL name VAL … COL name VAL …` into columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kg.errors import InputError

MAX_RECORD_CHARS = 100_000
"""Longest record that is read; a longer one is a broken file, not an item."""

Record = Mapping[str, str]
"""Column name → value, lower-cased and with single spaces; an empty value is an empty string."""

_COLUMN = re.compile(r"(?:^|\s)COL\s+(\S+)\s+VAL(?=\s|$)")
_HINT = "write a record as `COL name VAL value COL name VAL value`"


def parse_record(text: str, *, place: str = "record") -> dict[str, str]:
    """Split one serialised record into its columns.

    >>> parse_record("COL title VAL Canon EOS COL price VAL  ")
    {'title': 'canon eos', 'price': ''}

    Args:
        text: The record.
        place: Where it stands (file, row and column), for the error.

    Raises:
        InputError: The text is too long, does not start with `COL name VAL`, or names a column twice.
    """
    if len(text) > MAX_RECORD_CHARS:
        raise InputError(f"{place}: {len(text):,} characters, more than {MAX_RECORD_CHARS:,}", hint="cut the record's long fields")
    heads = list(_COLUMN.finditer(text))
    if not heads or text[: heads[0].start()].strip():
        raise InputError(f"{place}: {text[:60]!r} does not start with `COL name VAL`", hint=_HINT)
    ends = [head.start() for head in heads[1:]] + [len(text)]
    record: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=True):
        if head[1] in record:
            raise InputError(f"{place}: column {head[1]!r} appears twice in {text[:60]!r}", hint=_HINT)
        record[head[1]] = " ".join(text[head.end() : end].lower().split())
    return record


def write_record(record: Mapping[str, str | None]) -> str:
    """Serialise columns as one record, the inverse of `parse_record` for lower-case values with single spaces.

    The upper-case words COL and VAL inside a value are lower-cased, so that they cannot be read as a new column.

    >>> write_record({"title": "canon eos", "price": None})
    'COL title VAL canon eos COL price VAL '
    """
    return " ".join(f"COL {name} VAL {' '.join((value or '').lower().split())}" for name, value in record.items())


@dataclass(frozen=True)
class RecordPairs:
    """Parsed pairs: every distinct record once, and one row per pair pointing into them.

    Attributes:
        left: Distinct left records.
        right: Distinct right records.
        left_keys: Serialised text of each left record, the identity by which it is recognised in another file.
        right_keys: The same for the right records.
        left_num: Position in `left` of each pair. Shape [n_pairs].
        right_num: Position in `right` of each pair. Shape [n_pairs].
        match: 1 for the same item, 0 for different ones; None where the file has no labels. Shape [n_pairs].
    """

    left: list[Record]
    right: list[Record]
    left_keys: list[str]
    right_keys: list[str]
    left_num: NDArray[np.int64]
    right_num: NDArray[np.int64]
    match: NDArray[np.int8] | None

    def __len__(self) -> int:
        return len(self.left_num)


def _parse_side(series: pl.Series, *, place: str) -> tuple[list[Record], list[str], NDArray[np.int64]]:
    position: dict[str, int] = {}
    records: list[Record] = []
    nums = np.empty(len(series), dtype=np.int64)
    for row, text in enumerate(series):
        if text is None:
            raise InputError(f"{place}, row {row + 1}, column {series.name}: empty", hint=_HINT)
        num = position.get(text)
        if num is None:
            num = position[text] = len(records)
            records.append(parse_record(text, place=f"{place}, row {row + 1}, column {series.name}"))
        nums[row] = num
    return records, list(position), nums


def _labels(frame: pl.DataFrame, *, place: str) -> NDArray[np.int8]:
    if "match" not in frame.columns:
        raise InputError(f"{place} lacks the column match", hint="training needs 1 for the same item and 0 for different ones")
    if not (frame.schema["match"].is_integer() or frame.schema["match"] == pl.Boolean):
        raise InputError(f"{place}, column match: {frame.schema['match']} instead of integers 0 and 1", hint="cast it to Int64")
    labels = frame["match"].cast(pl.Int64)
    bad = frame.with_row_index("row").filter(labels.is_null() | ~labels.is_in([0, 1]))
    if bad.height:
        raise InputError(f"{place}, row {bad['row'][0] + 1}, column match: {bad['match'][0]!r}", hint="use 1 or 0")
    return labels.cast(pl.Int8).to_numpy().copy()


def parse_pairs(frame: pl.DataFrame, *, labelled: bool, place: str = "pairs") -> RecordPairs:
    """Parse a frame of pairs.

    Args:
        frame: One row per pair, with `left`, `right` (strings) and, where `labelled`, `match` (0 or 1).
        labelled: Read the labels too.
        place: File name for errors.

    Raises:
        InputError: A column is missing or of another type, or a record or label is malformed; names the row (from 1) and the column.
    """
    for name in ("left", "right"):
        if name not in frame.columns:
            raise InputError(f"{place} lacks the column {name}", hint=f"it has {', '.join(frame.columns) or 'no columns'}; pairs need left and right")
        if frame.schema[name] != pl.String:
            raise InputError(f"{place}, column {name}: {frame.schema[name]} instead of String", hint=_HINT)
    left, left_keys, left_num = _parse_side(frame["left"], place=place)
    right, right_keys, right_num = _parse_side(frame["right"], place=place)
    return RecordPairs(left, right, left_keys, right_keys, left_num, right_num, _labels(frame, place=place) if labelled else None)


def _join_side(known: list[str], more: list[str]) -> tuple[dict[str, int], NDArray[np.int64]]:
    position = {key: number for number, key in enumerate(known)}
    return position, np.array([position.setdefault(key, len(position)) for key in more], dtype=np.int64)


def join_pairs(known: RecordPairs, more: RecordPairs) -> RecordPairs:
    """Put `more` behind `known`, numbering a record that occurs in both once; the labels are dropped."""
    left, left_map = _join_side(known.left_keys, more.left_keys)
    right, right_map = _join_side(known.right_keys, more.right_keys)
    new_left = [record for record, number in zip(more.left, left_map, strict=True) if number >= len(known.left)]
    new_right = [record for record, number in zip(more.right, right_map, strict=True) if number >= len(known.right)]
    return RecordPairs(
        [*known.left, *new_left],
        [*known.right, *new_right],
        list(left),
        list(right),
        np.concatenate([known.left_num, left_map[more.left_num]]),
        np.concatenate([known.right_num, right_map[more.right_num]]),
        None,
    )


def read_pairs(path: Path, *, labelled: bool) -> pl.DataFrame:
    """Read a parquet file of pairs and check every row of it.

    Raises:
        InputError: The file is missing, is not parquet, or its columns or rows are malformed.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", hint="name a parquet file with the columns left and right")
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} cannot be read as parquet: {error}", hint="write it with the columns left, right and match") from error
    parse_pairs(frame, labelled=labelled, place=str(path))
    return frame
