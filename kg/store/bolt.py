"""One driver, its sessions, and the translation of its errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import neo4j
from neo4j.exceptions import AuthError, ClientError, ConfigurationError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired

from kg.embedded import Connection
from kg.errors import GraphUnavailableError, LimitError, QueryError

_HINT = "see that the database runs and that RECKON__GRAPH__URI, _USER and _PASSWORD are right"
T = TypeVar("T")
_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")

# The server's remarks on people's queries (an unknown label, a deprecated form) are not ours to log.
logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)
# What goes wrong is raised; without a handler of its own the driver would print it to the terminal as well.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


class Transaction:
    """One transaction that is being written.

    Args:
        tx: The driver's.
    """

    def __init__(self, tx: neo4j.ManagedTransaction) -> None:
        self._tx = tx

    def run(self, cypher: str, **parameters: object) -> Any:
        """Run one text, and return the first column of its first record, or None."""
        record = self._tx.run(cypher, parameters).peek()
        return None if record is None else record[0]


class BoltSession:
    """Sessions on one database.

    Args:
        connection: Where it is.

    Raises:
        GraphUnavailableError: The URI is not one of a Bolt database.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        if urlsplit(connection.uri).scheme not in _SCHEMES:
            raise GraphUnavailableError(f"{connection.uri!r} is not a graph database address", hint=f"it starts with one of {', '.join(_SCHEMES)}")
        auth = (connection.user, connection.password)
        try:
            self._driver = neo4j.GraphDatabase.driver(connection.uri, auth=auth, connection_timeout=5, max_transaction_retry_time=10)
        except (ValueError, ConfigurationError) as error:
            raise GraphUnavailableError(f"{connection.uri!r} is not a graph database address: {error}", hint=_HINT) from None

    def close(self) -> None:
        """Close all connections."""
        self._driver.close()

    def wait(self, timeout_s: float) -> None:
        """Return as soon as the database answers.

        Raises:
            GraphUnavailableError: It does not within `timeout_s`, or refuses our credentials.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with translated(self.connection):
                    self._ping()
                return
            except GraphUnavailableError as error:
                # Wrong credentials do not become right, and Neo4j locks out who keeps trying.
                if isinstance(error.__cause__, ClientError) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def write(self, cypher: str, **parameters: object) -> None:
        """Run one writing text in a transaction of its own; transient failures are tried again."""
        with translated(self.connection), self.session() as session:
            session.execute_write(lambda tx: tx.run(cypher, parameters).consume())

    def atomically(self, work: Callable[[Transaction], T]) -> T:
        """Do several things in one transaction, all or none; after a transient failure all of them again."""
        with translated(self.connection), self.session() as session:
            return session.execute_write(lambda tx: work(Transaction(tx)))

    def schema(self, cypher: str) -> None:
        """Run one schema command, which takes no explicit transaction."""
        with translated(self.connection), self.session() as session:
            session.run(cypher).consume()

    def stream(self, cypher: str, **parameters: object) -> Iterator[neo4j.Record]:
        """Yield the records of one reading text of ours."""
        with translated(self.connection), self.session(read=True) as session:
            yield from session.run(cypher, parameters)

    def record(self, cypher: str, **parameters: object) -> neo4j.Record | None:
        """Return the first record of one reading text of ours, or None."""
        with translated(self.connection), self.session(read=True) as session:
            return session.run(cypher, parameters).peek()

    def value(self, cypher: str, **parameters: object) -> Any:
        """Return the first column of the first record, or None."""
        record = self.record(cypher, **parameters)
        return None if record is None else record[0]

    def session(self, *, read: bool = False) -> neo4j.Session:
        """Open a session on the configured database."""
        mode = neo4j.READ_ACCESS if read else neo4j.WRITE_ACCESS
        return self._driver.session(database=self.connection.database or None, default_access_mode=mode, fetch_size=2000)

    def _ping(self) -> None:
        with self.session(read=True) as session:
            session.run("RETURN 1").consume()


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Turn the driver's errors into ours, once, here.

    Raises:
        GraphUnavailableError: It does not answer, refuses us, or has no such database.
        LimitError: It ended a transaction that took too long or too much memory.
        QueryError: It cannot read the Cypher.
    """
    try:
        yield
    except AuthError as error:
        raise GraphUnavailableError(f"{connection.uri} refused the user {connection.user!r}", hint=_HINT) from error
    except (ServiceUnavailable, SessionExpired, DriverError, OSError) as error:
        raise GraphUnavailableError(f"the graph database at {connection.uri} does not answer: {_first_line(error)}", hint=_HINT) from error
    except Neo4jError as error:
        raise _translated(connection, error) from error


def _translated(connection: Connection, error: Neo4jError) -> GraphUnavailableError | LimitError | QueryError:
    code, text = error.code or "", _first_line(error)
    if ".Security." in code:
        return GraphUnavailableError(f"{connection.uri} refused the user {connection.user!r}", hint=_HINT)
    if ".Database." in code:
        return GraphUnavailableError(f"{connection.uri} has no database {connection.database!r}", hint="set RECKON__GRAPH__DATABASE")
    if "TransactionTimedOut" in code or "MemoryPoolOutOfMemory" in code or "imeout" in text.split(":")[0]:
        return LimitError(f"the graph database ended the transaction: {text}", hint="ask for less: a narrower MATCH, a LIMIT")
    if isinstance(error, ClientError):
        return QueryError(f"the graph database refused the query: {text}", hint="correct the Cypher")
    return GraphUnavailableError(f"the graph database failed: {text}", hint="try again; read its log if it goes on")


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", None) or error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
