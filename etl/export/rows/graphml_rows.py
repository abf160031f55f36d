"""The nodes, edges and paths among rows as GraphML: each node and each edge once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from etl.export.exporters import ExportOptions
from etl.export.graphml_file import GraphMlFile, graphml_file
from etl.export.row_formats import ROW_FORMATS, RowFormat
from kg.errors import InputError

_HINT = "use csv, jsonl or parquet, or a query that returns nodes, edges or paths, such as item-graph"


class _Writer:
    def __init__(self, graph: GraphMlFile) -> None:
        self._graph = graph
        self._columns: tuple[str, ...] = ()
        self._n_rows = 0
        self._nodes: set[str] = set()
        self._edges: set[tuple[str, str, str]] = set()
        self._ends: set[str] = set()

    def begin(self, columns: tuple[str, ...]) -> None:
        self._graph.restart()
        self._columns, self._n_rows = columns, 0
        for each in (self._nodes, self._edges, self._ends):
            each.clear()

    def row(self, values: list[Any]) -> None:
        self._n_rows += 1
        for value in values:
            self._take(value)

    def check(self) -> None:
        """Refuse what is no graph."""
        if self._n_rows and not self._nodes:
            raise InputError(f"{', '.join(self._columns)}: the rows hold no nodes, and GraphML holds nothing else", hint=_HINT)
        lacking = sorted(self._ends - self._nodes)
        if lacking:
            raise InputError(f"an edge has the end {lacking[0]!r}, which the query does not return", hint="return its nodes, or the path")

    def _take(self, value: Any) -> None:
        match value:
            case {"id": str() | None as node_id, "labels": list() as labels, "properties": dict() as properties}:
                self._node(node_id, labels, properties)
            case {"type": str(kind), "start": start, "end": end, "properties": dict() as properties}:
                self._edge(kind, start, end, properties)
            case {"nodes": list() as nodes, "relationships": list() as edges}:
                for each in (*nodes, *edges):
                    self._take(each)
            case list() as values:
                for each in values:
                    self._take(each)
            case dict() as entries:
                for each in entries.values():
                    self._take(each)

    def _node(self, node_id: str | None, labels: list[str], properties: Mapping[str, Any]) -> None:
        if node_id is None or node_id in self._nodes:
            return
        self._nodes.add(node_id)
        self._graph.node(node_id, {**properties, "type": node_id.partition(":")[0], "label": labels[0]})

    def _edge(self, kind: str, start: str | None, end: str | None, properties: Mapping[str, Any]) -> None:
        if start is None or end is None:
            raise InputError(f"an edge {kind} comes without the nodes that it connects", hint="return its nodes beside it, or the path")
        if (start, kind, end) in self._edges:
            return
        self._edges.add((start, kind, end))
        self._ends.update((start, end))
        self._graph.edge(start, end, {**properties, "type": kind})


class GraphMlRows(RowFormat):
    """Write the nodes and edges among rows as GraphML."""

    name = "graphml"
    writes = 'the nodes, edges and paths of all columns, each once, nodes as "type:key"; for Gephi, yEd, Cytoscape, networkx'

    @contextmanager
    def writer(self, file: IO[bytes], options: ExportOptions) -> Iterator[_Writer]:
        """Give what writes GraphML."""
        with graphml_file(file) as graph:
            writer = _Writer(graph)
            yield writer
            writer.check()


ROW_FORMATS.register(GraphMlRows())
