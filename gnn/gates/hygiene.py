"""The gates `isolated_items` and `attribute_coverage`: a graph that lost much of what ties its items together was probably read wrongly."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class IsolatedItems(Gate):
    """The share of items without any edge has not grown by more than the limit since the published build."""

    name = "isolated_items"
    summary = "hardly more items without any edge than in the published build"
    limit = 0.1
    on = True
    stage = "build"
    lacking = "isolated"
    what = "have no edge"

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare what the two hygiene reports say of the items."""
        before, now = (each.get("hygiene", {}).get("items") for each in (previous, report))
        if not before or not now:
            return GateResult(True, "no build to compare with", None, limit)
        was, share = (each[self.lacking]["n"] / max(each["n"], 1) for each in (before, now))
        message = f"{share:.1%} of {now['n']} items {self.what}, {was:.1%} in the published build"
        if share - was > limit:
            message += f": {share - was:.1%} more, at most {limit:.0%} wanted"
        return GateResult(share - was <= limit, message, round(share - was, 4), limit, self.how_to_accept())


class AttributeCoverage(IsolatedItems):
    """The share of items without attributes has not grown by more than the limit since the published build."""

    name = "attribute_coverage"
    summary = "hardly more items without attributes than in the published build"
    lacking = "without_attributes"
    what = "have no attribute"


GATES.register(IsolatedItems())
GATES.register(AttributeCoverage())
