"""The gate `beats_baselines`: the model must rank better than every baseline that was measured."""

from __future__ import annotations

from gnn.gates.base import GATES, MAIN, Gate, GateResult, Report, unmeasured


class BeatsBaselines(Gate):
    """ndcg@10 of the model, minus that of the best baseline, is above the limit."""

    name = "beats_baselines"
    summary = "ndcg@10 above that of every baseline"
    needs = ("baselines",)

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the model with the baselines, which follow it in the report."""
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        (_, ours), *others = [(name, float(numbers["metrics"][MAIN])) for name, numbers in report["models"].items()]
        if not others:
            return GateResult(False, "no baseline was measured", None, limit, self.how_to_accept())
        lost = [(name, theirs) for name, theirs in others if ours - theirs <= limit]
        shown = lost or [max(others, key=lambda other: other[1])]
        message = f"{MAIN} {ours:.4f}, " + ", ".join(f"{name} {theirs:.4f}" for name, theirs in shown)
        return GateResult(not lost, message, ours - max(theirs for _, theirs in others), limit, self.how_to_accept())


GATES.register(BeatsBaselines())
