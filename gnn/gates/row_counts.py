"""The gate `row_counts`: a source that has lost most of its rows since the published build was probably cut."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class RowCounts(Gate):
    """No source has lost a larger share of its rows than the limit."""

    name = "row_counts"
    summary = "every source has most of the rows that it had in the published build"
    limit = 0.5
    on = True
    stage = "import"

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the rows of each source with those of the same source in the published build; new sources have nothing to lose."""
        before, now = previous.get("rows", {}), report["rows"]
        lost = {source: 1 - now.get(source, 0) / n for source, n in before.items() if n}
        if not lost:
            return GateResult(True, "no build to compare with", None, limit)
        worst = max(lost, key=lambda source: (lost[source], source))
        message = f"{worst} has {now.get(worst, 0)} rows, in the published build it had {before[worst]}"
        if lost[worst] > limit:
            message += f": {lost[worst]:.0%} fewer, more than {limit:.0%}"
        return GateResult(lost[worst] <= limit, message, round(lost[worst], 4), limit, self.how_to_accept())


GATES.register(RowCounts())
