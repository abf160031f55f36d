"""The gate `valid_explanations`: what shoppers read must be true."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report, unmeasured

_TRUE = ("completeness_error", "path_validity")


class ValidExplanations(Gate):
    """Of the demands that shares add up and that every step of a path is an edge, no more than the limit are not met."""

    name = "valid_explanations"
    summary = "shares add up, and every path step is an edge"
    on = True
    needs = ("explanations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read what the evaluation of explanations found."""
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        demands = [demand for demand in report.get("explanations", {}).get("gates", ()) if demand["name"] in _TRUE]
        if not demands:
            return GateResult(True, "explanations were not measured", None, limit)
        missed = [demand for demand in demands if not demand["passed"]]
        message = ", ".join(f"{demand['name']} {demand['value']:.3g}, {demand['is']} {demand['limit']:g}" for demand in missed or demands)
        return GateResult(len(missed) <= limit, message, float(len(missed)), limit, self.how_to_accept())


GATES.register(ValidExplanations())
