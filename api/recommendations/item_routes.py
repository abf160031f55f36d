"""Lists around items: similar ones, what is bought together, what completes a basket; and lists for everybody."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ConfigDict, Field

from api.http.ids import PathId
from api.http.language import Language
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.recommendations.cached_route import ListRoute, question_of
from api.recommendations.query import Everybody, ListQuery, ListQueryBody, ListQueryParams, WindowQuery, parse_query
from api.recommendations.response_cache import CachedResponse, ResponseCache
from api.recommendations.schemas import RecommendationList
from api.serving.snapshot_server import Serving
from gnn.recommend.query import POPULAR, RecQuery
from gnn.recommend.recommender import Recommendations, Recommender
from gnn.recommend.strategies.basket import BASKET
from gnn.recommend.strategies.bought_together import BOUGHT_TOGETHER
from gnn.recommend.strategies.similar import SIMILAR
from gnn.recommend.strategies.trending import TRENDING
from kg.validation.fields import Id

router = APIRouter(prefix="/v1", tags=["items"], route_class=ListRoute)
RecommendKey = Annotated[ApiKey, Depends(require("recommend:read"))]
MAX_BASKET = 200
Listing = Callable[[Recommender, RecQuery], Recommendations]


class Basket(ListQueryBody):
    """What is in a basket."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"item_ids": ["1082185", "995242"], "k": 5}]})

    item_ids: list[Id] = Field(min_length=1, max_length=MAX_BASKET)


@router.get("/items/popular", response_model=RecommendationList)
async def popular(request: Request, key: RecommendKey, lang: Language, list_query: Annotated[Everybody, Query()]) -> Response:
    """List the items that most shoppers chose, of all time."""
    return _listed(request, key, lang, list_query, POPULAR, None, lambda recommender, query: recommender.answer(recommender.users.ad_hoc(()), query))


@router.get("/items/trending", response_model=RecommendationList)
async def trending(request: Request, key: RecommendKey, lang: Language, list_query: Annotated[WindowQuery, Query()]) -> Response:
    """List the items that were chosen more than usual in the last days of the build."""
    return _listed(request, key, lang, list_query, TRENDING, None, lambda recommender, query: recommender.answer(recommender.users.ad_hoc(()), query))


@router.get("/items/{item_id:path}/similar", response_model=RecommendationList)
async def similar(request: Request, item_id: PathId, key: RecommendKey, lang: Language, list_query: Annotated[ListQueryParams, Query()]) -> Response:
    """List the items most similar to one: the same sum over paths as for a shopper, from this item alone."""
    return _listed(request, key, lang, list_query, SIMILAR, item_id, lambda recommender, query: recommender.similar(item_id, query))


@router.get("/items/{item_id:path}/bought_together", response_model=RecommendationList)
async def bought_together(
    request: Request, item_id: PathId, key: RecommendKey, lang: Language, list_query: Annotated[ListQueryParams, Query()]
) -> Response:
    """List what is bought together with an item: the sum over the paths that say so, and nothing else."""
    return _listed(request, key, lang, list_query, BOUGHT_TOGETHER, item_id, lambda recommender, query: recommender.bought_together(item_id, query))


@router.post("/baskets/recommendations", response_model=RecommendationList)
async def complete(request: Request, key: RecommendKey, lang: Language, list_query: Basket) -> Response:
    """List what completes a basket."""
    item_ids = tuple(sorted(set(list_query.item_ids)))
    return _listed(request, key, lang, list_query, BASKET, item_ids, lambda recommender, query: recommender.basket(item_ids, query))


def _listed(request: Request, key: ApiKey, lang: str, list_query: ListQuery, strategy: str, about: Hashable, listing: Listing) -> Response:
    serving: Serving = request.app.state.serving
    replies: ResponseCache = request.app.state.replies
    words = request.app.state.languages[lang]
    recommender, degraded = serving.recommender, serving.degraded
    more: dict[str, Any] = {"strategy": strategy} if about is None else {}
    if isinstance(list_query, WindowQuery):
        more["window_days"] = list_query.window_days
    question = parse_query(
        list_query, recommender, max_k=request.app.state.config.max_k, show_ids=key.allows("graph:read"), of=(strategy, about), **more
    )

    def make() -> CachedResponse:
        result = listing(recommender, question.query)
        return CachedResponse.of(result, words, requested=strategy, degraded=degraded, next_page_token=question.next_token(result, 0))

    state_version = (recommender.snapshot.version, tuple(degraded))
    same = question_of(request) if request.method == "GET" else (strategy, about, question.query, question.question, lang)
    return replies.answer(request, key, question=same, state_version=state_version, degraded=degraded, make=make)
