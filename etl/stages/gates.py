"""Asking the gates of a stage, and stopping the run when one does not pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gnn.config import EvaluateConfig
from gnn.gates.base import GATES, GateResult, Report, check_gates, failures, how_to_accept
from kg.errors import GateError, InputError
from kg.files.json_file import read_json
from kg.timestamps import utc_text

Accepted = Mapping[str, Mapping[str, str]]
"""Gate → who accepted that it does not pass, why and when."""


def passed_gates(
    stage: str,
    report: Report,
    previous: Report,
    settings: EvaluateConfig,
    limits: Mapping[str, float] | None = None,
    accepted: Accepted | None = None,
) -> dict[str, dict[str, Any]]:
    """Ask the gates of a stage that are on, and return what each found.

    Args:
        stage: "import", "build" or "evaluate".
        report: What is known of the build.
        previous: The same of the published one; empty where none is.
        settings: Which gates are on, and their limits.
        limits: Limits that stand elsewhere in the configuration.
        accepted: Gates that a person accepted for this build.

    Raises:
        GateError: One does not pass; the message says which, and by how much, the hint how to accept the build.
    """
    results = gate_results(stage, report, previous, settings, limits)
    refuse_failed(results, accepted=accepted)
    return records(results, accepted)


def gate_results(
    stage: str, report: Report, previous: Report, settings: EvaluateConfig, limits: Mapping[str, float] | None = None
) -> dict[str, GateResult]:
    """Ask the gates of a stage that are on."""
    return check_gates(stage, report, previous, require=settings.require, waive=settings.waive, limits={**settings.limits, **(limits or {})})


def records(results: Mapping[str, GateResult], accepted: Accepted | None = None) -> dict[str, dict[str, Any]]:
    """Return what gates found as the records keep it, with who accepted one that did not pass."""
    return {
        name: {**result.record(), **({"accepted": dict(accepted[name])} if accepted and name in accepted and not result.passed else {})}
        for name, result in results.items()
    }


def accepted_gates(build: Path) -> Accepted:
    """Return the gates that a person accepted for a build: gate → by, note, time."""
    accepted: Accepted = read_json(build / "run.json").get("accepted", {})
    return accepted


def accept(names: Collection[str], by: str, note: str) -> dict[str, dict[str, str]]:
    """Return the record of a person who accepts gates.

    Raises:
        ConfigError: There is no such gate.
        InputError: Nobody is named.
    """
    if names and not by.strip():
        raise InputError("who accepts it is not said", hint="reckon rebuild --accept GATE --by NAME --note WHY")
    time = utc_text()
    return {GATES.get(name).name: {"by": by.strip(), "note": note.strip(), "time": time} for name in names}


def refuse_failed(results: Mapping[str, GateResult], place: str = "", accepted: Accepted | None = None) -> None:
    """Stop where a gate did not pass.

    Args:
        results: Gate → what it found.
        place: Where more is said, for the hint.
        accepted: Gates that a person accepted for this build.

    Raises:
        GateError: One did not pass.
    """
    left = {name: result for name, result in results.items() if name not in (accepted or {})}
    problems = failures(left)
    if problems:
        once = " ".join(f"--accept {name}" for name, result in left.items() if not result.passed)
        hint = "; ".join(part for part in (place, how_to_accept(left), f"for this build alone: reckon rebuild {once} --by NAME") if part)
        raise GateError(f"the build is not good enough: {'; '.join(problems)}", hint=hint, gates=records(results, accepted))
