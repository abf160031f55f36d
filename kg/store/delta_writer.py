"""Changing a loaded graph in place: a few nodes and edges, found by their keys.

Nothing is compared with the whole graph; only the rows of the change are looked up. Each statement is a transaction of its own, and what is there
is asked first, so a change that was cut short is finished by applying it again.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from kg import cypher, schema
from kg.graph.delta import GraphDelta
from kg.schema import EdgeType
from kg.store.bolt import BoltSession
from kg.store.layout import Columns, Layout
from kg.store.reader import NODE_PAGE, pages
from kg.store.writer import check_keys, grouped, widened

_ENDS = {"source": pl.String, "target": pl.String}


def changed_columns(delta: GraphDelta) -> tuple[dict[str, Columns], dict[EdgeType, Columns]]:
    """Return the properties that a change writes, per node type and edge type."""
    nodes = {name: _properties(frame, ("key",)) for name, frame in delta.nodes.items()}
    return nodes, {edge_type: _properties(frame, ("source", "target")) for edge_type, frame in delta.edges.items()}


class DeltaWriter:
    """One change of one loaded build.

    Args:
        bolt: The database.
        layout: Of the build, with the columns of the change.
    """

    def __init__(self, bolt: BoltSession, layout: Layout) -> None:
        self._bolt = bolt
        self._layout = layout

    def apply(self, delta: GraphDelta) -> None:
        """Write what is new and what differs, then remove what is gone.

        Raises:
            ConflictError: The database holds nodes of the same label and key that no build of ours wrote.
            InputError: A key is too long.
        """
        for name, frame in delta.nodes.items():
            self._write_nodes(name, frame)
        for edge_type, frame in delta.edges.items():
            self._write_edges(edge_type, frame)
        for edge_type, frame in delta.gone_edges.items():
            for batch, _ in grouped(frame.select(*_ENDS), by_source=True):
                self._bolt.write(cypher.delete_given_edges(edge_type), rows=batch)
        for name, frame in delta.gone_nodes.items():
            for page in pages(frame["key"].to_list(), NODE_PAGE):
                self._bolt.write(cypher.delete_given_nodes(schema.node_type(name)), keys=page)
        self._forget_emptied(delta)

    def _write_nodes(self, name: str, frame: pl.DataFrame) -> None:
        node, columns = schema.node_type(name), self._layout.nodes[name]
        there: dict[str, str | None] = {}
        for page in pages(frame["key"].to_list(), NODE_PAGE):
            there |= dict(self._bolt.value(cypher.nodes_there(node), keys=page) or [])
        check_keys(name, frame, {key for key, build_id in there.items() if build_id is None})
        wide = widened(frame, ["key"], columns)
        known = pl.col("key").is_in(list(there))
        for text, part in (
            (cypher.create_nodes(node, list(columns)), wide.filter(~known)),
            (cypher.update_nodes(node, list(columns)), wide.filter(known)),
        ):
            for rows in part.iter_slices(NODE_PAGE):
                self._bolt.write(text, rows=[list(row) for row in rows.rows()], build_id=self._layout.build_id)

    def _write_edges(self, edge_type: EdgeType, frame: pl.DataFrame) -> None:
        columns = self._layout.edges[edge_type]
        found: list[list[str]] = []
        for batch, _ in grouped(frame.select(*_ENDS), by_source=True):
            found += self._bolt.value(cypher.edges_there(edge_type), rows=batch) or []
        there = pl.DataFrame(found, schema=_ENDS, orient="row").unique()
        wide = widened(frame, list(_ENDS), columns)
        for make, how in ((cypher.update_edges, "semi"), (cypher.create_edges, "anti")):
            part = wide.join(there, on=list(_ENDS), how=how)  # type: ignore[arg-type]
            for batch, _ in grouped(part, by_source=True):
                self._bolt.write(make(edge_type, list(columns), by_source=True), rows=batch, build_id=self._layout.build_id)

    def _forget_emptied(self, delta: GraphDelta) -> None:
        """Take the types whose last node or edge went out of the layout, as a full load would not have them."""
        build_id = self._layout.build_id
        edges = [e for e in delta.gone_edges if e in self._layout.edges and self._bolt.value(cypher.any_edge(e), build_id=build_id) is None]
        names = [n for n in delta.gone_nodes if n in self._layout.nodes]
        nodes = [n for n in names if self._bolt.value(cypher.any_node(schema.node_type(n)), build_id=build_id) is None]
        if edges or nodes:
            left = replace(
                self._layout,
                nodes={name: columns for name, columns in self._layout.nodes.items() if name not in nodes},
                edges={edge_type: columns for edge_type, columns in self._layout.edges.items() if edge_type not in edges},
            )
            left.save(self._bolt, complete=True)


def _properties(frame: pl.DataFrame, ends: tuple[str, ...]) -> Columns:
    return {name: dtype for name, dtype in frame.schema.items() if name not in ends}
