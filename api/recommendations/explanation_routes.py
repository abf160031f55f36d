"""The whole explanation of one item for one user, and why an item is not in the list."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.ids import PathId
from api.http.language import Language, language_headers
from api.http.schemas import Answer, request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.recommendations import render
from api.recommendations.measured_route import MeasuredRoute, recommender_of
from api.recommendations.query import MAX_FILTER, check_k
from api.recommendations.schemas import Explanation
from api.serving.snapshot_server import Serving
from gnn.recommend.filters import parse_filter
from gnn.recommend.why_not import why_not
from kg.errors import InputError

router = APIRouter(prefix="/v1", tags=["explanations"], route_class=MeasuredRoute)
RecommendKey = Annotated[ApiKey, Depends(require("recommend:read"))]


class PathGap(Answer):
    """What one kind of path gives the item, beside what it gives the items of the list."""

    meta_path: str = Field(description="The kind of path, or “learned similarity”.")
    contribution: float
    listed: float = Field(description="Mean over the items of the list.")
    missing: float


class ChangedEvent(Answer):
    """One event to add or take away."""

    item_id: str
    title: str
    relation: str


class Change(Answer):
    """A smallest set of events, among those tried, that brings the item into the list; verified by scoring again."""

    action: str = Field(examples=["add"])
    events: list[ChangedEvent]
    rank: int


class WhyNot(Answer):
    """Why an item is not in the list of a user, or that it is."""

    request_id: str
    build_id: str
    user_id: str
    item_id: str
    title: str
    k: int
    score: float
    rank: int = Field(description="In the list that is served, business rules and ignored impressions included.")
    rank_by_score: int = Field(description="By the score alone, among what may be recommended.")
    kth_score: float = Field(description="Score of the last item of the list that is served.")
    missing_score: float
    filtered: list[str] = Field(description="Why the item is left out whatever it scores.")
    lacks: list[PathGap]
    changes: list[Change]
    degraded: list[str]


class WhyNotQuery(BaseModel):
    """What list the question is about."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(default=10, ge=1, description="Length of the list; the most is the configuration's `max_k`.")
    filter: str = Field(default="", max_length=MAX_FILTER, description="The filter of the list, as JSON text.")


@router.get("/users/{user_id:path}/recommendations/{item_id:path}/explanation", response_model=Explanation)
def explain(request: Request, user_id: PathId, item_id: PathId, key: RecommendKey, language: Language) -> Response:
    """Explain the whole score of one item for one user, recommended or not.

    Every path comes with the Cypher that finds it again in the graph. A history item that the graph does not hold yet, because its event is younger
    than the build, begins its path itself.
    """
    serving: Serving = request.app.state.serving
    recommender = recommender_of(request)
    fresh = serving.fresh(user_id, recommender)
    explained = recommender.explain(user_id, item_id, fresh=fresh, show_ids=key.allows("graph:read"))
    saved = recommender.saved(user_id)
    build_id = recommender.artifact.build_id
    body = {
        "request_id": request_id(request),
        "build_id": build_id,
        "user_id": user_id,
        "degraded": serving.degraded,
        "item": render.item(explained, request.app.state.languages[language], replay=lambda path: render.replayed(path, saved, build_id)),
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=language_headers(language))


@router.get("/users/{user_id:path}/recommendations/{item_id:path}/why-not", response_model=WhyNot)
def explain_absence(
    request: Request, user_id: PathId, item_id: PathId, key: RecommendKey, language: Language, list_query: Annotated[WhyNotQuery, Query()]
) -> Response:
    """Tell why an item is not among the first k of a user: its rank, what it lacks, and the fewest events that would bring it in."""
    serving: Serving = request.app.state.serving
    recommender = recommender_of(request)
    check_k(list_query.k, request.app.state.config.max_k)
    try:
        wanted = parse_filter(orjson.loads(list_query.filter), recommender.columns) if list_query.filter else None
    except orjson.JSONDecodeError as error:
        raise InputError(f"filter is not JSON: {error}", hint="percent-encode it") from None
    answer = why_not(recommender, user_id, item_id, list_query.k, fresh=serving.fresh(user_id, recommender), wanted=wanted)
    changes = [
        {"action": c.action, "events": [dict(zip(("item_id", "title", "relation"), e, strict=True)) for e in c.events], "rank": c.rank}
        for c in answer.changes
    ]
    lacks = [asdict(row) | {"missing": row.missing} for row in answer.lacks]
    words = request.app.state.languages[language]
    body = {
        "request_id": request_id(request),
        **asdict(answer),
        "filtered": [words.text(why) for why in answer.filtered],
        "lacks": lacks,
        "changes": changes,
        "degraded": serving.degraded,
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=language_headers(language))
