"""What is recorded of a stage that ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class StageRecord:
    """One stage of one run."""

    seconds: float = 0.0
    peak_mib: float = 0.0
    reused: bool = False
    counts: dict[str, Any] = field(default_factory=dict)
