"""The reckoning of an adjusted score: what was added becomes a reason, and all shares are of the score that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gnn.explain.explainer import Explanation, Path, Reason
from gnn.explain.messages.message import Quoted, say
from gnn.recommend.query import Recommendation, RecQuery
from gnn.recommend.ranking import ScoreChange
from gnn.recommend.rules.compiled import Pin


def adjusted(told: Explanation, moved: Sequence[ScoreChange], *, shown: bool) -> Explanation:
    """Add what adjustments moved to an explained score.

    Args:
        told: The score without them.
        moved: What each adds.
        shown: Give them as reasons; otherwise the remainder holds everything.

    Returns:
        Shares of the adjusted score; they and the remainder add up to 1.
    """
    total = told.score + sum(one.delta for one in moved)
    if not moved or not total:
        return told
    if not shown:
        return replace(told, score=total)
    scale = told.score / total
    reasons = [_scaled(reason, scale) for reason in told.reasons]
    reasons += [Reason(one.kind, one.delta / total, one.message) for one in moved]
    reasons.sort(key=lambda reason: -reason.share)
    return Explanation(total, tuple(reasons), told.remainder * scale, told.n_paths)


def pinned_item(item: Recommendation, pin: Pin | None, ask: RecQuery) -> Recommendation:
    """Tell of an item that it stands where a business rule put it: a reason of its own, which has no part in the score.

    Args:
        item: The item at its place.
        pin: What put it there, if anything did.
        ask: Whether reasons are told.
    """
    if pin is None or ask.explain == "none":
        return item
    message = say("rule.placed", rule=Quoted(pin.rule.name), rank=item.rank_by_score)
    return replace(item, reasons=(*item.reasons, Reason("rule", 0.0, message)))


def _scaled(reason: Reason, scale: float) -> Reason:
    paths = tuple(Path(path.share * scale, path.nodes, path.edges) for path in reason.paths)
    history = tuple((item_id, title, share * scale) for item_id, title, share in reason.history)
    return replace(reason, share=reason.share * scale, paths=paths, share_not_shown=reason.share_not_shown * scale, history=history)
