"""The recorded requests are answered as they were."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.contracts.recorded import FILE, answers


def differences(now: Any, then: Any, place: str = "") -> list[str]:
    if isinstance(now, dict) and isinstance(then, dict):
        gone = [f"{place}.{name} is gone" for name in then.keys() - now.keys()]
        return gone + [line for name in then.keys() & now.keys() for line in differences(now[name], then[name], f"{place}.{name}")]
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [line for i, (one, other) in enumerate(zip(now, then, strict=True)) for line in differences(one, other, f"{place}[{i}]")]
    if isinstance(now, float | int) and isinstance(then, float | int) and math.isclose(now, then, rel_tol=1e-4, abs_tol=1e-6):
        return []
    return [] if now == then else [f"{place}: {now!r}, recorded {then!r}"]


def test_recorded_requests_are_answered_as_before() -> None:
    recorded = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    now = answers()
    assert [(row["method"], row["path"]) for row in now] == [(row["method"], row["path"]) for row in recorded]
    assert len(recorded) >= 200
    changed = [f"{row['method']} {row['path']}{line}" for row, then in zip(now, recorded, strict=True) for line in differences(row, then)]
    assert not changed, "\n".join(changed[:20])
