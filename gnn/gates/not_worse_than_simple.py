"""The gate `not_worse_than_simple`: popularity or item-kNN must not rank clearly better than the model."""

from __future__ import annotations

from gnn.gates.base import GATES, MAIN, Gate, GateResult, Report, unmeasured

_SIMPLE = {"popularity": "popularity", "item_knn": "item-kNN"}
"""Baselines as the configuration and as the report calls them."""
_CERTAIN = 0.05


class NotWorseThanSimple(Gate):
    """Neither popularity nor item-kNN is ahead in ndcg@10 by more than the limit where the paired test calls it certain (p < 0.05)."""

    name = "not_worse_than_simple"
    summary = "neither popularity nor item-kNN ranks clearly better"
    limit = 0.0
    on = True
    needs = tuple(_SIMPLE)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Read the paired tests; baselines that were not measured are not compared."""
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        tests = {name: report.get("paired_tests", {}).get(title) for name, title in _SIMPLE.items()}
        above = {name: -float(test["difference"]) for name, test in tests.items() if test and test["p_value"] < _CERTAIN}
        measured = {name: -float(test["difference"]) for name, test in tests.items() if test}
        if not measured:
            return GateResult(True, "neither popularity nor item_knn was measured", None, limit)
        worst = max(measured, key=lambda name: (above.get(name, -1.0), measured[name], name))
        passed = above.get(worst, -1.0) <= limit
        message = f"{MAIN} of {worst} {abs(measured[worst]):.4f} {'above' if measured[worst] > 0 else 'below'} that of the model"
        return GateResult(passed, message, round(measured[worst], 6), limit, self.how_to_accept())


GATES.register(NotWorseThanSimple())
