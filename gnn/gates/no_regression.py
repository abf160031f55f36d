"""The gate `no_regression`: the model must not rank clearly worse than the published one."""

from __future__ import annotations

from gnn.gates.base import GATES, MAIN, Gate, GateResult, Report, unmeasured


class NoRegression(Gate):
    """The upper end of the 95 % bootstrap interval of ndcg@10 is no further below the published build's value than the limit, a share of it.

    Each build is measured on the last events that it knows, withheld from training: the same users and items where the events are the same.
    """

    name = "no_regression"
    summary = "ndcg@10, at the upper end of its bootstrap interval, not below that of the published build"
    limit = 0.05
    on = True
    needs = ()

    def check(self, report: Report, previous: Report, limit: float) -> GateResult:
        """Compare the models of the two builds, which come first in their reports."""
        nothing = unmeasured(self, report, limit)
        if nothing:
            return nothing
        if not previous.get("models") or not previous.get("users"):
            return GateResult(True, "no build to compare with", None, limit)
        now, before = (next(iter(each["models"].values())) for each in (report, previous))
        ours, theirs = (float(each["metrics"][MAIN]) for each in (now, before))
        if MAIN not in now.get("intervals_95", {}):
            return GateResult(True, f"{MAIN} {ours:.4f}, in the published build {theirs:.4f}; without an interval nothing is certain", None, limit)
        low, high = now["intervals_95"][MAIN]
        fallen = (theirs - high) / theirs if theirs > 0 else 0.0
        message = f"{MAIN} {ours:.4f} (95 %: {low:.4f}–{high:.4f}), in the published build {theirs:.4f}"
        if fallen > limit:
            message += f": {fallen:.1%} below it, at most {limit:.0%} wanted"
        return GateResult(fallen <= limit, message, round(fallen, 4), limit, self.how_to_accept())


GATES.register(NoRegression())
