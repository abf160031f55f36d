"""Asking the gates of a stage, and stopping the run when one does not pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnn.config import EvaluateConfig
from gnn.gates.base import GateResult, Report, check_gates, failures, how_to_accept
from kg.errors import GateError


def passed_gates(
    stage: str, report: Report, previous: Report, settings: EvaluateConfig, limits: Mapping[str, float] | None = None
) -> dict[str, dict[str, Any]]:
    """Ask the gates of a stage that are on, and return what each found.

    Args:
        stage: "build" or "evaluate".
        report: What is known of the build.
        previous: The same of the published one; empty where none is.
        settings: Which gates are on, and their limits.
        limits: Limits that stand elsewhere in the configuration.

    Raises:
        GateError: One does not pass; the message says which, and by how much, the hint how to accept the build.
    """
    results = asked(stage, report, previous, settings, limits)
    refuse_failed(results)
    return {name: result.record() for name, result in results.items()}


def asked(stage: str, report: Report, previous: Report, settings: EvaluateConfig, limits: Mapping[str, float] | None = None) -> dict[str, GateResult]:
    """Ask the gates of a stage that are on."""
    return check_gates(stage, report, previous, require=settings.require, waive=settings.waive, limits={**settings.limits, **(limits or {})})


def refuse_failed(results: Mapping[str, GateResult], place: str = "") -> None:
    """Stop where a gate did not pass.

    Args:
        results: Gate → what it found.
        place: Where more is said, for the hint.

    Raises:
        GateError: One did not pass.
    """
    problems = failures(results)
    if problems:
        records = {name: result.record() for name, result in results.items()}
        hint = "; ".join(part for part in (place, how_to_accept(results)) if part)
        raise GateError(f"the build is not good enough: {'; '.join(problems)}", hint=hint, gates=records)
