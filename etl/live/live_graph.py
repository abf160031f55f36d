"""Changed items in the graph database: written as soon as they are known, again after another build was loaded, and later where it was down."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import structlog

from kg import processes, schema
from kg.config import GraphConfig
from kg.graph.delta import GraphDelta
from kg.schema import EdgeType, family
from kg.store import GraphDatabase, Place, backend_of
from kg.tables import GraphTables
from kg.workspace import Workspace

_EDGES = "MATCH (i:Item)-[r]->(v) WHERE i.item_id IN $ids AND NOT v:Item RETURN i.item_id, type(r), labels(v)[0], v.value"
_MOST_ROWS = 100_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 60.0
log = structlog.get_logger("follow")


@dataclass
class LiveGraph:
    """The graph database, as the one who writes changed items sees it.

    Attributes:
        workspace: Where the embedded one is.
        config: How it is reached.
    """

    workspace: Workspace
    config: GraphConfig
    _store: GraphDatabase | None = field(default=None, repr=False)

    def answers(self) -> bool:
        """Say whether something listens where the database should be."""
        return backend_of(self.config).runs(self._place)

    def holds(self, build_id: str) -> bool:
        """Say whether the database holds this build whole.

        Raises:
            GraphUnavailableError: It does not answer.
        """
        return self._open().build_id() == build_id

    def write(self, build_id: str, tables: GraphTables, deleted: Sequence[str], edge_types: Iterable[EdgeType]) -> None:
        """Make the database hold these items as they are.

        Args:
            build_id: The build that it holds.
            tables: The graph of the items.
            deleted: Ids of items that are no more.
            edge_types: Attribute edges that items may have had.

        Raises:
            GraphUnavailableError: It does not answer. What was written stays; writing it again goes on.
            BuildError: Another build is being loaded.
        """
        item_ids = [*tables.nodes["item"]["key"].to_list(), *deleted]
        self._open().apply(_delta(tables, deleted, self._edges(item_ids, edge_types)), build_id)

    def close(self) -> None:
        """Close all connections."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _open(self) -> GraphDatabase:
        if self._store is None:
            self._store = backend_of(self.config).joined(self._place)
        return self._store

    @property
    def _place(self) -> Place:
        return Place(self.workspace.graph, self.config)

    def _edges(self, item_ids: list[str], edge_types: Iterable[EdgeType]) -> dict[EdgeType, set[tuple[str, str]]]:
        """Return the attribute edges that the database has of some items."""
        names = {(schema.relation(e[1]).type, schema.node_type(e[2]).label): e for e in edge_types if family(e) == "attribute"}
        edges: dict[EdgeType, set[tuple[str, str]]] = {}
        for item_id, name, label, value in self._open().query(_EDGES, {"ids": item_ids}, max_rows=_MOST_ROWS).rows:
            edge_type = names.get((str(name), str(label)))
            if edge_type is not None:
                edges.setdefault(edge_type, set()).add((str(item_id), str(value)))
        return edges


class Helper:
    """A command in a process of its own: to write a whole build takes minutes and the memory of its tables.

    Args:
        workspace: Whose.
        arguments: The command, such as `graph restore`, which makes the graph database hold the published build.
    """

    def __init__(self, workspace: Workspace, *arguments: str) -> None:
        self._root, self._arguments = workspace.root, arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._next, self._pause = 0.0, _FIRST_PAUSE_S

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return True
        self._process = None
        self._pause = _FIRST_PAUSE_S if code == 0 else min(2 * self._pause, _LONGEST_PAUSE_S)
        self._next = time.monotonic() + self._pause
        log.info("done" if code == 0 else "not done", command=" ".join(self._arguments), code=code)
        return False

    def start(self) -> None:
        """Begin, unless it did not succeed a moment ago. Where another job holds the workspace, that job goes before."""
        if time.monotonic() >= self._next:
            command = [sys.executable, "-m", "etl", *self._arguments, "-w", str(self._root)]
            self._process = processes.spawn(command, log=sys.stderr.buffer)

    def stop(self) -> None:
        """End it; what it wrote is completed by the next."""
        if self._process is not None:
            processes.stop(self._process)
            self._process = None


def _delta(tables: GraphTables, deleted: Sequence[str], there: Mapping[EdgeType, set[tuple[str, str]]]) -> GraphDelta:
    """Return what the database must change. Values that nothing leads to any more stay until the next rebuild."""
    nodes = {name: frame for name, frame in tables.nodes.items() if frame.height}
    wanted = {edge_type: set(frame.select("source", "target").iter_rows()) for edge_type, frame in tables.edges.items()}
    gone = {edge_type: sorted(present - wanted.get(edge_type, set())) for edge_type, present in there.items()}
    ends = {"source": pl.String, "target": pl.String}
    gone_edges = {edge_type: pl.DataFrame(rows, schema=ends, orient="row") for edge_type, rows in gone.items() if rows}
    return GraphDelta(nodes, dict(tables.edges), {"item": pl.DataFrame({"key": sorted(deleted)})} if deleted else {}, gone_edges)
