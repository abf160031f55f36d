"""The gate `exact_explanations`: shares add up, every step is an edge, and nearly every item has a path."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report, demands_met

_EXACT = ("completeness_error", "path_validity", "coverage")


class ExactExplanations(Gate):
    """Of the demands on explanations that concern their exactness, no more than the limit are not met."""

    name = "exact_explanations"
    summary = "shares add up, every path step is an edge, items have paths"
    needs = ("explanations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read what the evaluation of explanations found."""
        return demands_met(self, report, limit, _EXACT)


GATES.register(ExactExplanations())
