"""The gate `list_churn`: how much the users' lists change; reported, and held against a bound where somebody sets one."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class ListChurn(Gate):
    """The mean share of items that are new in the lists of users whom both builds know is within the limit; 1 lets everything pass."""

    name = "list_churn"
    summary = "of the users' lists no larger share is new than the limit; by default it is only reported"
    limit = 1.0
    on = True
    needs = ()

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read the comparison with the published build."""
        lists = report.get("lists", {})
        if not lists.get("users"):
            return GateResult(True, "no build to compare with", None, limit)
        message = f"{lists['churn']:.1%} of the items in lists are new, for {lists['changed']} of {lists['users']} users something"
        if lists["churn"] > limit:
            message += f": at most {limit:.0%} wanted"
        return GateResult(lists["churn"] <= limit, message, float(lists["churn"]), limit, self.how_to_accept())


GATES.register(ListChurn())
