"""The gate `stale_fraction`: a graph that lacks too much of the published one looks like a source that is not whole."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class StaleFraction(Gate):
    """Of the nodes and edges of the published build and the new one together, no more than the limit would go."""

    name = "stale_fraction"
    summary = "most of the published graph's nodes and edges are still there"
    limit = 0.5
    on = True
    stage = "build"

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the two graphs; a limit of 1 accepts anything."""
        gone, total, published = (report["change"][name] for name in ("gone", "total", "published"))
        message = f"{gone} of {total} nodes and edges of the published build {published} and this one would go: more than {limit:.0%}"
        passed = gone <= limit * total
        if passed:
            message = f"{gone} of {total} nodes and edges of the published build {published} and this one go"
        return GateResult(passed, message, gone / max(total, 1), limit, self.how_to_accept())

    def how_to_accept(self) -> str:
        """Return where its limit stands."""
        return "see that the sources are whole; raise graph.max_stale_fraction if the shop really changed that much"


GATES.register(StaleFraction())
