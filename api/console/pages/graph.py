"""The graph, explored: search, expand, paths between two nodes, and for every fact the text that it rests on."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from api.console import suggestions
from api.console.graphs.drawing import Drawing
from api.console.graphs.exploring import MOST_SEEDS, Explorer
from api.console.registry import PAGES, ConsolePage
from api.console.rendering import text as translated
from api.console.rest import segment
from api.console.visit import SignedIn, Visit, page_router
from kg.errors import InputError

router = page_router()
PAGES.register(ConsolePage("graph", 30, "graph:read", router, {"en": "Graph", "zh": "图谱"}))
_CATALOGUE = "recommend:read"
"""What a key must carry to search the catalogue and to read the texts of items."""


@router.get("")
async def graph(visit: SignedIn) -> Response:
    """Show the explorer; the nodes that its address names are drawn at once."""
    explorer = Explorer(visit)
    return visit.page("graph.html", "graph", relations=explorer.relations(), labels=explorer.labels())


@router.get("/search")
async def search(visit: SignedIn) -> Response:
    """Show nodes that the text finds: items by search, values by their names, shoppers by their ids."""
    text = visit.field("q")
    if not text:
        return visit.part("graph_search.html", found=[], text=text)
    result: list[tuple[str, str, str]] = []
    if visit.key.allows(_CATALOGUE):
        result = [("Item", item_id, title) for item_id, title in await suggestions.items(visit, text)]
    artifact = visit.serving.recommender.artifact
    if text in artifact.item_nums and not any(row[1] == text for row in result):
        result.insert(0, ("Item", text, artifact.titles[artifact.item_nums[text]]))
    if visit.key.allows("profile:read") and text in artifact.user_nums:
        result.insert(0, ("User", text, text))
    result += [(label, value, value) for label, value in Explorer(visit).values(text, suggestions.MOST)]
    return visit.part("graph_search.html", found=result, text=text)


@router.get("/neighbours")
async def neighbours(visit: SignedIn) -> Response:
    """Give what a node leads to."""
    explorer, drawing = Explorer(visit), Drawing()
    limit = visit.number("limit", 15, 1, 100)
    cut = await explorer.neighbours(drawing, explorer.node(visit.field("node")), visit.several("relation"), limit)
    return _json(drawing, _note(visit, "graph.cut", count=limit) if cut else "")


@router.get("/between")
async def between(visit: SignedIn) -> Response:
    """Give nodes and the edges among them: what a shared view names."""
    explorer, drawing = Explorer(visit), Drawing()
    await explorer.between(drawing, [explorer.node(text) for text in visit.several("node")[:MOST_SEEDS]])
    return _json(drawing, "" if drawing.nodes else _note(visit, "graph.gone"))


@router.get("/paths")
async def paths(visit: SignedIn) -> Response:
    """Give what lies between two nodes."""
    explorer, drawing = Explorer(visit), Drawing()
    ends = [explorer.node(text if ":" in text else f"Item:{text}") for text in (visit.field("first"), visit.field("last"))]
    if ends[0] == ends[1]:
        raise InputError("both ends are one node", hint="name two")
    await explorer.paths(drawing, ends[0], ends[1])
    return _json(drawing, "" if drawing.edges else _note(visit, "graph.no_path"))


@router.get("/node")
async def node(visit: SignedIn) -> Response:
    """Show a node: its properties, and how many edges of each kind it has."""
    explorer = Explorer(visit)
    if visit.field("node").partition(":")[2].startswith("~"):
        return visit.part("graph_node.html", node=None, properties={}, degrees=[])
    chosen = explorer.node(visit.field("node"))
    properties, degrees = await explorer.properties(chosen), await explorer.degrees(chosen)
    shown = {"label": chosen[0].label, "key": chosen[1], "title": properties.get(chosen[0].display) or chosen[1]}
    return visit.part("graph_node.html", node=shown, properties=properties, degrees=degrees)


@router.get("/evidence")
async def evidence(visit: SignedIn) -> Response:
    """Show what an edge rests on: the text with the span marked, who read it, and how certain it is."""
    explorer = Explorer(visit)
    if "~" in (visit.field("source") + visit.field("target")):
        return visit.part("graph_node.html", node=None, properties={}, degrees=[])
    source, target = explorer.node(visit.field("source")), explorer.node(visit.field("target"))
    properties = await explorer.edge(source, visit.field("type"), target)
    marked = None
    if source[0].name == "item" and target[0].name != "item" and visit.key.allows(_CATALOGUE):
        marked = marked_text(await visit.get(f"/v1/items/{segment(source[1])}"), properties)
    context = {"source": source, "type": visit.field("type"), "target": target, "properties": properties, "marked": marked}
    return visit.part("graph_evidence.html", **context)


def marked_text(item: dict[str, Any], evidence: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the text before, in and after the span that a fact was read from; None where it rests on no text.

    >>> marked_text({"title": "Green tea 250 g"}, {"field": "title", "start": 0, "end": 5, "surface": "Green"})
    ('', 'Green', ' tea 250 g')
    """
    text, start, end = item.get(str(evidence.get("field"))), evidence.get("start"), evidence.get("end")
    if not isinstance(text, str) or not isinstance(start, int) or not isinstance(end, int) or text[start:end] != evidence.get("surface"):
        return None
    return text[:start], text[start:end], text[end:]


def _json(drawing: Drawing, note: str) -> Response:
    body = {"nodes": list(drawing.nodes.values()), "edges": list(drawing.edges.values()), "note": note}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _note(visit: Visit, key: str, **arguments: Any) -> str:
    return translated(visit.words, key, **arguments)
