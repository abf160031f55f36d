"""Changed items in the graph database: written as soon as they are known, again after another build was loaded, and later where it was down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from kg import schema
from kg.config import GraphConfig
from kg.embedded import Connection, connection
from kg.errors import GraphUnavailableError
from kg.incremental import GraphDelta
from kg.schema import EdgeType, family
from kg.store import GraphStore
from kg.tables import GraphTables
from kg.workspace import Workspace

_EDGES = "MATCH (i:Item)-[r]->(v) WHERE i.item_id IN $ids AND NOT v:Item RETURN i.item_id, type(r), labels(v)[0], v.value"
_MOST_ROWS = 100_000


@dataclass
class LiveGraph:
    """The graph database, as the one who writes changed items sees it.

    Attributes:
        workspace: Where the embedded one is.
        config: How it is reached.
    """

    workspace: Workspace
    config: GraphConfig
    _store: GraphStore | None = field(default=None, repr=False)

    def build_id(self) -> str | None:
        """Return the build that the database holds; None where it holds none.

        Raises:
            GraphUnavailableError: It does not answer.
        """
        return self._open().build_id()

    def write(self, build_id: str, items: Mapping[str, GraphTables | None], edge_types: Iterable[EdgeType]) -> None:
        """Make the database hold these items as they are.

        Args:
            build_id: The build that it holds.
            items: item_id → its graph; None for those that are deleted.
            edge_types: Attribute edges that items may have had.

        Raises:
            GraphUnavailableError: It does not answer. What was written stays; writing it again goes on.
            BuildError: Another build is being loaded.
        """
        there = self._edges(list(items), edge_types)
        self._open().apply(_delta(items, there), build_id)

    def close(self) -> None:
        """Close all connections."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _open(self) -> GraphStore:
        if self._store is None:
            self._store = GraphStore(self._connection())
        return self._store

    def _connection(self) -> Connection:
        if self.config.uri:
            return Connection(self.config.uri, self.config.user, self.config.password.get_secret_value(), self.config.database)
        running = connection(self.workspace.graph)
        if running is None:
            raise GraphUnavailableError("the embedded graph database does not run", hint="`reckon serve` starts it again")
        return running

    def _edges(self, item_ids: list[str], edge_types: Iterable[EdgeType]) -> dict[EdgeType, set[tuple[str, str]]]:
        """Return the attribute edges that the database has of some items."""
        names = {(schema.relation(e[1]).type, schema.node_type(e[2]).label): e for e in edge_types if family(e) == "attribute"}
        found: dict[EdgeType, set[tuple[str, str]]] = {}
        for item_id, name, label, value in self._open().query(_EDGES, {"ids": item_ids}, max_rows=_MOST_ROWS).rows:
            edge_type = names.get((str(name), str(label)))
            if edge_type is not None:
                found.setdefault(edge_type, set()).add((str(item_id), str(value)))
        return found


def _delta(items: Mapping[str, GraphTables | None], there: Mapping[EdgeType, set[tuple[str, str]]]) -> GraphDelta:
    """Return what the database must be told. Values that nothing leads to any more stay until the next rebuild sweeps them."""
    present = [tables for tables in items.values() if tables is not None]
    nodes = {
        name: pl.concat([tables.nodes[name] for tables in present if name in tables.nodes], how="diagonal").unique("key", maintain_order=True)
        for name in sorted({name for tables in present for name in tables.nodes} - {"user"})
    }
    edges = {
        edge_type: pl.concat([tables.edges[edge_type] for tables in present if edge_type in tables.edges], how="diagonal")
        for edge_type in sorted({edge_type for tables in present for edge_type in tables.edges})
    }
    wanted = {edge_type: set(frame.select("source", "target").iter_rows()) for edge_type, frame in edges.items()}
    gone = {edge_type: sorted(found - wanted.get(edge_type, set())) for edge_type, found in there.items()}
    ends = {"source": pl.String, "target": pl.String}
    gone_edges = {edge_type: pl.DataFrame(rows, schema=ends, orient="row") for edge_type, rows in gone.items() if rows}
    deleted = sorted(item_id for item_id, tables in items.items() if tables is None)
    return GraphDelta(nodes, edges, {"item": pl.DataFrame({"key": deleted})} if deleted else {}, gone_edges)
