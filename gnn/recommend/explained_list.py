"""The items of a list with their scores, their reasons, and those of what adjusted them: all shares are of the score that ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gnn.artifact.artifact import Artifact
from gnn.explain.display_titles import distinct_titles
from gnn.explain.explainer import Explanation, Path, Reason
from gnn.explain.messages.message import Text
from gnn.explain.reasons import Limits
from gnn.recommend.adjustments import ScoreChange
from gnn.recommend.query import Recommendation, RecQuery
from gnn.recommend.ranking import RankedItem
from gnn.recommend.rules.kinds.base import Pin
from gnn.recommend.scoring.scored import Scored

_LIMITS = {"brief": (3, 1), "full": (8, 5)}
"""Reasons per item and paths per reason that a list shows."""
_MIN_SHARE = 0.005
"""What is less than half a percent of a score is no reason to show in a list."""


def limits_of(explain: str, *, show_ids: bool = False) -> Limits:
    """Return how much of a score a list states.

    Args:
        explain: "brief" or "full".
        show_ids: List the other shoppers on a path one by one.
    """
    max_reasons, max_paths = _LIMITS[explain]
    return Limits(max_reasons, max_paths, min_share=_MIN_SHARE, show_ids=show_ids, cut_runs=True)


def recommendations(
    artifact: Artifact, scored: Scored, ranked: Sequence[RankedItem], query: RecQuery, popular: Callable[[int], Reason]
) -> list[Recommendation]:
    """Return the items of a list with their reasons, those of adjustments included.

    Args:
        artifact: Whose items they are.
        scored: The scores, and what explains them.
        ranked: The list.
        query: What the caller asked for.
        popular: The reason of what fills a list: how popular an item is.
    """
    explanations: dict[int, Explanation] = {}
    if query.explain != "none" and scored.explainer is not None and scored.history is not None:
        explained = [item.num for item in ranked if _base(item) > 0]
        if explained:
            limits = limits_of(query.explain, show_ids=query.show_ids)
            explanations = dict(zip(explained, scored.explainer.explain_all(scored.history, explained, limits), strict=True))
    titles = distinct_titles(artifact, [item.num for item in ranked])
    explained_items = [_explanation(scored, item, explanations.get(item.num), query, popular) for item in ranked]
    return [
        _recommendation(artifact, item, explanation, titles[item.num], query, _trend(artifact, scored, item))
        for item, explanation in zip(ranked, explained_items, strict=True)
    ]


def _explanation(scored: Scored, item: RankedItem, path_sum: Explanation | None, query: RecQuery, popular: Callable[[int], Reason]) -> Explanation:
    base = _base(item)
    if query.explain == "none":
        return Explanation(max(base, 0.0), (), 1.0, 0)
    if path_sum is not None:
        return path_sum
    if scored.sentence is not None and base > 0:
        one = scored.reason if query.explain == "full" else None
        return Explanation(base, (one(item.num) if one else Reason(scored.strategy, 1.0, scored.sentence(item.num)),), 0.0, 0)
    # Where nothing leads from the history to what is left, popular items fill the list, and say so.
    return Explanation(0.0, (popular(item.num),), 0.0, 0)


def _trend(artifact: Artifact, scored: Scored, item: RankedItem) -> float | None:
    return artifact.trend(item.num) if scored.history is not None and _base(item) > 0 else None


def _recommendation(
    artifact: Artifact, item: RankedItem, explanation: Explanation, shown_title: Text, query: RecQuery, trend: float | None
) -> Recommendation:
    explanation = adjusted(explanation, item.changes, shown=query.explain != "none")
    item_id, title = artifact.item_ids[item.num], artifact.titles[item.num]
    return Recommendation(
        item_id, title, item.rank, explanation.score, explanation.remainder, explanation.reasons, item.rank_by_score, shown_title, trend
    )


def _base(item: RankedItem) -> float:
    """Return the score of an item without adjustments."""
    return item.score - sum(change.delta for change in item.changes)


def adjusted(explanation: Explanation, changes: Sequence[ScoreChange], *, shown: bool) -> Explanation:
    """Add what adjustments changed to an explained score.

    Args:
        explanation: The score without them.
        changes: What each adds.
        shown: Give them as reasons; otherwise the remainder holds everything.

    Returns:
        Shares of the adjusted score; they and the remainder add up to 1.
    """
    total = explanation.score + sum(one.delta for one in changes)
    if not changes or not total:
        return explanation
    if not shown:
        return replace(explanation, score=total)
    scale = explanation.score / total
    reasons = [_scaled(reason, scale) for reason in explanation.reasons]
    reasons += [Reason(one.kind, one.delta / total, one.message) for one in changes]
    reasons.sort(key=lambda reason: -reason.share)
    return Explanation(total, tuple(reasons), explanation.remainder * scale, explanation.n_paths)


def pinned_item(item: Recommendation, pin: Pin | None, query: RecQuery) -> Recommendation:
    """Add the reason that a business rule put an item where it is; it has no part in the score.

    Args:
        item: The item.
        pin: What put it there, if anything did.
        query: Whether there are reasons.
    """
    if pin is None or query.explain == "none":
        return item
    return replace(item, reasons=(*item.reasons, Reason("rule", 0.0, pin.sentence(item.rank_by_score))))


def _scaled(reason: Reason, scale: float) -> Reason:
    paths = tuple(Path(path.share * scale, path.nodes, path.edges) for path in reason.paths)
    history = tuple((item_id, title, share * scale) for item_id, title, share in reason.history)
    return replace(reason, share=reason.share * scale, paths=paths, share_not_shown=reason.share_not_shown * scale, history=history)
