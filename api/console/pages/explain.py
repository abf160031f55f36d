"""A list and its reasons: whose, under which conditions, why this, why not that, and what if."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console import suggestions
from api.console.graphs.drawing import Drawing
from api.console.registry import PAGES, ConsolePage
from api.console.rest import Call, get, segment
from api.console.visit import SignedIn, Visit, page_router
from api.console.what_if import changed_list
from api.recommendations import render as rendered
from api.recommendations.query import ShopperQuery, parse_query
from gnn.explain.messages.languages import Languages
from gnn.recommend.strategies.registry import user_strategies
from gnn.recommend.why_not import without_edge
from kg import schema
from kg.errors import InputError, NotFoundError

router = page_router()
PAGES.register(ConsolePage("explain", 20, "recommend:read", router, {"en": "Explain", "zh": "解释"}))
_HISTORY_SHOWN = 15
_PATHS_DRAWN = 12
_SUGGESTED = 12
_CONTROLS = ("user", "history", "strategy", "k", "diversity", "brand_cap", "price_to", "brand", "category", "filter")


@router.get("")
async def explain(visit: SignedIn) -> Response:
    """Show the controls and, where a shopper or a history is given, the list."""
    rules = await visit.get("/v1/rules") if visit.key.allows("admin") else {"rules": []}
    context = {
        "controls": {name: visit.field(name) for name in _CONTROLS},
        "keep_seen": bool(visit.field("keep_seen")),
        "rules": rules["rules"],
        "rules_off": visit.several("rule_off"),
        "strategies": user_strategies(),
        "samples": _samples(visit),
        "answer": await _answer(visit),
    }
    return visit.page("explain.html", "explain", **context)


@router.get("/list")
async def ranked(visit: SignedIn) -> Response:
    """Show the list alone, for controls that act at once."""
    response = visit.part("explain_list.html", answer=await _answer(visit))
    response.headers["HX-Push-Url"] = f"/console/explain?{_query(visit)}"
    return response


@router.get("/item")
async def item(visit: SignedIn) -> Response:
    """Show everything that adds to one item's score: all reasons, their paths drawn, each path's Cypher."""
    user_id, item_id = visit.field("user"), visit.field("item")
    call = get(f"/v1/users/{segment(user_id)}/recommendations/{segment(item_id)}/explanation", language=visit.words.language)
    result = (await visit.call(call))["item"]
    paths = [path for reason in result["reasons"] for path in reason.get("paths", [])]
    drawing = Drawing()
    drawing.add_paths(sorted(paths, key=lambda path: -path["share"])[:_PATHS_DRAWN])
    shown = sorted(paths, key=lambda path: -path["share"])[:_SUGGESTED]
    context = {"item": result, "user_id": user_id, "drawing": drawing, "paths": shown, "n_paths": len(paths), "curl": visit.curl(call)}
    return visit.part("explain_item.html", **context)


@router.get("/without-edge")
async def without(visit: SignedIn) -> Response:
    """Show what an item's score would be without one edge of the graph."""
    serving, source, target = visit.serving, visit.field("source"), visit.field("target")
    relation = visit.field("relation").lower()
    (source_label, source_key), (target_label, target_key) = _ends(source), _ends(target)
    edge_type = (_node_type(source_label), relation, _node_type(target_label))
    recommender = serving.recommender
    effect = await run_in_threadpool(without_edge, recommender, visit.field("user"), visit.field("item"), edge_type, source_key, target_key)
    return visit.part("explain_edge.html", effect=effect)


@router.get("/why-not")
async def why_not(visit: SignedIn) -> Response:
    """Show why an item is not in the list."""
    user_id, wanted = visit.field("user"), visit.field("item")
    if not user_id or not wanted:
        return visit.part("explain_why_not.html", found=None, curl="")
    call = get(
        f"/v1/users/{segment(user_id)}/recommendations/{segment(_item_id(visit, wanted))}/why-not",
        {"k": visit.number("k", 10, 1, 100), "filter": _filter(visit) or None},
        language=visit.words.language,
    )
    return visit.part("explain_why_not.html", found=await visit.call(call), curl=visit.curl(call))


@router.get("/users")
async def users(visit: SignedIn) -> Response:
    """Suggest shoppers whose ids begin so."""
    return visit.part("options.html", options=[(user_id, "") for user_id in _users(visit, visit.field("user"))])


@router.get("/items")
async def items(visit: SignedIn) -> Response:
    """Suggest items that the words typed so far find."""
    typed = visit.field("item") or visit.field("q")
    if not typed:
        return visit.part("options.html", options=[])
    return visit.part("options.html", options=await suggestions.items(visit, typed))


async def _answer(visit: Visit) -> dict[str, Any] | None:
    user_id, history = visit.field("user"), visit.field("history")
    if history:
        call = Call("POST", "/v1/recommendations", _ad_hoc(visit, history), visit.words.language)
        return _shown(visit, await visit.call(call), call, None, [])
    if not user_id:
        return None
    call = get(f"/v1/users/{segment(user_id)}/recommendations", _parameters(visit), language=visit.words.language)
    now = await visit.call(call)
    rules_off, items_off = visit.several("rule_off"), visit.several("item_off")
    if rules_off:
        visit.require("admin")
    if not rules_off and not items_off:
        return _shown(visit, now, call, None, _history(visit, user_id, []))
    changed = await run_in_threadpool(_changed, visit, user_id, rules_off, items_off)
    return _shown(visit, changed, call, now, _history(visit, user_id, items_off))


def _changed(visit: Visit, user_id: str, rules_off: list[str], items_off: list[str]) -> dict[str, Any]:
    app, recommender = visit.request.app, visit.serving.recommender
    given = {name: value for name, value in _parameters(visit).items() if value is not None}
    try:
        parameters = ShopperQuery.model_validate({**given, "cap": [given["cap"]] if "cap" in given else []})
    except ValidationError as error:
        raise InputError(error.errors()[0]["msg"]) from None
    query = parse_query(parameters, recommender, max_k=app.state.config.max_k, show_ids=visit.key.allows("graph:read"), of=user_id).query
    result = changed_list(visit.serving, user_id, query, rules_off=rules_off, items_off=items_off)
    sentences: Languages = app.state.languages
    return rendered.recommendations(result, sentences[visit.words.language], degraded=visit.serving.degraded, next_page_token=None)


def _shown(visit: Visit, answer: dict[str, Any], call: Call, before: dict[str, Any] | None, history: list[dict[str, Any]]) -> dict[str, Any]:
    ranks = None if before is None else {item["item_id"]: item["rank"] for item in before["items"]}
    listed = {item["item_id"] for item in answer["items"]}
    return {
        **answer,
        "curl": visit.curl(call),
        "permalink": f"/console/explain?{_query(visit)}",
        "ranks_before": ranks,
        "left": [] if before is None else [item for item in before["items"] if item["item_id"] not in listed],
        "history": history,
        "rules_off": visit.several("rule_off"),
        "cypher": _CYPHER if visit.key.allows("graph:read") else "",
        "query": _query(visit),
    }


_CYPHER = (
    "MATCH (u:User)-[:PURCHASED]->(h:Item)-[r]->(v)<-[s]-(i:Item)\n"
    "WHERE u.user_id = $user AND i.item_id = $item AND type(s) = type(r)\n"
    "RETURN h.title AS bought, type(r) AS relation, v.value AS value LIMIT 50"
)


def _parameters(visit: Visit) -> dict[str, str | int | float | bool | None]:
    return {
        "k": visit.number("k", 10, 1, 100),
        "strategy": visit.field("strategy") or None,
        "diversity": _decimal(visit.field("diversity")),
        "exclude_seen": False if visit.field("keep_seen") else None,
        "cap": f"has_brand:{visit.number('brand_cap', 0, 0, 99)}" if visit.number("brand_cap", 0, 0, 99) else None,
        "filter": _filter(visit) or None,
    }


def _decimal(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= 1 else None


def _filter(visit: Visit) -> str:
    """Return the filter that the controls say, as JSON."""
    parts: list[Any] = []
    if (price := _decimal_price(visit.field("price_to"))) is not None:
        parts.append({"field": "price_cents", "lte": price})
    parts += [{"relation": f"has_{name}", "eq": visit.field(name)} for name in ("brand", "category") if visit.field(name)]
    if visit.field("filter"):
        try:
            parts.append(orjson.loads(visit.field("filter")))
        except orjson.JSONDecodeError as error:
            raise InputError(f"the filter is not JSON: {error}", hint='write for example {"field": "price_cents", "lte": 2000}') from None
    return "" if not parts else orjson.dumps(parts[0] if len(parts) == 1 else {"all": parts}).decode()


def _decimal_price(text: str) -> int | None:
    try:
        return round(float(text) * 100) if text else None
    except (ValueError, OverflowError):
        raise InputError(f"{text[:30]!r} is no price", hint="write 19.90") from None


def _ad_hoc(visit: Visit, history: str) -> dict[str, Any]:
    """Return the body for a pasted history: an item a line, after it how it was met."""
    events = []
    for line in history.splitlines()[:1_000]:
        item_id, _, kind = line.strip().partition(" ")
        if item_id:
            events.append({"item_id": item_id.rstrip(","), "kind": kind.strip() or "purchase"})
    body = {"history": events, "k": visit.number("k", 10, 1, 100), "diversity": _decimal(visit.field("diversity")) or 0.0}
    if _filter(visit):
        body["filter"] = orjson.loads(_filter(visit))
    if visit.field("strategy"):
        body["strategy"] = visit.field("strategy")
    return body


def _query(visit: Visit) -> str:
    pairs = [(name, visit.field(name)) for name in (*_CONTROLS, "keep_seen") if visit.field(name)]
    pairs += [(name, value) for name in ("rule_off", "item_off") for value in visit.several(name)]
    return urlencode(pairs)


def _history(visit: Visit, user_id: str, items_off: list[str]) -> list[dict[str, Any]]:
    """Return what counts most of a shopper's history, and what was switched off of it."""
    recommender = visit.serving.recommender
    user = recommender.users.user(user_id, visit.serving.fresh(user_id, recommender))
    artifact, history = recommender.artifact, user.history
    heaviest = sorted(zip(history.nums.tolist(), history.weights.tolist(), history.relations, strict=True), key=lambda row: (-row[1], row[0]))
    rows = [
        {"item_id": artifact.item_ids[num], "title": artifact.titles[num], "relation": schema.relation(relation).type, "weight": weight}
        for num, weight, relation in heaviest
    ]
    kept = [row for n, row in enumerate(rows) if n < _HISTORY_SHOWN or row["item_id"] in items_off]
    return [{**row, "off": row["item_id"] in items_off, "n": len(rows)} for row in kept]


def _users(visit: Visit, prefix: str) -> list[str]:
    """Return shoppers whose ids begin so; only keys that may know shoppers get any."""
    artifact = visit.serving.artifact
    if artifact is None or not visit.key.allows("profile:read"):
        return []
    ids = artifact.user_ids
    first = bisect_left(ids, prefix)
    return [user_id for user_id in ids[first : first + _SUGGESTED] if user_id.startswith(prefix)]


def _samples(visit: Visit) -> list[str]:
    artifact = visit.serving.artifact
    if artifact is None or not visit.key.allows("profile:read"):
        return []
    ids = artifact.user_ids
    return [ids[n] for n in sorted({len(ids) * part // 6 for part in range(6)}) if n < len(ids)][:6]


def _item_id(visit: Visit, wanted: str) -> str:
    """Return the item that a text names: its id, or its title where only one item has it."""
    artifact = visit.serving.recommender.artifact
    if wanted in artifact.item_nums:
        return wanted
    same = [item_id for item_id, title in zip(artifact.item_ids, artifact.titles, strict=True) if title == wanted]
    if len(same) == 1:
        return same[0]
    raise NotFoundError(f"no item is called {wanted[:80]!r}", hint="choose one of the suggestions, or give its id")


def _ends(text: str) -> tuple[str, str]:
    label, colon, key = text.partition(":")
    if not colon or not label or not key:
        raise InputError("the edge has no two nodes", hint="choose one of the table")
    return label, key


def _node_type(label: str) -> str:
    """Return the node type of a label ("PackSize" → "pack_size")."""
    return schema.checked_name("".join(f"_{c.lower()}" if c.isupper() else c for c in label).lstrip("_"), what="node type")
