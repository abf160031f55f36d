"""The embedded database: ArcadeDB as a child process, in the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kg.embedded import connection, of_settings
from kg.errors import GraphUnavailableError, NotFoundError
from kg.store.graph import GraphStore
from kg.store.port import BACKENDS, GraphDatabase, Place


class Embedded:
    """ArcadeDB, started and stopped by Reckon."""

    name = "embedded"
    summary = "ArcadeDB in the workspace, started and stopped by Reckon"
    own = True

    @contextmanager
    def opened(self, place: Place) -> Iterator[GraphDatabase]:
        """Give the database, started where it does not run."""
        with (
            of_settings(place.folder, place.settings) as running,
            GraphStore(running, at_once=place.settings.at_once) as store,
        ):
            yield store

    def joined(self, place: Place) -> GraphDatabase:
        """Give the database that another process runs."""
        running = connection(place.folder)
        if running is None:
            raise GraphUnavailableError("the embedded graph database does not run", hint="`reckon serve` starts it again")
        return GraphStore(running, at_once=place.settings.at_once)

    def address(self, place: Place) -> str:
        """Return its address, and where its password is."""
        running = connection(place.folder)
        if running is None:
            raise NotFoundError("the embedded graph database does not run", hint="`reckon serve` or `reckon graph run` starts it")
        return f"{running.uri}  user {running.user}  database {running.database}  password in {place.folder / 'password'}"

    def runs(self, place: Place) -> bool:
        """Say whether another process, or another part of this one, runs it."""
        return connection(place.folder) is not None


BACKENDS.register(Embedded())
