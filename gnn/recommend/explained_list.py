"""The items of a list with their scores, their reasons, and those of what adjusted them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gnn.artifact.artifact import Artifact
from gnn.explain.display_titles import told_apart
from gnn.explain.messages.message import Text
from gnn.explain.reasons import Explanation, Limits, Reason
from gnn.recommend.adjustments import adjusted
from gnn.recommend.query import Recommendation, RecQuery
from gnn.recommend.ranking import RankedItem
from gnn.recommend.scoring.scored import Scored

_LIMITS = {"brief": (3, 1), "full": (8, 5)}
"""Reasons per item and paths per reason that a list shows."""
_MIN_SHARE = 0.005
"""What is less than half a percent of a score is no reason to show in a list."""


def recommendations(
    artifact: Artifact, scored: Scored, places: Sequence[RankedItem], query: RecQuery, popular: Callable[[int], Reason]
) -> list[Recommendation]:
    """Return the items of a list with their reasons, those of adjustments included.

    Args:
        artifact: Whose items they are.
        scored: The scores, and what explains them.
        places: The list.
        query: What the caller asked for.
        popular: The reason of what fills a list: how popular an item is.
    """
    told: dict[int, Explanation] = {}
    if query.explain != "none" and scored.explainer is not None and scored.history is not None:
        explained = [place.num for place in places if _base(place) > 0]
        if explained:
            max_reasons, max_paths = _LIMITS[query.explain]
            limits = Limits(max_reasons, max_paths, min_share=_MIN_SHARE, show_ids=query.show_ids)
            told = dict(zip(explained, scored.explainer.explain_all(scored.history, explained, limits), strict=True))
    titles = told_apart(artifact, [place.num for place in places])
    reasons = [_explanation(scored, place, told.get(place.num), query, popular) for place in places]
    return [
        _recommendation(artifact, place, reason, titles[place.num], query, _trend(artifact, scored, place))
        for place, reason in zip(places, reasons, strict=True)
    ]


def _explanation(scored: Scored, place: RankedItem, told: Explanation | None, query: RecQuery, popular: Callable[[int], Reason]) -> Explanation:
    base = _base(place)
    if query.explain == "none":
        return Explanation(max(base, 0.0), (), 1.0, 0)
    if told is not None:
        return told
    if scored.sentence is not None and base > 0:
        one = scored.reason if query.explain == "full" else None
        return Explanation(base, (one(place.num) if one else Reason(scored.strategy, 1.0, scored.sentence(place.num)),), 0.0, 0)
    # Where nothing leads from the history to what is left, popular items fill the list, and say so.
    return Explanation(0.0, (popular(place.num),), 0.0, 0)


def _trend(artifact: Artifact, scored: Scored, place: RankedItem) -> float | None:
    in_season = scored.history is not None and artifact.model.factor is not None and _base(place) > 0
    return artifact.model.factor_of(place.num) if in_season else None


def _recommendation(
    artifact: Artifact, place: RankedItem, told: Explanation, shown_title: Text, query: RecQuery, trend: float | None
) -> Recommendation:
    told = adjusted(told, place.moved, shown=query.explain != "none")
    item_id, title = artifact.item_ids[place.num], artifact.titles[place.num]
    return Recommendation(item_id, title, place.rank, told.score, told.remainder, told.reasons, place.rank_by_score, shown_title, trend)


def _base(place: RankedItem) -> float:
    """Return the score of a place without adjustments."""
    return place.score - sum(moved.delta for moved in place.moved)
