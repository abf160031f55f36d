"""What the times of a shop's events are: dates of a clock, order numbers, or nothing. Decided here alone, and stored with each build."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from kg.errors import InputError

Timing = Literal["clock", "order", "none"]
"""clock: Unix seconds. order: numbers that say what came first and nothing else. none: no event has a time."""

CLOCK_FROM = 1e8
"""Times from here on are Unix seconds (March 1973 and later); smaller ones are order numbers."""

_WHAT: dict[Timing, str] = {
    "clock": "the events have times",
    "order": "the events of this shop have order numbers instead of times",
    "none": "the events of this shop have no times",
}


def timing_of(times: pl.Series | npt.NDArray[np.float64]) -> Timing:
    """Say what times are, by their median: a stray order number among dates changes nothing.

    Args:
        times: Of events; null or NaN where unknown.
    """
    values = times.cast(pl.Float64).fill_null(np.nan).to_numpy() if isinstance(times, pl.Series) else np.asarray(times, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not len(known):
        return "none"
    return "clock" if float(np.median(known)) >= CLOCK_FROM else "order"


def timing_text(timing: Timing) -> str:
    """Say in words what the times of a shop are."""
    return _WHAT[timing]


def check_clock(timing: Timing, what: str, hint: str) -> None:
    """Check that something that needs times can be had.

    Args:
        timing: Of the shop.
        what: What was asked for.
        hint: What to ask for instead.

    Raises:
        InputError: The shop has no clock.
    """
    if timing != "clock":
        raise InputError(f"{what} needs times, but {timing_text(timing)}", hint=hint)
