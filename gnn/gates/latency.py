"""The gate `latency`: the artifact that would be served is loaded, and answers in time."""

from __future__ import annotations

from gnn.gates.base import GATES, Gate, GateResult, Report


class Latency(Gate):
    """Of some requests to the loaded artifact, 95 % are answered within the limit, in milliseconds."""

    name = "latency"
    summary = "the artifact loads, and answers some users in time (ms, 95th percentile)"
    limit = 2000.0
    on = True
    needs = ()

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read the smoke test."""
        smoke = report.get("smoke", {})
        if not smoke.get("requests"):
            return GateResult(True, "no user to ask for", None, limit)
        message = f"{smoke['p95_ms']:.0f} ms for 95 % of {smoke['requests']} requests, at most {limit:.0f} wanted"
        return GateResult(smoke["p95_ms"] <= limit, message, float(smoke["p95_ms"]), limit, self.how_to_accept())


GATES.register(Latency())
