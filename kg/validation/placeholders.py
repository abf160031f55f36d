"""Cells that say nothing ("NULL", "n/a", "(not set)"): one list, `kg/extract/patterns/placeholders.jsonl`, for every door.

A line of the list holds in every column where it says `"everywhere": true`, in the named ones where it says `"columns"`, and otherwise in the values
of attributes alone ("unbranded" is no brand, but may be part of a title that is one word).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import polars as pl

from kg.validation.ids import INVISIBLE

_BLANK = rf"[\s{INVISIBLE}]"
_MAX_CHARS = 24
"""No entry is longer."""


@cache
def words(column: str) -> frozenset[str]:
    """Return the cells that say nothing in a column, in lower case.

    Args:
        column: Column of ours, or the name of an attribute.
    """
    lines = (files("kg.extract") / "patterns" / "placeholders.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return frozenset(str(row["pattern"]) for row in rows if row.get("everywhere") or column in row.get("columns", ()))


def says_nothing(text: str, column: str) -> bool:
    """Say whether a cell says nothing: blank, without visible characters, or a placeholder.

    >>> says_nothing(" NULL ", "user_id"), says_nothing("\\u200b", "title"), says_nothing("0", "user_id"), says_nothing("0", "categories")
    (True, True, False, True)
    """
    trimmed = text.strip().strip(INVISIBLE).strip()
    return not trimmed or (len(trimmed) <= _MAX_CHARS and trimmed.lower() in words(column))


def blanked(cells: pl.Series, column: str) -> pl.Series:
    """Return text trimmed, without invisible characters at its ends; null where it says nothing."""
    trimmed = cells.str.strip_chars()
    short = trimmed.filter(trimmed.str.len_bytes() <= 4 * _MAX_CHARS).unique()
    nothing = short.filter(short.str.to_lowercase().is_in([*words(column), ""]))
    if len(nothing):
        trimmed = trimmed.replace(nothing.to_list(), [None] * len(nothing))
    if trimmed.str.contains(f"^[{INVISIBLE}]|[{INVISIBLE}]$").any():
        stripped = trimmed.str.replace(f"^{_BLANK}+", "").str.replace(f"{_BLANK}+$", "")
        return blanked(stripped, column) if not stripped.equals(trimmed, null_equal=True) else stripped
    return trimmed
