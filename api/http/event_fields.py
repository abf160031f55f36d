"""What an event's kind and time may be, the same for events that are stored and for histories that come with a question."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from kg.errors import InputError
from kg.validation.suggest import did_you_mean

MAX_SECONDS = 1e11
_DAY_S = 86_400.0
_ISO = "write ISO 8601 with a zone (2026-11-24T10:15:00Z) or Unix seconds"


def seconds(given: Any) -> float | None:
    """Return a time as Unix seconds.

    >>> seconds("2026-11-24T10:15:00Z"), seconds(1_780_000_000), seconds(None) is None
    (1795515300.0, 1780000000.0, True)

    Args:
        given: ISO 8601 with a zone, or Unix seconds as a number; None means now.

    Raises:
        ValueError: It is neither, or its unit is not seconds: nothing is read in another unit than it was written in.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return _of_text(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"is not a time; {_ISO}")
    if not given >= 0:
        raise ValueError("is before 1970; " + _ISO)
    if given > MAX_SECONDS:
        unit, factor = ("milliseconds", "1,000") if given < 1e14 else ("microseconds or smaller", "1,000,000")
        raise ValueError(
            f"{given:.0f} is no number of Unix seconds; it looks like {unit}: divide it by {factor}, or write ISO 8601" if given < 1e20 else _ISO
        )
    return float(given)


def _of_text(given: str) -> float:
    shown = repr(given[:40])
    try:
        time = datetime.fromisoformat(given.strip().upper())
    except ValueError:
        raise ValueError(f"{shown} is not a time; {_ISO}{', without quotes' if given.strip().replace('.', '', 1).isdigit() else ''}") from None
    if time.tzinfo is None:
        raise ValueError(f"{shown} names no time zone; {_ISO}")
    seconds = time.timestamp()
    if seconds < 0:
        raise ValueError(f"{shown} is before 1970")
    return seconds


Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,58}$")]
Time = Annotated[
    float | None,
    BeforeValidator(seconds),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}, {"type": "null"}]}
    ),
]


def check(kind: str, time: float | None, kinds: Collection[str], now: float) -> None:
    """Refuse a kind that has no weight, and a time that has not come.

    Args:
        kind: Of the event.
        time: Unix seconds; None means now.
        kinds: Those that are configured.
        now: Unix seconds.

    Raises:
        InputError: With what to do.
    """
    if kind not in kinds:
        raise InputError(
            f"kind {kind!r} is not configured{did_you_mean(kind, kinds)}",
            hint=f"kinds are {', '.join(sorted(kinds))}; give another one a weight in [model] kind_weights",
        )
    if time is not None and time > now + _DAY_S:
        raise InputError("time is more than a day in the future", hint="times are Unix seconds or ISO 8601")
