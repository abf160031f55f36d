"""What a query returned as plain Python values, and what of it a sink takes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Protocol

import neo4j
from neo4j.graph import Node, Path, Relationship

from kg import schema
from kg.schema import USER


class RowSink(Protocol):
    """Takes rows as they come, so that they need not be in memory together."""

    def begin(self, columns: tuple[str, ...]) -> None:
        """Begin, or begin anew: the graph changed while it was read, and the rows until now are void."""

    def row(self, values: list[Any]) -> None:
        """Take the next row."""


class CollectedRows:
    """A sink that keeps the rows.

    Attributes:
        rows: Those since it began.
    """

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []

    def begin(self, columns: tuple[str, ...]) -> None:
        """Forget the rows."""
        self.rows = []

    def row(self, values: list[Any]) -> None:
        """Keep a row."""
        self.rows.append(values)


def plain(value: Any, *, personal: bool) -> Any:
    """Return a value of the driver as `QueryResult.rows` describes it.

    Args:
        value: The value.
        personal: Whether it may say who a shopper is.
    """
    match value:
        case Node():
            shown = {k: plain(v, personal=personal) for k, v in value.items() if personal or k != USER.key}
            return {"id": _node_id(value, personal=personal), "labels": sorted(value.labels), "properties": shown}
        case Relationship():
            start, end = (None if node is None else _node_id(node, personal=personal) for node in value.nodes)
            return {"type": value.type, "start": start, "end": end, "properties": {k: plain(v, personal=personal) for k, v in value.items()}}
        case Path():
            nodes, edges = value.nodes, value.relationships
            return {"nodes": [plain(node, personal=personal) for node in nodes], "relationships": [plain(edge, personal=personal) for edge in edges]}
        case list():
            return [plain(item, personal=personal) for item in value]
        case dict():
            return {key: plain(item, personal=personal) for key, item in value.items()}
        case neo4j.time.DateTime() | neo4j.time.Date() | neo4j.time.Time() | neo4j.time.Duration():
            return value.iso_format()
        case neo4j.spatial.Point():
            return {"srid": value.srid, "coordinates": list(value)}
        case bytes() | bytearray():
            return value.hex()
        case _:
            return value


def forget_graph(result: neo4j.Result) -> None:
    """Let go of the nodes and edges that were given on.

    The driver remembers each until the end of a result, to fill in the ends of edges. A row that has its nodes beside its edges needs no other row.
    It has no public name for forgetting them.
    """
    graph: Any = result._hydration_scope.get_graph()
    graph._nodes.clear()
    graph._relationships.clear()


def size_of(value: Any) -> int:
    """Return about how many bytes a plain value takes."""
    match value:
        case str():
            return 50 + len(value)
        case list():
            return 60 + sum(map(size_of, value))
        case dict():
            return 100 + sum(60 + size_of(each) for each in value.values())
        case _:
            return 30


def _node_id(node: Node, *, personal: bool) -> str | None:
    """Return what exports call a node, "type:key".

    A shopper whom the asker may not know has the database's number for a key. None is a node of which the answer says nothing: it came as the end of
    an edge only.
    """
    for label in sorted(node.labels):
        name, key = _type_of(label)
        if label == USER.label and not personal:
            return f"{name}:{node.element_id}"
        if key in node:
            return f"{name}:{node[key]}"
    return f"node:{node.element_id}" if node.labels else None


@cache
def _type_of(label: str) -> tuple[str, str]:
    """Return type and key property of a label: the inverse of `kg.schema.node_type`.

    >>> _type_of("Item"), _type_of("FreeFrom"), _type_of("SleeveLength")
    (('item', 'item_id'), ('free_from', 'value'), ('sleeve_length', 'value'))
    """
    for node in schema.named_node_types():
        if node.label == label:
            return node.name, node.key
    return re.sub(r"(?<!^)(?=[A-Z])", "_", label).lower(), "value"
