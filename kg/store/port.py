"""What the rest of Reckon asks of a graph database, and the registry of those that there are.

A database is a module in `kg/store/backends`, or an object that a package names in the entry-point group `reckon.graph_databases`: it says how the
database is reached, started and joined, and gives a `GraphDatabase`. Every database that speaks Bolt and Cypher gets that from `kg.store.graph`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kg.config import GraphConfig
from kg.graph.delta import GraphDelta
from kg.registry import Registry
from kg.store.query import Bounds, Cancellation, QueryResult
from kg.store.values import RowSink
from kg.tables import GraphTables

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shop's graph database is.

    Attributes:
        folder: Folder of the workspace for a database that Reckon keeps itself.
        settings: `[graph]`.
    """

    folder: Path
    settings: GraphConfig


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What a load changed, and how.

    Attributes:
        written: Nodes and edges that were new or differed.
        removed: Nodes and edges that are no more.
        kept: Nodes and edges that were not touched.
        at_once: Whether it was one transaction: readers saw the graph before it, then the graph after it.
    """

    written: int
    removed: int
    kept: int
    at_once: bool


class GraphDatabase(Protocol):
    """The graph of one shop: exactly one whole build, with what changed since written into it."""

    def wait(self, timeout_s: float = 30) -> None:
        """Return as soon as it answers; GraphUnavailableError where it does not in time."""

    def load(
        self,
        tables: GraphTables,
        build_id: str,
        *,
        before: tuple[str, GraphTables] | None = None,
        about: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> LoadCounts:
        """Hold this build and nothing of another; only what differs is written.

        Args:
            tables: The graph of the build.
            build_id: The build.
            before: A build and its graph: where the database holds just that, nothing need be read to know what differs.
            about: What else is kept of the build beside the graph.
            progress: Called with (rows done, rows in all).
        """

    def apply(self, delta: GraphDelta, build_id: str) -> None:
        """Change the graph of the build that it holds, in one transaction."""

    def read(self) -> GraphTables:
        """Return the graph that it holds."""

    def build_id(self) -> str | None:
        """Return the build that it holds whole; None where it holds none, or is being loaded."""

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
        """Answer a text that only reads, from one whole build; a sink takes the rows as they come."""

    def close(self) -> None:
        """Close all connections."""


class Backend(Protocol):
    """A kind of graph database.

    Attributes:
        name: What `[graph] backend` calls it.
        summary: What it is, in a few words.
        own: Whether Reckon starts and stops it: while it does not run, nobody changes what it holds.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  (described above)

    @property
    def summary(self) -> str: ...  # noqa: D102  (described above)

    @property
    def own(self) -> bool: ...  # noqa: D102  (described above)

    def opened(self, place: Place) -> AbstractContextManager[GraphDatabase]:
        """Give the database, started where Reckon keeps it and it does not run."""

    def joined(self, place: Place) -> GraphDatabase:
        """Give the database if it runs; GraphUnavailableError, quickly, where it does not."""

    def address(self, place: Place) -> str:
        """Return one line that tells people how to connect; NotFoundError where it does not run."""

    def runs(self, place: Place) -> bool:
        """Say whether it runs, as far as can be seen without asking it."""


BACKENDS: Registry[Backend] = Registry("graph database", Backend, group="reckon.graph_databases", package="kg.store.backends")


def backend_of(settings: GraphConfig) -> Backend:
    """Return the graph database that the configuration chooses.

    Raises:
        ConfigError: It names one that is not there.
    """
    return BACKENDS.get(settings.chosen)
