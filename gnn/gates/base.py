"""What a gate is, the registry of gates, and running those that a shop turned on.

A new gate is one module in `gnn/gates`, or an object that a package names in the entry-point group `reckon.gates`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kg.registry import Registry

MAIN = "ndcg@10"
"""What builds are compared by."""

Report = Mapping[str, Any]
"""What is known of a build after a stage.

import: the rows of each source (`rows`), and how many were rejected (`rejected`).
build: how the graph differs from the published one (`change`), and its `hygiene`.
evaluate: what report.json holds as far as it is measured by then (`Gate.needs`), how the artifact answers (`smoke`), and how much the users' lists
differ from those of the published build (`lists`).
"""


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes:
        passed: Whether the build may be published.
        message: What was measured, in one line.
        value: The measured value; None where nothing could be measured.
        limit: What it was held against.
        how_to_accept: What the operator does to publish such a build all the same.
    """

    passed: bool
    message: str
    value: float | None = None
    limit: float | None = None
    how_to_accept: str = ""

    def record(self) -> dict[str, Any]:
        """Return the result as the record of the run and report.json have it."""
        return {"passed": self.passed, "value": self.value, "limit": self.limit, "message": self.message}


class Gate(Protocol):
    """Decides whether a build may be published; subclass it and set what differs.

    Attributes:
        name: What `[evaluate] require` and messages call it.
        summary: What it demands, in a few words.
        limit: Its default limit; `[evaluate] limits` sets another.
        on: Whether it holds builds back without being named in `[evaluate] require`.
        stage: After which stage it is asked: "import", "build" (the graph, before training) or "evaluate".
        needs: Parts of the report that it reads beside the model's own numbers: "popularity", "item_knn", "explanations", or "baselines" (all of
            them) and "ablations". These are measured before a build is published, all else afterwards. None stands for all of it.
    """

    name: str
    summary: str
    limit: float = 0.0
    on: bool = False
    stage: Literal["import", "build", "evaluate"] = "evaluate"
    needs: Sequence[str] | None = None

    @abstractmethod
    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Judge a build.

        Args:
            report: What is known of it; see `Report`.
            previous: The same of the published build; empty where none is published.
            limit: The limit in force.
        """

    def how_to_accept(self) -> str:
        """Return what the operator does to publish a build that does not pass."""
        if self.on:
            return f'add "{self.name}" to [evaluate] waive, or set [evaluate] limits = {{ {self.name} = … }}'
        return f'take "{self.name}" out of [evaluate] require, or set [evaluate] limits = {{ {self.name} = … }}'


STAGES = ("import", "build", "evaluate")


def _unknown_stage(gate: Gate) -> str:
    """Say whether its stage is none of those after which gates are asked."""
    return "" if gate.stage in STAGES else f"is asked after the stage {gate.stage!r}, which is none of {', '.join(STAGES)}"


GATES: Registry[Gate] = Registry("gate", Gate, group="reckon.gates", package="gnn.gates", check=_unknown_stage)


def check_gates(
    stage: str,
    report: Report,
    previous: Report,
    *,
    require: Collection[str] = (),
    waive: Collection[str] = (),
    limits: Mapping[str, float] | None = None,
) -> dict[str, GateResult]:
    """Ask the gates of a stage that are on, by default or by `require`, and not waived.

    Args:
        stage: "import", "build" or "evaluate".
        report: What is known of the build.
        previous: The same of the published one; empty where none is.
        require: Gates that are on beside those that are by default.
        waive: Gates that are off.
        limits: Gate → its limit, in place of the default one.

    Returns:
        Gate → what it found.
    """
    results = {}
    for gate in GATES:
        if gate.stage == stage and (gate.on or gate.name in require) and gate.name not in waive:
            results[gate.name] = gate.check(report, previous, (limits or {}).get(gate.name, gate.limit))
    return results


def parts_needed(stage: str, require: Collection[str] = (), waive: Collection[str] = ()) -> frozenset[str] | None:
    """Return which parts of a report the gates of a stage read that are on (`Gate.needs`); None where one does not say so, and may read all of it."""
    chosen = [gate for gate in GATES if gate.stage == stage and (gate.on or gate.name in require) and gate.name not in waive]
    return None if any(gate.needs is None for gate in chosen) else frozenset(part for gate in chosen for part in gate.needs or ())


def failures(results: Mapping[str, GateResult]) -> list[str]:
    """Return a line for each gate that did not pass: which, and by how much."""
    return [f"{name}: {result.message}" for name, result in results.items() if not result.passed]


def how_to_accept(results: Mapping[str, GateResult]) -> str:
    """Return what the operator does to publish the build all the same."""
    return "; ".join(dict.fromkeys(result.how_to_accept for result in results.values() if not result.passed and result.how_to_accept))


def unmeasured(gate: Gate, report: Report, limit: float) -> GateResult | None:
    """Return what is found where no user had withheld events, so that nothing was measured; None where something was.

    A gate that somebody asked for fails then. One that is on by default passes: a shop without events yet may publish.
    """
    if report.get("users") == 0:
        return GateResult(gate.on, "no user has withheld events, so nothing was measured", None, limit, gate.how_to_accept())
    return None


def demands_met(gate: Gate, report: Report, limit: float, names: Collection[str]) -> GateResult:
    """Judge a build by some of the demands on its explanations: no more than the limit may be missed.

    Args:
        gate: That asks.
        report: What is known of the build.
        limit: The limit in force.
        names: Which demands.
    """
    nothing = unmeasured(gate, report, limit)
    if nothing:
        return nothing
    demands = [demand for demand in report.get("explanations", {}).get("gates", ()) if demand["name"] in names]
    if not demands:
        return GateResult(True, "explanations were not measured", None, limit)
    missed = [demand for demand in demands if not demand["passed"]]
    message = ", ".join(f"{demand['name']} {demand['value']:.3g}, {demand['is']} {demand['limit']:g}" for demand in missed or demands)
    return GateResult(len(missed) <= limit, message, float(len(missed)), limit, gate.how_to_accept())


def gates_table() -> str:
    """Return the table of gates in docs/operations.md."""
    rows = [f"| `{gate.name}` | {gate.summary} | {gate.stage} | {'on' if gate.on else 'off'} | {gate.limit:g} |" for gate in GATES]
    return "\n".join(["| gate | demands | asked after | by default | limit |", "| --- | --- | --- | --- | --- |", *rows]) + "\n"
