"""Request ids: when, and 64 random bits. The time says how long an answer may still be on its way to the disk."""

from __future__ import annotations

import secrets
import time

PATTERN = r"^[0-9a-f]{24}$"


def new_id() -> str:
    """Return the id of a request that has just come in."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def age_s(request_id: str) -> float:
    """Return how long ago a request came in, to a second; never less than it is."""
    return time.time() - int(request_id[:8], 16)
