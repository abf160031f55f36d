"""The gate `faithful_explanations`: the reasons shown carry the ranking, few of them are enough, and they name something."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report, demands_met

_FAITHFUL = ("top_deleted_adjusted", "random_deleted_adjusted", "sufficiency_adjusted", "concrete", "longest_run")


class FaithfulExplanations(Gate):
    """Of the demands by deletion tests, on how few reasons are enough and on what brief answers show, no more than the limit are not met."""

    name = "faithful_explanations"
    summary = "deletion tests, how few reasons are enough, what brief answers show"
    needs = ("explanations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read what the evaluation of explanations found."""
        return demands_met(self, report, limit, _FAITHFUL)


GATES.register(FaithfulExplanations())
