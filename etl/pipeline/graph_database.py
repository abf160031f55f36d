"""The graph database beside the builds: it holds the published build, whatever becomes of a run.

A build is trained and evaluated from its own tables. It comes into the database when it is published, and not before: first it is added to the
published one, so that the paths of answers of both are there; then `current` points at it; then what only the other one had is removed. A load that
fails, or finds a reason against the build, puts the published graph back. What a kill leaves is put right by the next command or by `reckon follow`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from etl.console import Console
from etl.pipeline.builds import check_publishable, publish
from etl.stages import graph_build, ledger_import
from etl.stages.gates import passed_gates
from gnn.config import EvaluateConfig
from kg.config import Config, GraphConfig
from kg.embedded import Connection, EmbeddedGraph, connection
from kg.errors import GraphUnavailableError, LedgerUnavailableError, NotFoundError, ReckonError
from kg.files.json_file import read_json, write_json
from kg.store import GraphStore
from kg.tables import GraphTables
from kg.workspace import Workspace

_HELD = "held.json"
"""In the folder of the embedded database: the build that it holds whole. Spares an unchanged rebuild to start the database and ask it."""


@dataclass(frozen=True)
class GraphDatabase:
    """The graph database of a workspace.

    Attributes:
        workspace: Whose builds it holds.
        config: How it is reached.
        console: Shows progress.
    """

    workspace: Workspace
    config: Config
    console: Console

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Give the graph database: the configured one, or the embedded one, started if it does not run."""
        graph = self._settings
        if graph.uri:
            yield Connection(graph.uri, graph.user, graph.password.get_secret_value(), graph.database)
            return
        with EmbeddedGraph(self.workspace.graph, heap_mb=graph.heap_mb, port=graph.port) as opened:
            yield opened

    def publish(self, build_id: str) -> None:
        """Make a build current, and the one that the database holds.

        A database that does not answer holds nothing up: recommendations come from the build's own files, and the graph follows later.

        Raises:
            NotFoundError: There is no such build.
            ArtifactError: Its artifact is missing or corrupt; `current` and the database stay as they were.
            ReckonError: The database cannot take the build; the published graph is back.
        """
        check_publishable(self.workspace, build_id)
        try:
            graph_build.check_saved(self.workspace.build(build_id))
            with self._store() as store:
                self._exchange(store, build_id)
        except (GraphUnavailableError, NotFoundError) as error:
            if self.workspace.current_id() != build_id:
                publish(self.workspace, build_id)
            self.console.note(
                f"build {build_id} is published, but not in the graph database: {error.message}; `reckon graph restore` writes it there"
            )

    def restore(self, build_id: str) -> bool:
        """Make the database hold a build, and nothing of another; say whether that was needed.

        Raises:
            NotFoundError: The build's tables are not there any more.
            GraphUnavailableError: The database does not answer.
        """
        graph_build.check_saved(self.workspace.build(build_id))
        with self._store() as store:
            if store.holds_only(build_id):
                self._note_held(build_id)
                return False
            self.put_back(store, build_id)
        return True

    def restore_published(self) -> bool:
        """Make the database hold the published build, if one is published and its tables are there; say whether that was needed.

        Raises:
            GraphUnavailableError: The database does not answer.
        """
        current = self.workspace.current_id()
        if current is None or self._known_to_hold(current):
            return False
        try:
            return self.restore(current)
        except NotFoundError:
            return False

    def put_back(self, store: GraphStore, build_id: str) -> None:
        """Write a build's graph from its tables, and remove everything else that builds wrote."""
        self._add(store, build_id)
        self._finish(store, build_id)

    def note_other(self, store: GraphStore) -> None:
        """Tell the operator when the database does not hold the published build, or not that alone."""
        current = self.workspace.current_id()
        if current is not None and not store.holds_only(current):
            self.console.note(f"the graph database does not hold the published build {current} as it is; `reckon graph restore` writes it there")

    def check_change(self, tables: GraphTables) -> dict[str, dict[str, Any]]:
        """Ask the gates of a graph how it differs from the published one, and return what they found.

        Raises:
            GateError: One does not pass, such as `stale_fraction`: too much of the published graph would go.
        """
        current, most = self.workspace.current_id(), self._settings.max_stale_fraction
        if current is None or most >= 1:
            return {}
        try:
            before = graph_build.saved_tables(self.workspace.build(current))
        except ReckonError:
            # A published build that cannot be read is no measure of the new one.
            return {}
        gone, total = _gone(before, tables)
        return passed_gates(
            "build",
            {"change": {"gone": gone, "total": total, "published": current}},
            {},
            self.config.section(EvaluateConfig),
            limits={"stale_fraction": most},
        )

    @property
    def _settings(self) -> GraphConfig:
        return self.config.section(GraphConfig)

    @contextmanager
    def _store(self) -> Iterator[GraphStore]:
        with self.connected() as opened, GraphStore(opened) as store:
            store.wait()
            yield store

    def _exchange(self, store: GraphStore, build_id: str) -> None:
        before = self.workspace.current_id()
        try:
            if not store.holds_only(build_id):
                self._add(store, build_id)
            if before != build_id:
                publish(self.workspace, build_id)
        except GraphUnavailableError:
            raise
        except Exception:
            # Whatever failed, the published graph comes back; the error goes on.
            if before is not None:
                with suppress(ReckonError):
                    self.put_back(store, before)
            raise
        self._finish(store, build_id)

    def _add(self, store: GraphStore, build_id: str) -> None:
        tables = graph_build.saved_tables(self.workspace.build(build_id))
        (self.workspace.graph / _HELD).unlink(missing_ok=True)
        with self.console.stage("graph database"):
            store.upsert(tables, build_id, self.console.progress)

    def _finish(self, store: GraphStore, build_id: str) -> None:
        store.sweep(build_id, force=True)
        try:
            # Changed items were overwritten with what the build says of them; `reckon follow` writes them again.
            ledger_import.forget_graph(self.workspace, self.config)
        except LedgerUnavailableError as error:
            self.console.note(
                f"{error.message}; items that changed since build {build_id} may be missing from the graph database until they change again"
            )
        self._note_held(build_id)

    def _note_held(self, build_id: str) -> None:
        if not self._settings.uri:
            write_json(self.workspace.graph / _HELD, {"build_id": build_id})

    def _known_to_hold(self, build_id: str) -> bool:
        """Say whether the embedded database does not run and held this build when it was last written."""
        if self._settings.uri or connection(self.workspace.graph) is not None or not (self.workspace.graph / "databases").is_dir():
            return False
        return read_json(self.workspace.graph / _HELD).get("build_id") == build_id


def _gone(before: GraphTables, after: GraphTables) -> tuple[int, int]:
    """Return how many nodes and edges are gone, and how many there are in both together."""
    gone = 0
    for name, frame in before.nodes.items():
        kept = after.nodes.get(name)
        gone += frame.height if kept is None else frame.join(kept, on="key", how="anti").height
    for edge_type, frame in before.edges.items():
        kept, ends = after.edges.get(edge_type), ["source", "target"]
        gone += frame.height if kept is None else frame.join(kept, on=ends, how="anti").height
    return gone, gone + after.n_nodes + after.n_edges
