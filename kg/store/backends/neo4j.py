"""A Neo4j that somebody keeps: 5.26 or newer, Community is enough."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from kg.config import GraphConfig
from kg.embedded import Connection
from kg.errors import GraphUnavailableError
from kg.store.graph import GraphStore
from kg.store.port import BACKENDS, GraphDatabase, Place

_PROBE_S = 0.5


class Neo4j:
    """Neo4j at `[graph] uri`."""

    name = "neo4j"
    summary = "a running Neo4j at `[graph] uri`"
    own = False

    @contextmanager
    def opened(self, place: Place) -> Iterator[GraphDatabase]:
        """Give the database."""
        with _store(place) as store:
            yield store

    def joined(self, place: Place) -> GraphDatabase:
        """Give the database if something listens there: a host that swallows what it is sent costs half a second, not the driver's patience."""
        wrong = _probe(place.settings.uri)
        if wrong:
            raise GraphUnavailableError(f"the graph database at {place.settings.uri} does not answer: {wrong}")
        return _store(place)

    def address(self, place: Place) -> str:
        """Return its address, and where its password stands."""
        return f"{place.settings.uri}  user {place.settings.user}  password: graph.password or RECKON__GRAPH__PASSWORD"

    def runs(self, place: Place) -> bool:
        """Say whether something listens there."""
        return not _probe(place.settings.uri)


def _store(place: Place) -> GraphStore:
    settings = place.settings
    reader = None
    if settings.read_user:
        reader = Connection(settings.uri, settings.read_user, settings.read_password.get_secret_value(), settings.database)
    return GraphStore(_connection(settings), at_once=settings.at_once, reader=reader)


def _connection(settings: GraphConfig) -> Connection:
    return Connection(settings.uri, settings.user, settings.password.get_secret_value(), settings.database)


def _probe(uri: str) -> str:
    """Return what is wrong where nothing listens."""
    parts = urlsplit(uri)
    with closing(socket.socket()) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect((parts.hostname or "127.0.0.1", parts.port or 7687))
        except OSError as error:
            return str(error.strerror or error)
    return ""


BACKENDS.register(Neo4j())
