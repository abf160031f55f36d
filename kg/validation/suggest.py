"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

_ALIKE = 75.0
_MAX_LENGTH = 512


def closest(value: str, known: Iterable[str]) -> str | None:
    """Return the known name that a misspelt one is most like; None where nothing is like it.

    >>> closest("purchse", ["view", "purchase"])
    'purchase'
    >>> closest("leafy", ["Leafy", "Meadow"])
    'Leafy'
    >>> closest("zebra", ["view", "purchase"]) is None
    True
    """
    match = process.extractOne(value[:_MAX_LENGTH], list(known), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=_ALIKE)
    return None if match is None else str(match[0])


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?", or nothing.

    >>> did_you_mean("purchse", ["view", "purchase"]), did_you_mean("zebra", ["view"])
    ("; did you mean 'purchase'?", '')
    """
    match = closest(value, known)
    return "" if match is None else f"; did you mean {match!r}?"
