"""Graphs as pages draw them: nodes and edges for the picture, and the same edges as rows for the table beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kg import schema
from kg.schema import NodeType

MOST_NODES = 400
_KEYS = {node.label: node for node in schema.named_node_types()}


def key_of(label: str) -> str:
    """Return the property that identifies nodes of a label."""
    return _KEYS[label].key if label in _KEYS else "value"


def display_of(label: str) -> str:
    """Return the property that people read of nodes of a label."""
    return _KEYS[label].display if label in _KEYS else "value"


def known_node(label: str) -> NodeType | None:
    """Return the node type of a label that every shop has."""
    return _KEYS.get(label)


@dataclass
class Drawing:
    """A graph to draw.

    Attributes:
        nodes: Id → what is drawn of a node.
        edges: (source, type, target) → what is drawn of an edge.
    """

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def node(self, label: str, key: str, title: str = "", *, count: int | None = None, role: str = "") -> str:
        """Add a node and return its id."""
        name = f"{label}:{key}"
        node = self.nodes.setdefault(name, {"id": name, "label": label, "key": key, "title": title or key})
        if count is not None:
            node["count"] = count
        if role:
            node["role"] = role
        return name

    def edge(self, source: str, type_: str, target: str, share: float | None = None) -> None:
        """Add an edge; shares of one edge that several paths take are added up."""
        edge = self.edges.setdefault((source, type_, target), {"source": source, "target": target, "type": type_})
        if share is not None:
            edge["share"] = edge.get("share", 0.0) + share

    def add_paths(self, paths: Iterable[Mapping[str, Any]]) -> None:
        """Add paths as the API gives them; a hop through other shoppers is one node per place, with how many they are."""
        for path in paths:
            ids = []
            for place, node in enumerate(path["nodes"]):
                key = next(iter((node.get("key") or {}).values()), "")
                if node.get("count") is not None:
                    before = path["nodes"][place - 1].get("key") or {}
                    key = f"~{path['edges'][place - 1]['type']}~{next(iter(before.values()), '')}"
                role = "user" if place == 0 else "item" if place == len(path["nodes"]) - 1 else ""
                ids.append(self.node(node["label"], key, node.get("title") or "", count=node.get("count"), role=role))
            for place, edge in enumerate(path["edges"]):
                ends = (ids[place + 1], ids[place]) if edge["reverse"] else (ids[place], ids[place + 1])
                self.edge(ends[0], edge["type"], ends[1], path["share"])

    def json(self) -> str:
        """Return it as the script that draws it reads it."""
        return orjson.dumps({"nodes": list(self.nodes.values()), "edges": list(self.edges.values())}).decode()

    def rows(self) -> list[dict[str, Any]]:
        """Return the edges with their two nodes, the largest shares first."""
        result = [{**edge, "source": self.nodes[edge["source"]], "target": self.nodes[edge["target"]]} for edge in self.edges.values()]
        return sorted(result, key=lambda row: -row.get("share", 0.0))
