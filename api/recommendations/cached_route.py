"""Questions that were just answered are answered again before they are even read: the same bytes, while nothing has changed."""

from __future__ import annotations

from collections.abc import Hashable

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.http.language import language_of
from api.keys.key_store import require_scope
from api.recommendations.measured_route import Handler, measured, recommender_of
from api.recommendations.response_cache import ResponseCache
from api.serving.snapshot_server import Serving
from gnn.recommend.recommender import Recommender

SCOPE = "recommend:read"


class ListRoute(APIRoute):
    """A route of a list that knows a question by its very bytes; what it does not know goes the usual way."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        return measured(_recalling(super().get_route_handler()))


def _recalling(usual: Handler) -> Handler:
    async def handler(request: Request) -> Response:
        known = _known(request) if request.method == "GET" else None
        return await usual(request) if known is None else known

    return handler


def _known(request: Request) -> Response | None:
    serving: Serving = request.app.state.serving
    replies: ResponseCache = request.app.state.replies
    if serving.build_id is None:
        return None
    request.scope["reckon.required"] = SCOPE
    key, degraded = require_scope(request.scope["reckon.key"], SCOPE), serving.degraded
    state_version = state_version_of(request, recommender_of(request))
    return replies.recalled(request, key, question=question_of(request), state_version=state_version, degraded=degraded)


def question_of(request: Request) -> Hashable:
    """Return the question as it came in, the language of its answer, and whether that may name other shoppers."""
    scope = request.scope
    return scope["path"], scope["query_string"], language_of(request), scope["reckon.key"].allows("graph:read")


def state_version_of(request: Request, recommender: Recommender) -> Hashable:
    """Return everything beside the question that its answer depends on.

    Args:
        request: The question.
        recommender: Who will answer: the build with what has changed since.
    """
    serving: Serving = request.app.state.serving
    user_id = request.path_params.get("user_id")
    if user_id is None:
        return recommender.snapshot.version, tuple(serving.degraded)
    fresh = serving.fresh(user_id, recommender)
    return recommender.snapshot.version, len(fresh), fresh[-1].seq if fresh else 0, recommender.snapshot.interests(user_id), tuple(serving.degraded)
