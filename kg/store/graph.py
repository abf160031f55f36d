"""The graph tables in the database: written, read back, counted and swept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from kg import cypher, schema
from kg.embedded import Connection
from kg.errors import BuildError
from kg.graph.delta import GraphDelta
from kg.schema import EdgeType
from kg.store.bolt import BoltSession
from kg.store.delta_writer import DeltaWriter, changed_columns
from kg.store.layout import Layout, forget, layouts, loaded
from kg.store.query import QueryResult, run_query
from kg.store.reader import node_keys, read_edges, read_nodes
from kg.store.writer import GraphWriter, delete_stale_edges, delete_stale_nodes
from kg.tables import GraphTables

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """Rows of the tables that are now in the database."""

    nodes: int
    edges: int


@dataclass(frozen=True, slots=True)
class SweepCounts:
    """Rows removed from the database."""

    nodes: int
    edges: int


class GraphStore:
    """The graph database of one shop.

    Every node and edge it writes carries the `build_id` of the last build that has it. It touches nothing else in the database.

    Args:
        connection: Where it is; `kg.embedded.EmbeddedGraph` gives one, or the configuration names it.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._bolt = BoltSession(connection)

    def __enter__(self) -> GraphStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._bolt.close()

    def wait(self, timeout_s: float = 30) -> None:
        """Return as soon as the database answers.

        Raises:
            GraphUnavailableError: It does not within `timeout_s`, or refuses our credentials.
        """
        self._bolt.wait(timeout_s)

    def ensure_schema(self, node_types: Iterable[str]) -> None:
        """Create the uniqueness constraint of each node type where it is not there yet."""
        for name in sorted(set(node_types)):
            self._bolt.schema(cypher.key_constraint(schema.node_type(name)))

    def upsert(self, tables: GraphTables, build_id: str, progress: Progress | None = None) -> UpsertCounts:
        """Write every node and edge and mark it with `build_id`. Doing it twice leaves the same graph as doing it once.

        What an earlier build wrote and this one lacks stays, marked as it was or as stale, until `sweep`.

        Args:
            tables: The graph.
            build_id: Who wrote it; newer builds sort after older ones.
            progress: Called with (rows done, rows in all).

        Raises:
            GraphUnavailableError: The database does not answer. What was written stays; running it again goes on.
            ConflictError: Nodes that no build wrote are in the way.
            InputError: A name or a key cannot be stored.
        """
        layout = Layout.of(tables, build_id)
        self.ensure_schema(tables.nodes)
        earlier = layouts(self._bolt)
        layout.save(self._bolt, complete=False)
        total, done = tables.n_nodes + tables.n_edges, 0
        for n_rows in GraphWriter(self._bolt, layout, earlier).write(tables):
            done += n_rows
            if progress:
                progress(done, total)
        layout.save(self._bolt, complete=True)
        return UpsertCounts(tables.n_nodes, tables.n_edges)

    def apply(self, delta: GraphDelta, build_id: str) -> None:
        """Change the loaded graph of a build in place. Applying the same change twice leaves the same graph as applying it once.

        Args:
            delta: What changes (`kg.graph.delta`).
            build_id: The build whose graph it changes; it is loaded, and what is written is marked with it.

        Raises:
            BuildError: The build is not there or only in part, or a newer one is.
            ConflictError: Nodes that no build wrote are in the way.
            InputError: A name or a key cannot be stored.
            GraphUnavailableError: The database does not answer. What was written stays; applying it again goes on.
        """
        layout = loaded(self._bolt, build_id)
        newest = layouts(self._bolt)[-1].build_id
        if newest != build_id:
            raise BuildError(f"the graph database holds the newer build {newest}", hint="run `reckon rebuild`; it applies the change")
        layout = layout.widened(*changed_columns(delta))
        self.ensure_schema(delta.nodes)
        layout.save(self._bolt, complete=True)
        DeltaWriter(self._bolt, layout).apply(delta)

    def read(self, *, evidence: bool = True, edge_types: Collection[EdgeType] | None = None) -> GraphTables:
        """Read the graph of the last build back, as it was written: rows sorted by key, without what is stale.

        Args:
            evidence: False leaves the properties of all but interaction edges in the database; training needs only their ends.
            edge_types: Only these edge types; None is all. Nodes are always read.

        Raises:
            GraphUnavailableError: The database does not answer.
            BuildError: No build has been loaded, or the last one only in part.
        """
        layout = loaded(self._bolt)
        keys = {name: node_keys(self._bolt, name).get(layout.build_id, []) for name in layout.nodes}
        nodes = {name: read_nodes(self._bolt, name, columns, keys[name]) for name, columns in layout.nodes.items()}
        edges = {}
        for edge_type, columns in layout.edges.items():
            if edge_types is not None and edge_type not in edge_types:
                continue
            wanted = columns if evidence or schema.family(edge_type) == "interaction" else {}
            by_source = len(keys[edge_type[0]]) <= len(keys[edge_type[2]])
            edges[edge_type] = read_edges(
                self._bolt,
                edge_type,
                wanted,
                keys[edge_type[0 if by_source else 2]],
                by_source=by_source,
                n_edges=self._count_edges(edge_type, layout.build_id)[0],
                build_id=layout.build_id,
            )
        return GraphTables(nodes, edges)

    def build_id(self) -> str | None:
        """Return the id of the build that was loaded last, or None."""
        found = [layout.build_id for layout in layouts(self._bolt) if layout.complete]
        return found[-1] if found else None

    def holds_only(self, build_id: str) -> bool:
        """Say whether the database holds this build whole, and nothing of another."""
        return [(layout.build_id, layout.complete) for layout in layouts(self._bolt)] == [(build_id, True)]

    def counts(self) -> dict[str, int]:
        """Return how many nodes of each label and edges of each type the last build has.

        Raises:
            BuildError: No build has been loaded, or the last one only in part.
        """
        layout = loaded(self._bolt)
        counts = {schema.node_type(name).label: self._count_nodes(name, layout.build_id) for name in layout.nodes}
        for edge_type in layout.edges:
            name = schema.relation(edge_type[1]).type
            counts[name] = counts.get(name, 0) + self._count_edges(edge_type, layout.build_id)[1]
        return counts

    def sweep(self, build_id: str, *, max_fraction: float = 0.5, force: bool = False) -> SweepCounts:
        """Remove what earlier builds wrote and build `build_id` lacks. Nodes and edges without a build_id are not ours and stay.

        Args:
            build_id: The build that stays; it must be loaded completely.
            max_fraction: Refuse to remove more of the graph than this.
            force: Remove it all the same.

        Raises:
            BuildError: The build is not there or only in part; or more than `max_fraction` is stale, which looks like a wrong source
                rather than a changed shop.
        """
        loaded(self._bolt, build_id)
        node_types, edge_types = self._everything()
        keys = {name: {build: found for build, found in node_keys(self._bolt, name).items() if build is not None} for name in node_types}
        stale_keys = {name: [k for build, found in by_build.items() if build != build_id for k in found] for name, by_build in keys.items()}
        counted = {edge_type: self._count_edges(edge_type, build_id) for edge_type in edge_types}
        n_stale_nodes = sum(len(found) for found in stale_keys.values())
        n_stale_edges = sum(n - n_build for n, n_build in counted.values())
        total = sum(len(found) for by_build in keys.values() for found in by_build.values()) + sum(n for n, _ in counted.values())
        if n_stale_nodes + n_stale_edges > max_fraction * total and not force:
            raise BuildError(
                f"{n_stale_nodes + n_stale_edges} of {total} nodes and edges are not of build {build_id}: more than {max_fraction:.0%}",
                hint="see that the sources are whole; raise graph.max_stale_fraction if the shop really changed that much",
            )
        for edge_type, (n_edges, n_build) in counted.items():
            if n_edges > n_build:
                ends = [[key for found in keys[edge_type[end]].values() for key in found] for end in (0, 2)]
                by_source = len(ends[0]) >= len(ends[1])
                near = ends[0] if by_source else ends[1]
                delete_stale_edges(self._bolt, edge_type, near, build_id, by_source=by_source, n_edges=n_edges)
        for name, stale in stale_keys.items():
            delete_stale_nodes(self._bolt, name, stale, build_id)
        forget(self._bolt, keep=build_id)
        return SweepCounts(n_stale_nodes, n_stale_edges)

    def query(self, text: str, parameters: Mapping[str, Any] | None = None, *, timeout_s: float = 10, max_rows: int = 1000) -> QueryResult:
        """Run one Cypher text that only reads; it cannot write, whatever it says. See `kg.store.query`.

        Raises:
            QueryRefusedError: It would write, or call what is not allowed.
            QueryError: The database cannot read it.
            LimitError: It took longer than `timeout_s`.
            GraphUnavailableError: The database does not answer.
        """
        return run_query(self._bolt, text, parameters or {}, timeout_s=timeout_s, max_rows=max_rows)

    def _everything(self) -> tuple[list[str], list[EdgeType]]:
        """Return the node types and edge types of all builds that left something in the database."""
        found = layouts(self._bolt)
        return sorted({n for layout in found for n in layout.nodes}), sorted({e for layout in found for e in layout.edges})

    def _count_nodes(self, name: str, build_id: str) -> int:
        return int(self._bolt.value(cypher.count_nodes(schema.node_type(name)), build_id=build_id))

    def _count_edges(self, edge_type: EdgeType, build_id: str) -> tuple[int, int]:
        """Return (all of ours, those of this build)."""
        record = self._bolt.record(cypher.count_edges(edge_type), build_id=build_id)
        return (0, 0) if record is None else (int(record["n"]), int(record["n_build"]))
