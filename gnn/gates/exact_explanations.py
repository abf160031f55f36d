"""The gate `exact_explanations`: shares add up, every step is an edge, and nearly every item has a path."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report, unmeasured

_EXACT = ("completeness_error", "path_validity", "coverage")


class ExactExplanations(Gate):
    """Of the demands on explanations that concern their exactness, no more than the limit are not met."""

    name = "exact_explanations"
    summary = "shares add up, every path step is an edge, items have paths"
    needs = ("explanations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read what the evaluation of explanations found."""
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        demands = [demand for demand in report["explanations"]["gates"] if demand["name"] in _EXACT]
        missed = [demand for demand in demands if not demand["passed"]]
        message = ", ".join(f"{demand['name']} {demand['value']:.3g}, {demand['is']} {demand['limit']:g}" for demand in missed or demands)
        return GateResult(len(missed) <= limit, message, float(len(missed)), limit, self.how_to_accept())


GATES.register(ExactExplanations())
