"""The gate `graph_helps`: the model must rank better with the graph than without."""

from __future__ import annotations

from gnn.gates.base import GATES, MAIN, Gate, GateResult, Report, unmeasured

_WITHOUT = "without the graph"


class GraphHelps(Gate):
    """ndcg@10 of the whole model, minus that of the model whose walks over the graph are closed, is above the limit."""

    name = "graph_helps"
    summary = "ndcg@10 with the graph above ndcg@10 without"
    needs = ("ablations",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the model with its ablation."""
        parts = report.get("ablations") or {}
        names = list(parts)
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        if _WITHOUT not in names:
            return GateResult(False, "the model has no walks over the graph that it could do without", None, limit, self.how_to_accept())
        whole, bare = (float(parts[name]["metrics"][MAIN]) for name in (names[0], _WITHOUT))
        message = f"{MAIN} {whole:.4f} with the graph, {bare:.4f} without"
        return GateResult(whole - bare > limit, message, whole - bare, limit, self.how_to_accept())


GATES.register(GraphHelps())
