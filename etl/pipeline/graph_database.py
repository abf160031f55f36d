"""The graph database beside the builds: it shows the published build, whatever becomes of a run.

A build is trained and evaluated from its own tables, and comes into the database when it is published, and not before: what differs is written in one
transaction, then `current` points at the build. `builds/publishing.json` names the build from before the first until after the second, so that
what a kill in between leaves is put right by the next command that looks, or by `reckon follow`: the build that the database shows is published.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.console import Console
from etl.pipeline.builds import about, check_publishable, damaged, publish, published
from etl.pipeline.locks import locked
from etl.stages import graph_build, ledger_import
from etl.stages.gates import accepted_gates, passed_gates
from gnn.config import EvaluateConfig
from kg.config import Config, GraphConfig
from kg.errors import ArtifactError, GraphUnavailableError, LedgerUnavailableError, LockedError, NotFoundError, ReckonError
from kg.files.json_file import read_json, write_json
from kg.store import Backend, GraphDatabase, LoadCounts, Place, backend_of
from kg.tables import GraphTables
from kg.workspace import Workspace

_LOADED = "held.json"
"""In the folder of a database of our own: the build that it holds whole. Spares an unchanged rebuild to start the database and ask it."""
_PUBLISHING = "publishing.json"


@dataclass(frozen=True)
class PublishedGraph:
    """The graph of a workspace's published build, in its graph database.

    Attributes:
        workspace: Whose builds.
        config: How the database is reached.
        console: Shows progress.
    """

    workspace: Workspace
    config: Config
    console: Console

    @contextmanager
    def connected(self) -> Iterator[GraphDatabase]:
        """Give the graph database, started where Reckon keeps it and it does not run."""
        with self.backend.opened(self.place) as store:
            store.wait()
            yield store

    @contextmanager
    def reading(self) -> Iterator[GraphDatabase]:
        """Give the graph database to somebody who asks it: what a kill left is put right first, and another build than the published one is named."""
        with self.connected() as store:
            current = self.workspace.current_id()
            if current is not None and store.build_id() != current:
                with suppress(LockedError, ReckonError), locked(self.workspace):
                    self._settle(store)
                current, loaded = self.workspace.current_id(), store.build_id()
                if loaded is not None and loaded != current:
                    self.console.note(f"the graph database shows build {loaded}, and published is {current}; `reckon graph restore` writes it there")
            yield store

    def publish(self, build_id: str) -> LoadCounts | None:
        """Make a build current, and the one that the database shows; return what was written there.

        A database that does not answer holds nothing up: recommendations come from the build's own files, and the graph follows later.

        Raises:
            NotFoundError: There is no such build.
            ArtifactError: Its artifact is missing or corrupt; `current` and the database stay as they were.
            ReckonError: The database cannot take the build; the published graph is back.
        """
        check_publishable(self.workspace, build_id)
        try:
            graph_build.check_saved(self.workspace.build(build_id))
            with self.connected() as store:
                return self._exchange(store, build_id)
        except (GraphUnavailableError, NotFoundError) as error:
            if self.workspace.current_id() != build_id:
                publish(self.workspace, build_id)
            self._published()
            self.console.note(
                f"build {build_id} is published, but not in the graph database: {error.message}; `reckon graph restore` writes it there"
            )
            return None

    def restore(self, build_id: str) -> bool:
        """Make the database show a build; say whether that was needed.

        Raises:
            NotFoundError: The build's tables are not there any more.
            GraphUnavailableError: The database does not answer.
        """
        graph_build.check_saved(self.workspace.build(build_id))
        with self.connected() as store:
            if store.build_id() == build_id:
                self._note_loaded(build_id)
                return False
            self.put_back(store, build_id)
        return True

    def restore_published(self) -> bool:
        """Make the database show the published build, if one is published and its tables are there; say whether that was needed.

        A publication that a kill cut short after the database took the build is completed.

        Raises:
            GraphUnavailableError: The database does not answer.
        """
        current = self.workspace.current_id()
        if current is None or (self._known_to_hold(current) and not self._publishing()):
            return False
        with self.connected() as store:
            return self._settle(store)

    def put_back(self, store: GraphDatabase, build_id: str) -> LoadCounts:
        """Write a build's graph from its tables, and remove everything else that builds wrote."""
        counts = self._load(store, build_id)
        self._loaded(build_id)
        return counts

    def check_change(self, tables: GraphTables, build: Path) -> dict[str, dict[str, Any]]:
        """Ask the gates of a graph how it differs from the published one, and return what they found.

        Args:
            tables: The graph.
            build: Folder of its build, with the hygiene report.

        Raises:
            GateError: One does not pass, such as `stale_fraction`: too much of the published graph would go.
        """
        current, most = self.workspace.current_id(), self._settings.max_stale_fraction
        if current is None:
            return {}
        try:
            before = graph_build.saved_tables(self.workspace.build(current))
        except ReckonError:
            # A published build that cannot be read is no measure of the new one.
            return {}
        gone, total = _gone(before, tables)
        return passed_gates(
            "build",
            {"change": {"gone": gone, "total": total, "published": current}, "hygiene": read_json(build / "hygiene.json")},
            {"hygiene": read_json(self.workspace.build(current) / "hygiene.json")},
            self.config.section(EvaluateConfig),
            limits={"stale_fraction": most},
            accepted=accepted_gates(build),
        )

    @property
    def backend(self) -> Backend:
        """The kind of database that the configuration chooses."""
        return backend_of(self._settings)

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.workspace.graph, self._settings)

    @property
    def _settings(self) -> GraphConfig:
        return self.config.section(GraphConfig)

    def _exchange(self, store: GraphDatabase, build_id: str) -> LoadCounts:
        before = self.workspace.current_id()
        write_json(self.workspace.builds / _PUBLISHING, {"build_id": build_id})
        try:
            counts = self._load(store, build_id)
            if before != build_id:
                publish(self.workspace, build_id)
        except GraphUnavailableError:
            raise
        except Exception:  # whatever failed, the published graph comes back; the error goes on
            self._published()
            if before is not None:
                with suppress(ReckonError):
                    self.put_back(store, before)
            raise
        self._published()
        self._loaded(build_id)
        return counts

    def _settle(self, store: GraphDatabase) -> bool:
        """Make the database and `current` agree, and say whether that was needed."""
        loaded, going = store.build_id(), self._publishing()
        if going is not None and loaded == going and self.workspace.current_id() != going:
            with suppress(ArtifactError, NotFoundError):
                publish(self.workspace, going)
                self.console.note(f"build {going} is published: the publication had been cut short")
        self._published()
        current = self.workspace.current_id()
        if current is None or not graph_build.has_saved(self.workspace.build(current)):
            return False
        if loaded == current:
            self._note_loaded(current)
            return loaded == going
        self.put_back(store, current)
        return True

    def _load(self, store: GraphDatabase, build_id: str) -> LoadCounts:
        build = self.workspace.build(build_id)
        tables = graph_build.saved_tables(build)
        (self.workspace.graph / _LOADED).unlink(missing_ok=True)
        with self.console.stage("graph database"):
            return store.load(tables, build_id, before=self._before(store, build_id), about=about(build), progress=self.console.progress)

    def _before(self, store: GraphDatabase, build_id: str) -> tuple[str, GraphTables] | None:
        """Return the build that the database shows, with its tables where they are there as they were written."""
        loaded = store.build_id()
        if loaded is None or loaded == build_id or any(damaged(self.workspace.build(loaded), stage) for stage in ("import", "extract", "build")):
            return None
        try:
            return loaded, graph_build.saved_tables(self.workspace.build(loaded))
        except ReckonError:
            return None

    def _loaded(self, build_id: str) -> None:
        try:
            # Changed items were overwritten with what the build says of them; `reckon follow` writes them again.
            ledger_import.forget_graph(self.workspace, self.config)
        except LedgerUnavailableError as error:
            self.console.note(
                f"{error.message}; items that changed since build {build_id} may be missing from the graph database until they change again"
            )
        self._note_loaded(build_id)

    def _publishing(self) -> str | None:
        """Return the build whose publication began and has not ended."""
        build_id = read_json(self.workspace.builds / _PUBLISHING).get("build_id")
        return build_id if isinstance(build_id, str) and build_id not in published(self.workspace)[:-1] else None

    def _published(self) -> None:
        (self.workspace.builds / _PUBLISHING).unlink(missing_ok=True)

    def _note_loaded(self, build_id: str) -> None:
        if self.backend.own:
            write_json(self.workspace.graph / _LOADED, {"build_id": build_id})

    def _known_to_hold(self, build_id: str) -> bool:
        """Say whether a database of our own does not run, and held this build when it was last written."""
        if not self.backend.own or self.backend.runs(self.place) or not self.workspace.graph.is_dir():
            return False
        return read_json(self.workspace.graph / _LOADED).get("build_id") == build_id


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
