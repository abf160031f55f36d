"""A canary beside its control group: what is shown of both, and when it is withdrawn or promoted by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Literal

from kg.canary.measurements import BUCKETS_MS
from kg.canary.state import Canary

ARMS = ("canary", "control")
FEWEST_ERRORS = 5
"""So many failed requests are no accident."""
FEWEST_LISTS = 100
"""A canary that has answered fewer lists was hardly tried out: it is not promoted by itself."""


def compared(counted: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return what was measured of both arms.

    Args:
        counted: What `Measurements.counted` returns.

    Returns:
        Arm → `lists`, `users`, `errors`, `error_fraction`, `mean_ms`, `p95_ms` (the upper end of the interval in which it lies; None beyond the
        last), `events` per kind, `users_with` per kind; and `p_values` per kind: how likely so large a difference between the shares of users is
        by chance.
    """
    arms = {arm: _arm(counted.get(arm, {})) for arm in ARMS}
    kinds = sorted({kind for each in arms.values() for kind in each["users_with"]})
    return {**arms, "p_values": {kind: _p_value(arms["canary"], arms["control"], kind) for kind in kinds}}


def _arm(measures: Mapping[str, float]) -> dict[str, Any]:
    lists, errors = int(measures.get("lists", 0)), int(measures.get("errors", 0))
    return {
        "lists": lists,
        "users": int(measures.get("users", 0)),
        "errors": errors,
        "error_fraction": round(errors / (lists + errors), 6) if lists + errors else 0.0,
        "mean_ms": round(measures.get("ms", 0.0) / lists, 2) if lists else None,
        "p95_ms": _p95(measures, lists),
        "events": {name.removeprefix("event "): int(n) for name, n in sorted(measures.items()) if name.startswith("event ")},
        "users_with": {name.removeprefix("users "): int(n) for name, n in sorted(measures.items()) if name.startswith("users ")},
    }


def _p95(measures: Mapping[str, float], lists: int) -> int | None:
    below = 0.0
    for limit in BUCKETS_MS:
        below += measures.get(str(limit), 0.0)
        if lists and below >= 0.95 * lists:
            return limit
    return None


def _p_value(first: Mapping[str, Any], second: Mapping[str, Any], kind: str) -> float | None:
    """Return the two-sided p-value of two shares of users being one (pooled z-test); None where a group is too small for it."""
    n, m = first["users"], second["users"]
    did = first["users_with"].get(kind, 0), second["users_with"].get(kind, 0)
    if min(n, m) == 0:
        return None
    pooled = sum(did) / (n + m)
    if min(pooled, 1 - pooled) * min(n, m) < 5:
        return None
    z = (did[0] / n - did[1] / m) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return round(math.erfc(abs(z) / math.sqrt(2)), 4)


def due(canary: Canary, comparison: Mapping[str, Any], now: float | None = None) -> tuple[Literal["withdraw", "promote", ""], str]:
    """Say what is to become of a canary now, and why.

    Args:
        canary: A running one.
        comparison: What `compared` returns.
        now: Unix seconds.
    """
    ours, theirs = (comparison[arm] for arm in ARMS)
    if ours["errors"] >= FEWEST_ERRORS and ours["error_fraction"] > theirs["error_fraction"] + canary.max_errors:
        return "withdraw", (
            f"{ours['errors']} of {ours['lists'] + ours['errors']} requests failed ({ours['error_fraction']:.1%}), "
            f"{theirs['error_fraction']:.1%} in the control group"
        )
    elapsed = (time.time() if now is None else now) - canary.since_s
    if canary.promote_after_s is not None and elapsed >= canary.promote_after_s and ours["lists"] >= FEWEST_LISTS:
        return "promote", f"{ours['lists']} lists, {ours['errors']} failed requests in {elapsed / 3600:.1f} hours"
    return "", ""
