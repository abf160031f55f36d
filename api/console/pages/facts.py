"""Facts that a person should look at, and corrections: accepted, corrected, dropped and undone, each shown with its effect before it is saved."""

from __future__ import annotations

from typing import Any, Literal, cast

from fastapi import Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.console.corrections import Action, changed_item, effect, known_relation
from api.console.pages.graph import marked_text
from api.console.registry import PAGES, ConsolePage
from api.console.rest import segment
from api.console.visit import SignedIn, Visit, page_router
from api.serving.item_state import ItemStates
from kg import schema
from kg.errors import InputError
from kg.graph.corrections import FactLog
from kg.resolve.kept_apart import ResolveLog

router = page_router()
PAGES.register(ConsolePage("facts", 50, "graph:read", router, {"en": "Facts", "zh": "事实审核"}))
Queue = Literal["uncertain", "conflicts", "duplicates", "inferred"]
QUEUES: tuple[Queue, ...] = ("uncertain", "conflicts", "duplicates", "inferred")
_WRITE = "catalog:write"
_LIMIT = 40
_LARGEST = 2_000
"""Items of a category that a queue looks through."""
_FACTS = (
    "MATCH (c:Category)<-[:HAS_CATEGORY]-(i:Item)-[r]->(v) WHERE c.value = $category AND {wanted} "
    "RETURN i.item_id AS item, i.title AS title, i.description AS description, type(r) AS relation, v.value AS value, r.surface AS surface, "
    "r.field AS field, r.start AS start, r.`end` AS stop, r.extractor AS extractor, r.confidence AS confidence "
    "ORDER BY confidence, item, relation LIMIT " + str(_LIMIT)
)


@router.get("")
async def facts(visit: SignedIn) -> Response:
    """Show a queue of one category, and the corrections that hold."""
    chosen = visit.field("queue") if visit.field("queue") in QUEUES else QUEUES[0]
    categories = _categories(visit)
    category = visit.field("category") or (categories[0][0] if categories else "")
    rows = await _queue(visit, cast(Queue, chosen), category) if category or chosen == "duplicates" else []
    log = _log(visit)
    context = {"queues": QUEUES, "queue": chosen, "categories": categories, "category": category, "rows": rows, "limit": _LIMIT}
    return visit.page("facts.html", "facts", corrections=list(reversed(log.history()))[:200], may_write=visit.key.allows(_WRITE), **context)


@router.get("/correct")
async def correct(visit: SignedIn) -> Response:
    """Show one fact with its evidence, and the form to correct it."""
    item_id, relation, value = visit.field("item"), known_relation(visit.serving, visit.field("relation")), visit.field("value")
    item = await visit.get(f"/v1/items/{segment(item_id)}")
    of_relation = [each for each in item["facts"] if each["relation"] in (relation, schema.DOUBTFUL + relation)]
    fact: dict[str, Any] = next((each for each in of_relation if each["value"] == value), {})
    others = sorted({each["value"] for each in of_relation if each["value"] != value})
    context = {"item": item, "relation": relation, "value": value, "fact": fact, "marked": marked_text(item, fact), "others": others}
    return visit.page("facts_correct.html", "facts", may_write=visit.key.allows(_WRITE), **context)


@router.get("/effect")
async def shown_effect(visit: SignedIn) -> Response:
    """Show what a correction would do to ten users' lists."""
    item_id, relation, value, action, instead_of = _wanted(visit)
    if not visit.key.allows("profile:read"):
        raise InputError(
            "lists of shoppers are shown to keys with profile:read", hint="sign in with one to see the effect; the correction needs none"
        )
    states: ItemStates = visit.request.app.state.items

    def work() -> Any:
        item = changed_item(visit.serving, states.state(item_id), item_id, action, relation, value, instead_of)
        return effect(visit.serving, item)

    return visit.part("facts_effect.html", effect=await run_in_threadpool(work), action=action, relation=relation, value=value)


@router.post("/correct")
async def save(visit: SignedIn) -> Response:
    """Keep a correction."""
    visit.require(_WRITE)
    item_id, relation, value, action, instead_of = _wanted(visit)
    await visit.get(f"/v1/items/{segment(item_id)}")
    log, note = _log(visit), visit.field("note")[:1_000]

    def work() -> None:
        if instead_of and instead_of != value:
            log.state("drop", item_id, relation, instead_of, by=visit.by, note=note)
        log.state(action, item_id, relation, value, by=visit.by, note=note)

    await run_in_threadpool(work)
    return RedirectResponse("/console/facts?saved=1#corrections", status_code=303)


@router.post("/undo")
async def undo(visit: SignedIn) -> Response:
    """Take a correction back."""
    visit.require(_WRITE)
    await run_in_threadpool(_log(visit).undo, visit.number("n", 0, 0, 10**9), by=visit.by)
    return RedirectResponse("/console/facts?saved=1#corrections", status_code=303)


@router.post("/apart")
async def keep_apart(visit: SignedIn) -> Response:
    """Say that two listings are two items."""
    visit.require(_WRITE)
    log = ResolveLog(visit.request.app.state.workspace.resolve)
    await run_in_threadpool(log.keep_items_apart, visit.field("item"), visit.field("other"), by=visit.by, note=visit.field("note")[:1_000])
    return RedirectResponse("/console/facts?queue=duplicates&saved=apart", status_code=303)


async def _queue(visit: Visit, queue: Queue, category: str) -> list[dict[str, Any]]:
    match queue:
        case "uncertain":
            answer = await _cypher(visit, _FACTS.format(wanted="r.confidence < $below"), {"category": category, "below": 0.9})
        case "inferred":
            answer = await _cypher(visit, _FACTS.format(wanted="r.extractor = 'inferred'"), {"category": category})
        case "conflicts":
            answer = await visit.send("POST", "/v1/queries/conflicting-values/run", {"parameters": {"category": category, "limit": _LIMIT}})
        case "duplicates":
            answer = await visit.send("POST", "/v1/queries/duplicate-suspects/run", {"parameters": {"limit": _LIMIT}})
    rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    return [{**row, "marked": marked_text(row, {**row, "end": row["stop"]})} if "stop" in row else row for row in rows]


async def _cypher(visit: Visit, text: str, parameters: dict[str, Any]) -> Any:
    return await visit.send("POST", "/v1/cypher", {"query": text, "parameters": parameters, "max_rows": _LIMIT})


def _wanted(visit: Visit) -> tuple[str, str, str, Action, str]:
    """Return item, relation, value, action and the value that goes, as the form says them."""
    item_id, relation, old = visit.field("item"), known_relation(visit.serving, visit.field("relation")), visit.field("value")
    chosen, new = visit.field("action"), visit.field("new_value")
    if chosen == "accept":
        return item_id, relation, old, "set", ""
    if chosen == "drop":
        return item_id, relation, old, "drop", ""
    if chosen == "correct" and new:
        return item_id, relation, new, "set", old
    raise InputError("say what to do with the fact", hint="accept it, drop it, or give the right value")


def _categories(visit: Visit) -> list[tuple[str, int]]:
    """Return the categories with the most items, but for those so large that a query about all their items takes too long."""
    artifact = visit.serving.recommender.artifact
    edge_type = ("item", "has_category", "category")
    if edge_type not in artifact.edges:
        return []
    reverse = artifact.edges[edge_type].reverse
    sizes = (reverse.indptr[1:] - reverse.indptr[:-1]).tolist()
    named = sorted(zip(artifact.node_keys["category"], sizes, strict=True), key=lambda pair: (-pair[1], pair[0]))
    small = [(str(name), int(size)) for name, size in named if size <= _LARGEST]
    return (small or [(str(name), int(size)) for name, size in named[-1:]])[:300]


def _log(visit: Visit) -> FactLog:
    return FactLog(visit.request.app.state.workspace.facts)
