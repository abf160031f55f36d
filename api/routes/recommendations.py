"""Recommendations of a user, and the reckoning of one item."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api import render
from api.auth import require
from api.keys import ApiKey
from api.responses import Explanation, Problem, RecommendationList, request_id
from api.serving import Serving
from kg.errors import InputError

router = APIRouter(prefix="/v1", tags=["recommendations"])
_PROBLEMS: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (401, 403, 404, 422, 503)}
UserId = Annotated[str, Path(min_length=1, max_length=512, description="Percent-encode what a path cannot hold.")]
ItemId = Annotated[str, Path(min_length=1, max_length=512, description="Percent-encode what a path cannot hold.")]
Reader = Annotated[ApiKey, Depends(require("recommend:read"))]


@router.get("/users/{user_id:path}/recommendations/{item_id:path}/explanation", response_model=Explanation, responses=_PROBLEMS)
def explain(request: Request, user_id: UserId, item_id: ItemId, key: Reader) -> Response:
    """Tell the whole reckoning of one item for one user, recommended or not."""
    serving: Serving = request.app.state.serving
    recommender = serving.recommender
    told = recommender.explain(user_id, item_id, fresh=serving.fresh(user_id), show_ids=key.allows("graph:read"))
    body = {
        "request_id": request_id(request),
        "build_id": recommender.artifact.build_id,
        "user_id": user_id,
        "degraded": serving.degraded,
        "item": render.item(told),
    }
    return _json(body)


@router.get("/users/{user_id:path}/recommendations", response_model=RecommendationList, responses=_PROBLEMS)
def recommend(
    request: Request, user_id: UserId, key: Reader, k: Annotated[int, Query(ge=1, le=1000, description="How many items.")] = 10
) -> Response:
    """Recommend items to a user, each with the graph paths that produced its score."""
    serving: Serving = request.app.state.serving
    if k > request.app.state.config.max_k:
        raise InputError(f"k is {k}", hint=f"ask for at most {request.app.state.config.max_k}")
    result = serving.recommender.recommend(user_id, k, fresh=serving.fresh(user_id), show_ids=key.allows("graph:read"))
    return _json(render.recommendations(result, request_id=request_id(request), degraded=serving.degraded))


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
