"""Cypher that reads, and the query library. Who a shopper is, is shown to keys that carry `profile:read` too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic_core import to_jsonable_python

from api.cypher.provider import GraphQueries
from api.cypher.render import rendered
from api.cypher.schemas import CypherAnswer, CypherBody, LibraryList, RunBody
from api.http.schemas import request_id
from api.keys.audit import AuditLog
from api.keys.key_store import ApiKey, require_scope
from api.keys.scopes import require
from kg.errors import InputError
from kg.store.library import LibraryQuery, library, library_query

router = APIRouter(prefix="/v1", tags=["graph"])
Analyst = Annotated[ApiKey, Depends(require("graph:read"))]
_PERSONAL = "profile:read"
_FORMATS: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}}


@router.post("/cypher", response_model=CypherAnswer, responses=_FORMATS)
async def cypher(request: Request, key: Analyst, body: CypherBody) -> Response:
    """Run one Cypher query that reads, within bounds, and note it in the audit log. docs/cypher.md says what it may hold."""
    return await _run(request, key, body.query, body.parameters, body, "")


@router.get("/queries", response_model=LibraryList)
async def queries(request: Request, key: Analyst) -> Response:
    """List the query library: questions that a shop's analysts ask, with what each takes and gives."""
    body = {"request_id": request_id(request), "queries": [_entry(query) for query in library().values()]}
    return Response(orjson.dumps(body), media_type="application/json")


@router.post("/queries/{name}/run", response_model=CypherAnswer, responses=_FORMATS)
async def run_library_query(request: Request, key: Analyst, name: str, body: RunBody) -> Response:
    """Run a query of the library."""
    query = library_query(name)
    if query.personal:
        require_scope(key, _PERSONAL)
    return await _run(request, key, query.text, query.values(body.parameters), body, query.name)


async def _run(request: Request, key: ApiKey, text: str, parameters: Mapping[str, Any], body: RunBody, name: str) -> Response:
    graph: GraphQueries = request.app.state.graph_queries
    longest = request.app.state.config.cypher_timeout_s
    if "timeout_s" in body.model_fields_set and body.timeout_s > longest:
        raise InputError(f"timeout_s is {body.timeout_s:g}", hint=f"at most {longest:g}, which [serve] cypher_timeout_s sets")
    outcome = "answered"
    try:
        result = await graph.run(
            text,
            parameters,
            request.is_disconnected,
            timeout_s=min(body.timeout_s, longest),
            max_rows=body.max_rows,
            personal=key.allows(_PERSONAL),
        )
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        audit: AuditLog | None = request.app.state.query_audit
        if audit is not None:
            subject = {"library": name} if name else {"query": text}
            audit.write(key.key_id, "cypher", request_id=request_id(request), outcome=outcome, parameters=", ".join(parameters), **subject)
    return rendered(result, request_id(request), body.format)


def _entry(query: LibraryQuery) -> dict[str, Any]:
    parameters = [{"name": each.name, "type": each.type, "default": each.default} for each in query.parameters]
    shown: dict[str, Any] = to_jsonable_python(query)
    return {
        **{name: shown[name] for name in ("name", "title", "question", "columns", "chart", "personal")},
        "parameters": parameters,
        "query": query.text,
    }
