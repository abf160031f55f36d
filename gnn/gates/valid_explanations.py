"""The gate `valid_explanations`: what shoppers read must be true."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report, demands_met

_TRUE = ("completeness_error", "path_validity")


class ValidExplanations(Gate):
    """Of the demands that shares add up and that every step of a path is an edge, no more than the limit are not met."""

    name = "valid_explanations"
    summary = "shares add up, and every path step is an edge"
    on = True
    needs = ("explanations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read what the evaluation of explanations found."""
        return demands_met(self, report, limit, _TRUE)


GATES.register(ValidExplanations())
