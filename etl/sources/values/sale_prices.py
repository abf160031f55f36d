"""When a sale price holds: "2024-05-01T00:00+0100/2024-05-31T23:59+0100", as Google Merchant Center writes `sale_price_effective_date`."""

from __future__ import annotations

import re

import polars as pl

from etl.sources.values.timestamps import seconds_of

_DAY_S = 86_400.0
_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}")


def in_force(dates: pl.Series, now: float) -> tuple[pl.Series, pl.Series]:
    """Say for each sale whether it holds now, and whether its dates cannot be read. A sale without dates holds.

    Args:
        dates: "START/END", or several columns joined with a space; either may be missing where the slash stands.
        now: Unix seconds.
    """
    written = dates.drop_nulls().unique().to_list()
    states = {text: _holds(text, now) for text in written}
    holding = [text for text, holds in states.items() if holds]
    unreadable = [text for text, holds in states.items() if holds is None]
    return dates.is_null() | dates.is_in(holding).fill_null(False), dates.is_in(unreadable).fill_null(False)


def _holds(text: str, now: float) -> bool | None:
    """Say whether a period holds; None where it cannot be read.

    >>> _holds("2023-11-01/2023-11-14", 1700000000.0), _holds("2023-11-15T00:00Z/", 1700000000.0), _holds("soon", 1700000000.0)
    (True, False, None)
    """
    start, slash, end = (part.strip() for part in text.partition("/"))
    if not slash or not (start or end):
        return None
    begins, ends = (seconds_of(part) if part else None for part in (start, end))
    if (start and begins is None) or (end and ends is None):
        return None
    if ends is not None and _DATE.fullmatch(end):
        # A date without a time means the whole day.
        ends += _DAY_S
    return (begins is None or begins <= now) and (ends is None or now < ends)
