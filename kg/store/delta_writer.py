"""Changing the graph of the loaded build in place: a few nodes and edges, found by their keys, in one transaction.

Nothing is compared with the whole graph; only the rows of the change are looked up. What is there is asked first, so applying a change again
changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from kg import cypher, schema
from kg.errors import BuildError
from kg.graph.delta import GraphDelta
from kg.schema import EdgeType
from kg.store.bolt import BoltSession, Transaction
from kg.store.layout import Columns, Layout
from kg.store.writer import Change, Rows, grouped, keys_there, widened

_ENDS = {"source": pl.String, "target": pl.String}
_NO_KEYS = pl.DataFrame(schema={"key": pl.String})


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
        """Write what is new and what differs, and remove what is gone.

        Raises:
            ConflictError: The database holds nodes of the same label and key that no build of ours wrote.
            InputError: A key is too long.
            BuildError: The database has been given another build meanwhile.
        """
        change = Change(
            {name: self._nodes(name, delta) for name in sorted({*delta.nodes, *delta.gone_nodes})},
            {edge_type: self._edges(edge_type, delta) for edge_type in sorted({*delta.edges, *delta.gone_edges})},
        )
        if not self._bolt.atomically(lambda transaction: self._written(transaction, change, delta)):
            raise BuildError(f"the graph database does not hold build {self._layout.build_id} any more", hint="the change is applied to the next one")

    def _written(self, transaction: Transaction, change: Change, delta: GraphDelta) -> bool:
        if not self._layout.save_change(transaction):
            return False
        for text, parameters, _ in change.statements(self._layout.build_id):
            transaction.run(text, **parameters)
        self._forget_emptied(transaction, delta)
        return True

    def _nodes(self, name: str, delta: GraphDelta) -> Rows:
        frame, columns = delta.nodes.get(name, _NO_KEYS), self._layout.nodes.get(name, {})
        known = pl.col("key").is_in(list(keys_there(self._bolt, name, frame)))
        wide = widened(frame, ["key"], columns)
        return Rows(wide.filter(~known), wide.filter(known), delta.gone_nodes.get(name, _NO_KEYS).select("key"), columns)

    def _edges(self, edge_type: EdgeType, delta: GraphDelta) -> Rows:
        none = pl.DataFrame(schema=_ENDS)
        frame, columns = delta.edges.get(edge_type, none), self._layout.edges.get(edge_type, {})
        existing: list[list[str]] = []
        for batch, _ in grouped(frame.select(*_ENDS), by_source=True):
            existing += self._bolt.value(cypher.edges_there(edge_type), rows=batch) or []
        there = pl.DataFrame(existing, schema=_ENDS, orient="row").unique()
        wide, ends = widened(frame, list(_ENDS), columns), list(_ENDS)
        gone = delta.gone_edges.get(edge_type, none).select(*_ENDS)
        return Rows(wide.join(there, on=ends, how="anti"), wide.join(there, on=ends, how="semi"), gone, columns)

    def _forget_emptied(self, transaction: Transaction, delta: GraphDelta) -> None:
        """Take the types whose last node or edge went out of the layout, as a full load would not have them."""
        edges = [e for e in delta.gone_edges if e in self._layout.edges and transaction.run(cypher.any_edge(e)) is None]
        names = [n for n in delta.gone_nodes if n in self._layout.nodes]
        nodes = [n for n in names if transaction.run(cypher.any_node(schema.node_type(n))) is None]
        if edges or nodes:
            left = replace(
                self._layout,
                nodes={name: columns for name, columns in self._layout.nodes.items() if name not in nodes},
                edges={edge_type: columns for edge_type, columns in self._layout.edges.items() if edge_type not in edges},
            )
            left.save_change(transaction)


def _properties(frame: pl.DataFrame, ends: tuple[str, ...]) -> Columns:
    return {name: dtype for name, dtype in frame.schema.items() if name not in ends}
