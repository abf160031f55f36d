"""Search, and suggestions while somebody types."""

from __future__ import annotations

import re
import zlib
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from api.http.schemas import request_id
from api.keys.key_store import ApiKey
from api.keys.scopes import require
from api.search.provider import SearchProvider
from api.search.schemas import SearchAnswer, SearchBody, SearchParams, SuggestAnswer, SuggestParams
from api.serving.snapshot_server import Serving
from gnn.recommend.filters import parse_filter
from gnn.search.query.understanding import Understood, Word, checked_query
from gnn.search.request import MAX_LISTED, SearchQuery, SearchResult
from kg.errors import InputError
from kg.validation import json_text
from kg.validation.ids import checked

router = APIRouter(prefix="/v1/search", tags=["search"])
Reader = Annotated[ApiKey, Depends(require("recommend:read"))]
_TOKEN = re.compile(r"(\d{1,4})-([0-9a-f]{8})")


@router.get("", response_model=SearchAnswer)
async def search(request: Request, key: Reader, params: Annotated[SearchParams, Query()]) -> Response:
    """Search the catalogue: ranked items, counts of values, and how the query was understood."""
    try:
        user_id = checked(params.user_id) if params.user_id else None
    except ValueError as error:
        raise InputError(f"user_id: {error}", hint="send an id of a shopper, or none") from None
    facets = tuple(name for part in params.facets.split(",") if (name := part.strip()))
    return _answered(request, params, user_id, facets, _json("chosen", params.chosen), _json("filter", params.filter))


@router.post("", response_model=SearchAnswer)
async def search_by_body(request: Request, key: Reader, body: SearchBody) -> Response:
    """Search the catalogue, with the question in a body."""
    return _answered(request, body, body.user_id, tuple(body.facets), body.chosen, body.filter)


@router.get("/suggest", response_model=SuggestAnswer)
async def suggest(request: Request, key: Reader, params: Annotated[SuggestParams, Query()]) -> Response:
    """Suggest kinds of things, brands, categories and products that what was typed begins."""
    serving: Serving = request.app.state.serving
    provider: SearchProvider = request.app.state.search
    recommender = serving.recommender
    suggestions = provider.of(recommender)[1].suggest(checked_query(params.q), params.k)
    body = {"request_id": request_id(request), "build_id": recommender.artifact.build_id, "suggestions": [asdict(one) for one in suggestions]}
    return Response(orjson.dumps(body), media_type="application/json")


def _answered(
    request: Request, request_query: SearchParams | SearchBody, user_id: str | None, facets: tuple[str, ...], chosen: Any, wanted: Any
) -> Response:
    serving: Serving = request.app.state.serving
    provider: SearchProvider = request.app.state.search
    recommender, max_k = serving.recommender, request.app.state.config.max_k
    if request_query.k > max_k:
        raise InputError(f"k is {str(request_query.k)[:20]}", hint=f"ask for at most {max_k}")
    question = zlib.crc32(repr((request_query.q, request_query.sort, user_id, facets, chosen, wanted)).encode())
    offset = _offset(request_query.page_token, question)
    query = SearchQuery(
        request_query.q,
        k=request_query.k,
        offset=offset,
        filter=None if wanted is None else parse_filter(wanted, recommender.columns),
        facets=facets,
        chosen=_chosen(chosen),
        sort=request_query.sort,
        explain=request_query.explain,
    )
    shopper = None if user_id is None else recommender.users.user(user_id, serving.fresh(user_id, recommender))
    result = provider.of(recommender)[0].search(query, shopper)
    end = offset + request_query.k
    token = f"{end}-{question:08x}" if result.more and end < MAX_LISTED else None
    return Response(orjson.dumps(_body(request, result, serving.degraded, token)), media_type="application/json")


def _offset(token: str, question: int) -> int:
    if not token:
        return 0
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise InputError("page_token is not one of ours", hint="send next_page_token as it was answered, or none")
    if int(match[2], 16) != question:
        raise InputError("page_token belongs to another question", hint="ask for the next page with the same parameters as for the first")
    if int(match[1]) >= MAX_LISTED:
        raise InputError(f"place {match[1]} is beyond the end of any list", hint=f"lists are {MAX_LISTED} long at most")
    return int(match[1])


def _json(name: str, text: str) -> Any:
    if not text:
        return None
    wrong = json_text.fault(text)
    if wrong is not None:
        raise InputError(f"{name}: {wrong}")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON: {error}", hint='send for example {"has_brand": ["HP"]}, percent-encoded') from None


def _chosen(given: Any) -> dict[str, tuple[str, ...]]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(values, list) and all(isinstance(one, str) for one in values) for values in given.values()):
        raise InputError("chosen is not an object of lists", hint='write {"has_brand": ["HP", "Dell"]}')
    return {str(name): tuple(values) for name, values in given.items()}


def _body(request: Request, result: SearchResult, degraded: list[str], token: str | None) -> dict[str, Any]:
    return {
        "request_id": request_id(request),
        "build_id": result.build_id,
        "understood": _reading(result.query),
        "total": result.total,
        "complete": result.complete,
        "dropped": list(result.dropped),
        "degraded": degraded,
        "next_page_token": token,
        "facets": [
            {
                "name": facet.name,
                "values": [{"value": value, "count": n} for value, n in facet.values],
                "lowest": facet.lowest,
                "highest": facet.highest,
            }
            for facet in result.facets
        ],
        "items": [asdict(hit) for hit in result.hits],
    }


def _reading(query: Understood) -> dict[str, Any]:
    return {
        "words": [_word(word) for word in query.words],
        "without": [_word(word) for word in query.negated],
        "price_from_cents": query.price_from,
        "price_to_cents": query.price_to,
        "amounts": [
            {"surface": one.surface, "start": one.start, "end": one.end, "meanings": [f"{name} {value}" for name, value in one.values]}
            for one in query.quantities
        ],
        "other_words": [" ".join(phrase) for phrase in query.variants],
    }


def _word(word: Word) -> dict[str, Any]:
    return {"surface": word.surface, "start": word.start, "end": word.end, "term": word.term, "corrected": word.corrected}
