"""Times as logs, journals and answers write them."""

from __future__ import annotations

import time


def utc_text(at_s: float | None = None) -> str:
    """Return a time in ISO 8601, UTC, to the second.

    >>> utc_text(1_780_000_000)
    '2026-05-28T20:26:40Z'

    Args:
        at_s: Unix seconds; None is now.
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))
