"""Recommendations as JSON-ready dicts, in the shapes of `api.responses`."""

from __future__ import annotations

from typing import Any

from gnn.paths import Node, Path, Reason
from gnn.recommend import Recommendation, Recommendations
from gnn.rules import Effect


def recommendations(result: Recommendations, *, request_id: str, degraded: list[str]) -> dict[str, Any]:
    """Return the body of a `RecommendationList`."""
    return {
        "request_id": request_id,
        "build_id": result.build_id,
        "user_id": result.user_id,
        "strategy": result.strategy,
        "degraded": degraded,
        "rules": [_effect(effect) for effect in result.rules],
        "items": [item(recommendation) for recommendation in result.items],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {"rule_id": effect.rule_id, "name": effect.name, "action": effect.action, "items": list(effect.items), "left_out": effect.n_left_out}


def item(recommendation: Recommendation) -> dict[str, Any]:
    """Return a `RecommendedItem`."""
    return {
        "item_id": recommendation.item_id,
        "title": recommendation.title,
        "rank": recommendation.rank,
        "score": recommendation.score,
        "remainder": recommendation.remainder,
        "reasons": [_reason(reason) for reason in recommendation.reasons],
    }


def _reason(reason: Reason) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": reason.kind, "share": reason.share, "sentence": reason.sentence}
    if reason.kind == "graph":
        body |= {"relation": reason.relation, "paths": [_path(path) for path in reason.paths]}
    if reason.n_not_shown:
        body["paths_not_shown"] = {"count": reason.n_not_shown, "share": reason.share_not_shown}
    if reason.kind == "learned":
        body["history"] = [{"item_id": item_id, "title": title, "share": share} for item_id, title, share in reason.history]
    return body


def _path(path: Path) -> dict[str, Any]:
    edges = [{"type": edge.type, "reverse": edge.reverse} for edge in path.edges]
    return {"share": path.share, "nodes": [_node(node) for node in path.nodes], "edges": edges}


def _node(node: Node) -> dict[str, Any]:
    body: dict[str, Any] = {"label": node.label}
    if node.key is not None:
        body["key"] = dict(node.key)
    if node.title is not None:
        body["title"] = node.title
    if node.count is not None:
        body["count"] = node.count
    return body
