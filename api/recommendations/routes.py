"""Recommendations for a user or for a history that the caller sends."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.ids import PathId
from api.http.language import Language
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.recommendations.cached_route import ListRoute, question_of, state_version_of
from api.recommendations.measured_route import recommender_of
from api.recommendations.query import ListQueryBody, ShopperQuery, StrategyQuery, parse_query
from api.recommendations.response_cache import CachedResponse, ResponseCache
from api.recommendations.schemas import RecommendationList
from api.serving.snapshot_server import Serving
from kg.errors import InputError
from kg.validation import events as event_fields
from kg.validation.fields import Id

router = APIRouter(prefix="/v1", tags=["recommendations"], route_class=ListRoute)
RecommendKey = Annotated[ApiKey, Depends(require("recommend:read"))]
MAX_HISTORY = 1_000


class HistoryItem(BaseModel):
    """One item of an ad-hoc history, and how it was met."""

    model_config = ConfigDict(extra="forbid", strict=True)

    item_id: Id
    kind: event_fields.Kind = "view"
    time: event_fields.Time = Field(default=None, description="ISO 8601 with a zone, or Unix seconds; now by default.")
    value: float | None = Field(default=None, allow_inf_nan=False, description="The rating, of ratings; on the scale of the shop's ratings.")


class AdHoc(StrategyQuery, ListQueryBody):
    """A question about somebody of whom only this is known."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"history": [{"item_id": "1082185", "kind": "purchase"}], "k": 5, "explain": "brief"}]}
    )

    history: list[HistoryItem] = Field(default=[], max_length=MAX_HISTORY)


@router.get("/users/{user_id:path}/recommendations", response_model=RecommendationList)
async def recommend(
    request: Request, user_id: PathId, key: RecommendKey, language: Language, list_query: Annotated[ShopperQuery, Query()]
) -> Response:
    """Recommend items to a user, each with the graph paths that produced its score."""
    serving: Serving = request.app.state.serving
    words = request.app.state.languages[language]
    recommender, degraded = recommender_of(request), serving.degraded
    # Taken before anything is looked up: what comes meanwhile makes it another version.
    state_version = state_version_of(request, recommender)
    question = parse_query(list_query, recommender, max_k=request.app.state.config.max_k, show_ids=key.allows("graph:read"), of=user_id)
    fresh = serving.fresh(user_id, recommender)
    if question.page is not None:
        # A page continues the list as of its first page: events that have come since wait for a new list.
        fresh = [event for event in fresh if event.seq <= question.page.seq]
    seq = fresh[-1].seq if fresh else 0

    def make() -> CachedResponse:
        result = recommender.answer(recommender.users.user(user_id, fresh), question.query)
        return CachedResponse.of(result, words, requested=list_query.strategy, degraded=degraded, next_page_token=question.next_token(result, seq))

    return _replies(request).answer(request, key, question=question_of(request), state_version=state_version, degraded=degraded, make=make)


@router.post("/recommendations", response_model=RecommendationList)
async def recommend_ad_hoc(request: Request, key: RecommendKey, language: Language, list_query: AdHoc) -> Response:
    """Recommend items for a history that the caller sends: an anonymous visitor, or a what-if."""
    serving: Serving = request.app.state.serving
    words = request.app.state.languages[language]
    recommender, replies = serving.recommender, _replies(request)
    for place, event in enumerate(list_query.history):
        try:
            event_fields.check(event.kind, event.time, request.app.state.kinds, time.time())
        except InputError as error:
            raise InputError(f"body.history.{place}: {error.message}", hint=error.hint) from None
    history = tuple((event.item_id, event.kind, event.time, event.value) for event in list_query.history)
    question = parse_query(list_query, recommender, max_k=request.app.state.config.max_k, show_ids=key.allows("graph:read"), of=history)
    degraded = serving.degraded

    def make() -> CachedResponse:
        now = time.time()
        shopper = recommender.ad_hoc([(item, kind, now if at is None else at, value) for item, kind, at, value in history])
        result = recommender.answer(shopper, question.query)
        return CachedResponse.of(result, words, requested=list_query.strategy, degraded=degraded, next_page_token=question.next_token(result, 0))

    times = {at is None for _, _, at, _ in history}
    # Beside events with times those without happened now, so that the list changes by the second.
    state_version: Hashable = object() if len(times) > 1 else (recommender.snapshot.version, tuple(degraded))
    same = (history, question.query, question.question, language)
    return replies.answer(request, key, question=same, state_version=state_version, degraded=degraded, make=make)


def _replies(request: Request) -> ResponseCache:
    replies: ResponseCache = request.app.state.replies
    return replies
