"""The gate `reject_rate`: a source of which many more rows are rejected than before was probably broken."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class RejectRate(Gate):
    """The share of rejected rows has not grown by more than the limit since the published build."""

    name = "reject_rate"
    summary = "the share of rejected rows has hardly grown since the published build"
    limit = 0.1
    on = True
    stage = "import"

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the shares of all sources together."""
        now = _share(report)
        before = _share(previous) if previous.get("rows") else 0.0
        message = f"{now:.1%} of {sum(report['rows'].values())} rows rejected, {before:.1%} before"
        if now - before > limit:
            message += f": {now - before:.1%} more, at most {limit:.0%} wanted"
        return GateResult(now - before <= limit, message, round(now - before, 4), limit, self.how_to_accept())


def _share(report: Report) -> float:
    return float(report["rejected"] / max(sum(report["rows"].values()), 1))


GATES.register(RejectRate())
