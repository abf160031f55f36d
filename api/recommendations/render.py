"""Recommendations as JSON-ready dicts, in the shapes of `api.recommendations.schemas`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from math import isnan
from typing import Any

from api.recommendations.schemas import model_of
from gnn.explain.explainer import Node, Path, Reason
from gnn.explain.messages.catalogue import Catalogue
from gnn.recommend.recommender import Recommendation, Recommendations
from gnn.recommend.rules.compiled import Effect
from kg.cypher import replay_path

Replay = Callable[[Path], dict[str, Any]]


def recommendations(result: Recommendations, words: Catalogue, *, degraded: list[str], next_page_token: str | None) -> dict[str, Any]:
    """Return the body of a `RecommendationList`, but for its request id."""
    return {
        "build_id": result.build_id,
        "user_id": result.user_id,
        "strategy": result.strategy,
        "degraded": degraded,
        "fresh_events": result.n_fresh,
        "reranked": list(result.reranked),
        "rules": [_effect(effect) for effect in result.rules],
        "interests": [
            {"relation": edit.relation, "value": edit.value, "weight": edit.weight, "history_items": edit.n_history, "hidden_items": edit.n_hidden}
            for edit in result.interests
        ],
        "next_page_token": next_page_token,
        "items": [item(recommendation, words) for recommendation in result.items],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {"rule_id": effect.rule_id, "name": effect.name, "action": effect.action, "items": list(effect.items), "left_out": effect.n_left_out}


def item(recommendation: Recommendation, words: Catalogue, replay: Replay | None = None) -> dict[str, Any]:
    """Return a `RecommendedItem`.

    Args:
        recommendation: The item.
        words: The language.
        replay: Adds to each path what finds it again.
    """
    return {
        "item_id": recommendation.item_id,
        "title": recommendation.title,
        "display_title": words.text(recommendation.shown_title) or recommendation.title,
        "rank": recommendation.rank,
        "rank_by_score": recommendation.rank_by_score,
        "score": recommendation.score,
        "trend": recommendation.trend,
        "remainder": recommendation.remainder,
        "reasons": [_reason(reason, words, replay) for reason in recommendation.reasons],
    }


def _reason(reason: Reason, words: Catalogue, replay: Replay | None) -> dict[str, Any]:
    """Return what the model of the reason's kind declares, but for members that have nothing to say."""
    body: dict[str, Any] = {"kind": reason.kind}
    for name in _members(reason.kind):
        value = _MEMBERS[name](reason, words, replay)
        if value is not None:
            body[name] = value
    return body


@cache
def _members(kind: str) -> tuple[str, ...]:
    return tuple(name for name in model_of(kind).model_fields if name != "kind")


def _paths(reason: Reason, words: Catalogue, replay: Replay | None) -> list[dict[str, Any]]:
    return [_path(path) | (replay(path) if replay else {}) for path in reason.paths]


def _history(reason: Reason, words: Catalogue, replay: Replay | None) -> list[dict[str, Any]] | None:
    rows: list[dict[str, Any]] = [{"item_id": item_id, "title": title, "share": share} for item_id, title, share in reason.history]
    for row, time in zip(rows, reason.times, strict=False):
        row["time"] = None if isnan(time) else time
    return rows if rows or reason.kind == "learned" else None


def _not_shown(reason: Reason, words: Catalogue, replay: Replay | None) -> dict[str, Any] | None:
    return {"count": reason.n_not_shown, "share": reason.share_not_shown} if reason.n_not_shown else None


_MEMBERS: Mapping[str, Callable[[Reason, Catalogue, Replay | None], Any]] = {
    "share": lambda reason, words, replay: reason.share,
    "sentence": lambda reason, words, replay: words.text(reason.message),
    "relation": lambda reason, words, replay: reason.relation,
    "paths": _paths,
    "paths_not_shown": _not_shown,
    "history": _history,
}
"""Member of a reason → its value; which of them a reason has, the models say."""


def _path(path: Path) -> dict[str, Any]:
    edges = [{"type": edge.type, "reverse": edge.reverse} for edge in path.edges]
    return {"share": path.share, "nodes": [_node(node) for node in path.nodes], "edges": edges}


def replayed(path: Path, saved: Collection[tuple[str, str]], build_id: str) -> dict[str, Any]:
    """Return the Cypher and its parameters that find a path in the graph.

    Args:
        path: From a shopper, or from an item.
        saved: (item id, edge type) of the shopper's edges that the graph holds; without its edge a path begins at the item.
        build_id: The build that answers: where the database holds another one by then, the query says so.
    """
    nodes, edges = path.nodes, path.edges
    if nodes[0].label == "User" and (nodes[0].key is None or ((nodes[1].key or {}).get("item_id", ""), edges[0].type) not in saved):
        nodes, edges = nodes[1:], edges[1:]
    keys = [next(iter(node.key.items())) if node.key else None for node in nodes]
    text, parameters = replay_path([node.label for node in nodes], keys, [(edge.type, edge.reverse) for edge in edges], build_id)
    return {"cypher": text, "parameters": parameters}


def _node(node: Node) -> dict[str, Any]:
    body: dict[str, Any] = {"label": node.label}
    if node.key is not None:
        body["key"] = dict(node.key)
    if node.title is not None:
        body["title"] = node.title
    if node.count is not None:
        body["count"] = node.count
    return body
