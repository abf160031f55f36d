"""Past answers, exactly as they were given."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from api.http.request_ids import PATTERN
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.recommendations.response_cache import ResponseCache, with_id
from api.recommendations.schemas import RecommendationList
from kg.errors import NotFoundError

router = APIRouter(prefix="/v1", tags=["recommendations"])
RecommendKey = Annotated[ApiKey, Depends(require("recommend:read"))]


@router.get("/recommendations/{request_id}", response_model=RecommendationList)
def replay(request: Request, request_id: Annotated[str, Path(pattern=PATTERN, description="Of the answer.")], key: RecommendKey) -> Response:
    """Give a past list again, byte by byte, with the build that made it; only to the key that got it, or to an admin's."""
    replies: ResponseCache = request.app.state.replies
    replay = replies.store.get(request_id)
    # Somebody else's answer is no different from none: ids tell nothing.
    if replay is None or (replay.key_id != key.key_id and not key.allows("admin")):
        raise NotFoundError(f"there is no answer {request_id!r}", hint="answers are kept for `answers_keep_s`, for the key that they were given to")
    return Response(with_id(request_id, replay.body), media_type="application/json", headers={"Content-Language": replay.language})
