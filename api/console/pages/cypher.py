"""Cypher by hand, the query library with forms, and the queries that analysts keep for one another."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Response

from api.console.graphs.exploring import Explorer
from api.console.graphs.results import result_of
from api.console.registry import PAGES, ConsolePage
from api.console.rest import Call, CallError, Rest
from api.console.saved_queries import SavedQueries
from api.console.visit import SignedIn, Visit, page_router
from kg import schema
from kg.errors import InputError, NotFoundError
from kg.store.library import Parameter

router = page_router()
PAGES.register(ConsolePage("cypher", 40, "graph:read", router, {"en": "Cypher", "zh": "Cypher 查询"}))
_MAX_ROWS = 1_000


@router.get("")
async def cypher(visit: SignedIn) -> Response:
    """Show the editor."""
    explorer = Explorer(visit)
    words = {"labels": explorer.labels(), "types": explorer.relations(), "properties": _properties()}
    text = visit.field("query") or _first(explorer)
    return visit.page(
        "cypher.html", "cypher", text=text, words=orjson.dumps(words).decode(), saved=_saved(visit).all(), parameters=visit.field("parameters")
    )


@router.post("/run")
async def run(visit: SignedIn) -> Response:
    """Run what the editor holds."""
    body = {
        "query": visit.field("query"),
        "parameters": _parameters(visit.field("parameters")),
        "max_rows": visit.number("max_rows", _MAX_ROWS, 1, 10_000),
    }
    call = Call("POST", "/v1/cypher", body, visit.words.language)
    answer = await visit.call(call)
    link = f"/console/cypher?{urlencode({'query': body['query'], 'parameters': visit.field('parameters')})}"
    return visit.part("cypher_result.html", result=result_of(answer), build=answer["build_id"], curl=visit.curl(call), link=link)


@router.post("/csv")
async def as_csv(visit: SignedIn) -> Response:
    """Give the rows of a query as a file."""
    parameters = _parameters(visit.field("parameters"))
    call = Call("POST", "/v1/cypher", {"query": visit.field("query"), "parameters": parameters, "format": "csv", "max_rows": 100_000})
    rest: Rest = visit.request.app.state.console_rest
    status, _, body = await rest.raw(call, visit.key, visit.request.receive)
    if status >= 400:
        raise CallError(orjson.loads(body))
    return Response(
        body, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="query.csv"', "Cache-Control": "no-store"}
    )


@router.post("/save")
async def save(visit: SignedIn) -> Response:
    """Keep a query under a name."""
    visit.require("graph:read")
    _saved(visit).save(visit.field("name"), visit.field("query"), by=visit.by)
    return visit.part("cypher_saved.html", saved=_saved(visit).all())


@router.post("/delete")
async def delete(visit: SignedIn) -> Response:
    """Delete a saved query."""
    visit.require("graph:read")
    _saved(visit).delete(visit.field("name"), by=visit.by)
    return visit.part("cypher_saved.html", saved=_saved(visit).all())


@router.get("/library")
async def library(visit: SignedIn) -> Response:
    """List the questions of the query library; those with all words of the search."""
    wanted = visit.field("q").casefold().split()
    queries = [each for each in (await visit.get("/v1/queries"))["queries"] if not each["personal"] or visit.key.allows("profile:read")]
    result = [each for each in queries if all(word in f"{each['name']} {each['title']} {each['question']}".casefold() for word in wanted)]
    if "hx-request" in visit.request.headers:
        return visit.part("library_list.html", queries=result)
    return visit.page("library.html", "cypher", queries=result, q=visit.field("q"))


@router.get("/library/{name}")
async def question(visit: SignedIn, name: str) -> Response:
    """Show the form of a question."""
    return visit.page("library_query.html", "cypher", query=await _query(visit, name), values=dict(visit.request.query_params))


@router.post("/library/{name}/run")
async def answer(visit: SignedIn, name: str) -> Response:
    """Answer a question of the library."""
    query = await _query(visit, name)
    values = {each["name"]: _typed(each, visit.field(f"p_{each['name']}")) for each in query["parameters"] if visit.field(f"p_{each['name']}")}
    call = Call("POST", f"/v1/queries/{name}/run", {"parameters": values}, visit.words.language)
    result = await visit.call(call)
    link = f"/console/cypher/library/{name}?{urlencode({f'p_{key}': value for key, value in values.items()})}"
    return visit.part("cypher_result.html", result=result_of(result, query["chart"]), build=result["build_id"], curl=visit.curl(call), link=link)


async def _query(visit: Visit, name: str) -> dict[str, Any]:
    queries = (await visit.get("/v1/queries"))["queries"]
    result = next((each for each in queries if each["name"] == name), None)
    if result is None:
        raise NotFoundError(f"the library has no query {name[:80]!r}", hint="choose one of the list")
    return dict(result)


def _typed(parameter: dict[str, Any], text: str) -> Any:
    """Return a field of a form as its parameter's type; what is none goes on as it is, for the API says what is wrong with it."""
    return Parameter(parameter["name"], parameter["type"]).read(text)


def _first(explorer: Explorer) -> str:
    """Return a query to begin with, about a relation that this shop has."""
    type_ = next((name for name in ("HAS_BRAND", "HAS_CATEGORY") if name in explorer.relations()), "HAS_CATEGORY")
    label = type_.removeprefix("HAS_").title()
    return f"MATCH (i:Item)-[:{type_}]->(v:{label})\nRETURN v.value AS {label.lower()}, count(i) AS items\nORDER BY items DESC LIMIT 20"


def _parameters(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the parameters are not JSON: {error}", hint='write {"item": "1082185"}') from None
    if not isinstance(values, dict):
        raise InputError("the parameters are no JSON object", hint='write {"item": "1082185"}')
    return values


def _properties() -> list[str]:
    own = {node.key for node in schema.named_node_types()} | {node.display for node in schema.named_node_types()}
    return sorted(
        own | {"description", "price_cents", "available", "count", "confidence", "surface", "field", "extractor", "first_time", "last_time"}
    )


def _saved(visit: Visit) -> SavedQueries:
    return SavedQueries(visit.request.app.state.workspace.console / "queries.jsonl")
