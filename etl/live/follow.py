"""The worker that follows the catalogue's changes: reads each changed item, keeps what it found in the ledger, and writes it to the graph database.

It holds no state of its own. What it has done is in the ledger: `live_items` knows the last change that was read, and which build the graph database
held when an item was written there. Killed at any moment, the next one goes on; what is done twice changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from etl.live.live_graph import Helper, LiveGraph
from etl.live.live_items import Build, ItemReader, facts_of, states
from gnn.artifact.artifact import load_artifact
from gnn.live.overlay import base_facts
from kg.canary.comparison import compared, due
from kg.canary.measurements import Measurements
from kg.canary.state import running
from kg.catalog.records import Fields
from kg.config import Config, GraphConfig
from kg.errors import (
    ArtifactError,
    BuildError,
    GraphUnavailableError,
    InputError,
    LedgerUnavailableError,
    LimitError,
    NotFoundError,
    QueryError,
    ReckonError,
)
from kg.graph.corrections import FactLog
from kg.ledger.database import Database
from kg.ledger.item_store import NOT_IN_GRAPH, ItemStore, LiveRow
from kg.ledger.settings import LedgerConfig
from kg.ledger.watch import GrowthWait
from kg.schema import EdgeType
from kg.tables import GraphTables
from kg.workspace import Workspace

POLL_S = 0.05
_BATCH = 500
_GRAPH_RETRY_S, _GRAPH_LOOK_S = 2.0, 10.0
_LOOK_S = 0.5
log = structlog.get_logger("follow")


class ItemFollower:
    """Follows the changes of one workspace.

    Args:
        workspace: Whose.
        config: Its configuration.
    """

    def __init__(self, workspace: Workspace, config: Config) -> None:
        self._workspace = workspace
        self._database = Database.open(workspace.ledger, config.section(LedgerConfig))
        self._store = ItemStore(self._database)
        self._graph = LiveGraph(workspace, config.section(GraphConfig))
        self._restore, self._promotion = Helper(workspace, "graph", "restore"), Helper(workspace, "publish", "--promote")
        self._reader = ItemReader(config)
        self._build: Build | None = None
        self._facts = FactLog(workspace.facts)
        self._facts_seen: tuple[int, int] | None = None
        self._edge_types: set[EdgeType] = set()
        self._growth = GrowthWait(lambda: self._database.watch(POLL_S), POLL_S)
        self._again, self._read_at = False, (0, "")
        self._limit = _BATCH
        self._unreadable = ""
        self._next_graph = self._next_look = 0.0

    def run(self) -> None:
        """Follow until interrupted."""
        try:
            while True:
                try:
                    self.step()
                except LedgerUnavailableError as error:
                    log.warning("ledger down", detail=error.message)
                    time.sleep(_LOOK_S)
                self._growth.wait(POLL_S if self._again else _LOOK_S)
        finally:
            self.close()

    def close(self) -> None:
        """Close all connections."""
        self._growth.release()
        self._restore.stop()
        self._promotion.stop()
        self._graph.close()
        self._database.close()

    def step(self) -> int:
        """Do what there is to do, and return how many items were read.

        Raises:
            LedgerUnavailableError: The ledger does not answer.
        """
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_S
            self._look()
            self._promote()
        if self._build is None:
            return 0
        n_read = self._read_new(self._build)
        if now >= self._next_graph and not n_read:
            self._next_graph = now + _GRAPH_RETRY_S
            self._repair_graph(self._build)
        return n_read

    def _look(self) -> None:
        """See whether another build was published, or a person has corrected facts."""
        current = self._workspace.current_id()
        if current is not None and current != self._unreadable and (self._build is None or self._build.build_id != current):
            try:
                self._build, self._facts_seen = Build.read(self._workspace.build(current)), None
                self._next_graph = 0.0
                self._edge_types |= self._build.edge_types() | {_edge_type(fact) for row in self._store.live_since(0) for fact in row.facts}
            except (BuildError, InputError, NotFoundError) as error:
                self._unreadable = current
                log.error("build cannot be read", build_id=current, detail=error.message)
        stamp = _stamp(self._workspace)
        if self._build is not None and stamp != self._facts_seen:
            self._touch_corrected(self._build)
            self._facts_seen = stamp

    def _promote(self) -> None:
        """Publish a build that is tried out, where it was to be published by itself by now."""
        canary = running(self._workspace)
        if canary is None or canary.promote_after_s is None or self._promotion.running:
            return
        if due(canary, compared(Measurements(self._workspace.canary).counted(canary)))[0] == "promote":
            self._promotion.start()

    def _read_new(self, build: Build) -> int:
        """Read the next changed items, if anything was written since there were none."""
        at = self._database.change_number(), build.build_id
        if at == self._read_at:
            return 0
        upto, n_read = self._limit, self._read(build)
        self._again = bool(n_read) or self._limit < upto
        self._read_at = (0, "") if self._again else at
        return n_read

    def _read(self, build: Build) -> int:
        """Read the next changed items."""
        done = max(self._store.live_upto(), build.catalogue_seq)
        pending = self._store.after(done, self._limit)
        if not pending:
            return 0
        upto = pending[-1].seq
        ids = {change.item_id for change in pending}
        changes = [change for change in self._store.of_items(ids, build.catalogue_seq) if change.seq <= upto]
        items = states(build, changes)
        try:
            tables = self._tables(build, {item_id: fields for item_id, fields in items.items() if fields is not None})
            self._limit = _BATCH
        except Exception as error:
            # One item that cannot be read must not keep the others waiting: they are read one by one, and this one is left as it was.
            log.error("items cannot be read", item_ids=sorted(ids)[:5], exc_info=error)
            if self._limit > 1:
                self._limit = 1
                return 0
            tables = self._tables(build, {})
        seqs, facts = {change.item_id: change.seq for change in changes}, facts_of(tables)
        rows = [LiveRow(item_id, seqs[item_id], fields is None, fields or {}, facts.get(item_id, [])) for item_id, fields in items.items()]
        rows.sort(key=lambda row: row.seq)
        self._store.put_live(self._written(build, rows, tables))
        log.info("items read", items=len(rows), upto=upto, ms=round(1000 * (time.time() - pending[0].received_s)))
        return len(rows)

    def _tables(self, build: Build, items: Mapping[str, Fields]) -> GraphTables:
        return self._reader.tables(build, items, self._facts.active())

    def _written(self, build: Build, rows: list[LiveRow], tables: GraphTables) -> list[LiveRow]:
        """Write items to the graph database if it answers and holds the published build, and return the rows with what became of that."""
        try:
            if not self._graph.holds(build.build_id):
                return rows
            self._edge_types |= set(tables.edges)
            self._graph.write(build.build_id, tables, [row.item_id for row in rows if row.deleted], self._edge_types)
        except LedgerUnavailableError:
            raise
        except ReckonError as error:
            # They are recommended all the same, and written when it answers, or takes them, again.
            self._graph.close()
            self._next_graph = time.monotonic() + _GRAPH_RETRY_S
            log.warning("graph not written", detail=error.message)
            return rows
        return [replace(row, in_graph=build.build_id) for row in rows]

    def _repair_graph(self, build: Build) -> None:
        """Write what the graph database has not got: it was down, or another build has been loaded since.

        Where it does not hold the published build (a run was killed while it loaded, or it was down when the build was published), a process of
        its own writes that build first; a rebuild that is at work goes before.
        """
        try:
            if self._restore.running or not self._graph.answers():
                return
            if not self._graph.holds(build.build_id):
                self._restore.start()
                return
            rows = self._store.not_in_graph(build.build_id, max(build.catalogue_seq, 0))[:_BATCH]
        except (GraphUnavailableError, NotFoundError, QueryError, LimitError):
            self._graph.close()
            return
        if not rows:
            self._next_graph = time.monotonic() + _GRAPH_LOOK_S
            return
        tables = self._tables(build, {row.item_id: row.fields for row in rows if not row.deleted})
        done = self._written(build, rows, tables)
        self._store.mark_in_graph([row for row in done if row.in_graph != NOT_IN_GRAPH], build.build_id)
        self._next_graph = 0.0 if len(rows) == _BATCH else self._next_graph

    def _touch_corrected(self, build: Build) -> None:
        """Have items read again whose corrections differ from what answers know of them: an empty change of each goes into the ledger."""
        corrected = {fact.item_id for fact in self._facts.history()}
        live = {row.item_id: row for row in self._store.live_since(build.catalogue_seq) if row.item_id in corrected}
        fields = {**build.fields(sorted(corrected)), **{row.item_id: row.fields for row in live.values()}}
        for row in live.values():
            if row.deleted:
                del fields[row.item_id]
        if not fields:
            return
        try:
            artifact = load_artifact(self._workspace.build(build.build_id) / "artifact", verify=False)
        except ArtifactError as error:
            log.error("build cannot be read", build_id=build.build_id, detail=error.message)
            return
        facts, differing = facts_of(self._tables(build, fields)), []
        for item_id in fields:
            wanted = {(*_edge_type(fact), fact["value"]) for fact in facts.get(item_id, [])}
            if item_id in live:
                answered = {(*_edge_type(fact), fact["value"]) for fact in live[item_id].facts}
            else:
                answered = {(*edge_type, value) for edge_type, values in base_facts(artifact, item_id).items() for value in values}
            if wanted != answered:
                differing.append(item_id)
        if differing:
            self._store.append([(item_id, "patch", {}) for item_id in differing])
            log.info("corrected items", items=len(differing))


def _stamp(workspace: Workspace) -> tuple[int, int]:
    try:
        stat = workspace.facts.stat()
    except FileNotFoundError:
        return (0, 0)
    return stat.st_mtime_ns, stat.st_size


def _edge_type(fact: Mapping[str, Any]) -> EdgeType:
    return "item", str(fact["relation"]), str(fact["node_type"])
