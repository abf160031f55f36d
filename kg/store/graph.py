"""The graph tables in a database that speaks Bolt: loaded, changed, read back, counted and queried.

The database shows one whole build. A load finds what differs from what is there and writes that in one transaction, the marker of the build with it;
unchanged nodes and edges are not touched. Only where more differs than a transaction can hold (`at_once`) is it written in parts: the marker says so
from before the first part until after the last, and queries wait for that.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from kg import cypher, schema
from kg.embedded import Connection
from kg.errors import GraphUnavailableError, ReckonError
from kg.graph.delta import GraphDelta
from kg.schema import EdgeType
from kg.store.bolt import BoltSession, Transaction
from kg.store.checks.mistakes import Vocabulary, number_ids
from kg.store.checks.tokens import Token
from kg.store.delta_writer import DeltaWriter, changed_columns
from kg.store.layout import Layout, State, layouts, loaded, note_switch, state_of, vocabulary_of
from kg.store.port import LoadCounts, Progress
from kg.store.query import Bounds, Cancellation, QueryResult, checked, run_query
from kg.store.reader import node_keys, read_edges, read_nodes
from kg.store.values import RowSink
from kg.store.writer import Change, change_between, keys_there
from kg.tables import GraphTables

AT_ONCE = 200_000
_LOOK_S = 0.05
_LONGEST_COMMIT_S = 60.0


class GraphStore:
    """The graph database of one shop.

    Every node and edge it writes carries the `build_id` of the build that wrote it as it is. It touches nothing else in the database.

    Args:
        connection: Where it is; `kg.embedded.EmbeddedGraph` gives one, or the configuration names it.
        at_once: Nodes and edges that one transaction may change.
        reader: How people's queries reach it; the database may let that user only read. None is `connection`.
    """

    def __init__(self, connection: Connection, *, at_once: int = AT_ONCE, reader: Connection | None = None) -> None:
        self.connection = connection
        self._at_once = at_once
        self._bolt = BoltSession(connection)
        self._reader = self._bolt if reader is None else BoltSession(reader)
        self._vocabulary: Vocabulary | None = None

    def __enter__(self) -> GraphStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._reader.close()
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

    def load(
        self,
        tables: GraphTables,
        build_id: str,
        *,
        before: tuple[str, GraphTables] | None = None,
        about: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> LoadCounts:
        """Hold this build and nothing of another. Doing it twice leaves the same graph as doing it once, and writes nothing the second time.

        Args:
            tables: The graph.
            build_id: The build.
            before: A build and its graph: where the database holds just that, what differs is found without reading the database.
            about: What else is kept of the build beside the graph.
            progress: Called with (rows done, rows in all).

        Raises:
            GraphUnavailableError: The database does not answer. The graph is as before; in a load by parts, running it again goes on.
            ConflictError: Nodes that no build wrote are in the way.
            InputError: A name or a key cannot be stored.
        """
        layout = Layout.of(tables, build_id, about)
        self.ensure_schema(tables.nodes)
        earlier = layouts(self._bolt)
        change = self._change(tables, layout, earlier, before)
        rows = change.n_written + change.n_removed
        if rows <= self._at_once:
            self._switch(change, layout)
            if progress:
                progress(rows, rows)
        else:
            self._load_in_parts(change, layout, earlier, progress)
        return LoadCounts(change.n_written, change.n_removed, tables.n_nodes + tables.n_edges - change.n_written, rows <= self._at_once)

    def apply(self, delta: GraphDelta, build_id: str) -> None:
        """Change the loaded graph of a build in place, in one transaction. Applying a change twice leaves the same graph as applying it once.

        Args:
            delta: What changes (`kg.graph.delta`).
            build_id: The build whose graph it changes; what is written is marked with it.

        Raises:
            BuildError: The database does not hold the build, or only in part.
            ConflictError: Nodes that no build wrote are in the way.
            InputError: A name or a key cannot be stored.
            GraphUnavailableError: The database does not answer; nothing was changed.
        """
        layout = loaded(self._bolt, build_id).widened(*changed_columns(delta))
        self.ensure_schema(delta.nodes)
        DeltaWriter(self._bolt, layout).apply(delta)

    def read(self, *, evidence: bool = True, edge_types: Collection[EdgeType] | None = None) -> GraphTables:
        """Read the graph back, as it was written: rows sorted by key.

        Args:
            evidence: False leaves the properties of all but interaction edges in the database; training needs only their ends.
            edge_types: Only these edge types; None is all. Nodes are always read.

        Raises:
            GraphUnavailableError: The database does not answer.
            BuildError: No build has been loaded, or only in part.
        """
        return self._read([loaded(self._bolt)], evidence=evidence, edge_types=edge_types)

    def build_id(self) -> str | None:
        """Return the id of the build that the database holds whole, or None."""
        builds = state_of(self._bolt).builds
        return builds[0][0] if len(builds) == 1 and builds[0][1] else None

    def counts(self) -> dict[str, int]:
        """Return how many nodes of each label and edges of each type the build has.

        Raises:
            BuildError: No build has been loaded, or only in part.
        """
        layout = loaded(self._bolt)
        counts = {schema.node_type(name).label: int(self._bolt.value(cypher.count_nodes(schema.node_type(name)))) for name in layout.nodes}
        for edge_type in layout.edges:
            name = schema.relation(edge_type[1]).type
            counts[name] = counts.get(name, 0) + self._count_edges(edge_type)
        return counts

    def query(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = 10,
        max_rows: int = 1000,
        bounds: Bounds | None = None,
        cancellation: Cancellation | None = None,
        sink: RowSink | None = None,
    ) -> QueryResult:
        """Run one Cypher text that only reads; it cannot write, whatever it says. See `kg.store.query`.

        The answer is of one whole build: where another took its place while the database read, it is asked again.

        Args:
            text: One statement.
            parameters: Its parameters.
            timeout_s: Its time limit.
            max_rows: Its row limit.
            bounds: All that it may take, in place of these two.
            cancellation: Ends it before its time.
            sink: Takes the rows as they come, in place of the result's `rows`; it begins anew where the graph changed meanwhile.

        Raises:
            QueryRefusedError: It would write, or call what is not allowed.
            QueryError: The database cannot read it.
            LimitError: It took longer than `timeout_s`, or was cancelled.
            GraphUnavailableError: The database does not answer, or no build is in it as a whole for as long as `timeout_s`.
        """
        bounds = bounds or Bounds(timeout_s, max_rows)
        tokens = checked(text, parameters or {}, bounds)
        until = time.monotonic() + bounds.timeout_s
        while True:
            state = self._whole(until)
            result = run_query(self._reader, text, parameters or {}, bounds, tokens=tokens, cancellation=cancellation, sink=sink)
            after = state_of(self._bolt)
            if (after.builds, after.switches) == (state.builds, state.switches) or time.monotonic() > until:
                build_id = after.builds[0][0] if after.builds else None
                warnings = (*number_ids(text, tokens, parameters or {}), *self._unknown(text, tokens))
                return replace(result, warnings=warnings, build_id=build_id)

    def _unknown(self, text: str, tokens: list[Token]) -> tuple[str, ...]:
        """Name what a query mentions and the graph does not have; the graph is asked again where something seems new."""
        if self._vocabulary is not None and not self._vocabulary.unknown(text, tokens):
            return ()
        self._vocabulary = vocabulary_of(layouts(self._bolt))
        return () if self._vocabulary is None else self._vocabulary.unknown(text, tokens)

    def _switch(self, change: Change, layout: Layout) -> None:
        """Make the change in one transaction; readers are notified of its end only, as that is all they can see."""

        def work(transaction: Transaction) -> None:
            for text, parameters, _ in change.statements(layout.build_id):
                transaction.run(text, **parameters)
            layout.save(transaction)
            note_switch(self._bolt, _LONGEST_COMMIT_S)

        try:
            self._bolt.atomically(work)
        finally:
            with suppress(ReckonError):
                note_switch(self._bolt, 0)

    def _whole(self, until: float) -> State:
        """Wait until the database holds one build whole, or none at all."""
        while True:
            state = state_of(self._bolt)
            if state.whole:
                return state
            if time.monotonic() > until:
                going = state.builds[-1][0] if state.builds else "another build"
                raise GraphUnavailableError(
                    f"the graph database is being given build {going}, and shows nothing until that is there as a whole",
                    hint="ask again; where no job is at work, `reckon graph restore` completes it",
                )
            time.sleep(_LOOK_S)

    def _change(self, tables: GraphTables, layout: Layout, earlier: list[Layout], before: tuple[str, GraphTables] | None) -> Change:
        """Find what differs, from the tables of the build that is there where these are known and still hold."""
        sound = len(earlier) == 1 and earlier[0].complete and not earlier[0].touched
        if before is not None and sound and earlier[0].build_id == before[0]:
            change = change_between(before[1], tables, [Layout.of(before[1], before[0])], layout)
            if not self._already_there(change):
                return change
        change = change_between(self._read(earlier) if earlier else GraphTables({}, {}), tables, earlier, layout)
        self._already_there(change)
        return change

    def _already_there(self, change: Change) -> bool:
        there = [keys_there(self._bolt, name, rows.new) for name, rows in change.nodes.items()]
        return any(there)

    def _load_in_parts(self, change: Change, layout: Layout, earlier: list[Layout], progress: Progress | None) -> None:
        half = layout
        for each in earlier:
            half = half.beside(each)
        self._bolt.atomically(replace(half, complete=False).save)
        total, done = change.n_written + change.n_removed, 0
        for text, parameters, n_rows in change.statements(layout.build_id):
            self._bolt.write(text, **parameters)
            done += n_rows
            if progress:
                progress(done, total)
        self._bolt.atomically(layout.save)

    def _read(self, parts: list[Layout], *, evidence: bool = True, edge_types: Collection[EdgeType] | None = None) -> GraphTables:
        layout = parts[0]
        for each in parts[1:]:
            layout = each.beside(layout)
        keys = {name: [k for build, own in node_keys(self._bolt, name).items() if build is not None for k in own] for name in layout.nodes}
        nodes = {name: read_nodes(self._bolt, name, columns, keys[name]) for name, columns in layout.nodes.items()}
        edges = {}
        for edge_type, columns in layout.edges.items():
            if edge_types is not None and edge_type not in edge_types:
                continue
            wanted = columns if evidence or schema.family(edge_type) == "interaction" else {}
            by_source = len(keys[edge_type[0]]) <= len(keys[edge_type[2]])
            near = keys[edge_type[0 if by_source else 2]]
            n_edges = self._count_edges(edge_type)
            edges[edge_type] = read_edges(self._bolt, edge_type, wanted, near, by_source=by_source, n_edges=n_edges)
        return GraphTables(nodes, edges)

    def _count_edges(self, edge_type: EdgeType) -> int:
        return int(self._bolt.value(cypher.count_edges(edge_type)) or 0)
