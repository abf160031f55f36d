"""The graph as GraphML, which Gephi, yEd, Cytoscape and networkx read.

Nodes are called "type:key". Properties keep their types; lists, which GraphML lacks, are JSON texts. Characters that XML cannot hold are left out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import networkx as nx

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from kg import schema
from kg.tables import GraphTables

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_graphml(tables: GraphTables, path: Path) -> None:
    """Write a graph."""
    nx.write_graphml(as_networkx(tables), path, encoding="utf-8")


def as_networkx(tables: GraphTables) -> nx.MultiDiGraph:
    """Return a graph for networkx: a node per node, its `type` and properties; an edge per edge, keyed and typed by its relation."""
    graph = nx.MultiDiGraph()
    for node_type, frame in tables.nodes.items():
        for row in frame.iter_rows(named=True):
            graph.add_node(_text(f"{node_type}:{row['key']}"), type=node_type, **_properties(row))
    for (source, relation, target), frame in tables.edges.items():
        for row in frame.iter_rows(named=True):
            ends = _text(f"{source}:{row.pop('source')}"), _text(f"{target}:{row.pop('target')}")
            graph.add_edge(*ends, key=relation, type=schema.relation(relation).type, **_properties(row))
    return graph


def _properties(row: dict[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in row.items() if value is not None}


def _value(value: object) -> object:
    if isinstance(value, list):
        return _text(json.dumps(value, ensure_ascii=False))
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return _NOT_XML.sub("", text)


class GraphMl(Exporter):
    """Write the graph as GraphML."""

    name = "graphml"
    writes = "the graph, one file (networkx)"
    keeps = 'nodes "type:key" and edges with their properties; lists as JSON; not: characters that XML cannot hold'
    one_file = True

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write the graph of a build as GraphML."""
        write_graphml(build.graph, path)


EXPORTERS.register(GraphMl())
