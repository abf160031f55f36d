"""The ledger's database: connections, transactions, migrations, and errors translated once."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, select, text, update
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from kg.errors import ConfigError, ConflictError, InputError, LedgerUnavailableError
from kg.ledger.settings import LedgerConfig
from kg.ledger.tables import counters
from kg.ledger.watch import CHANNEL, FileWatch, PollWatch, PostgresWatch, Watch

_WAIT_S = 5
_MIGRATION_LOCK = 0x7265636B6F6E
_DOWN_HINT = "the call can be repeated with the same event ids; `reckon ledger status` says what is wrong"


class Database:
    """One ledger database. Nothing is opened before it is used, so that serving starts while the database is down.

    Args:
        url: SQLite or PostgreSQL.
        synchronous: SQLite's `synchronous`: "full" or "normal".
    """

    def __init__(self, url: URL, *, synchronous: str = "full") -> None:
        self.url = url
        self._engine = _engine(url, synchronous)
        self._migrating = threading.Lock()
        self._migrated = False
        self._watching: Connection | None = None

    @classmethod
    def open(cls, path: Path, config: LedgerConfig) -> Database:
        """Return the database that the configuration names, or the workspace's own file.

        Args:
            path: File of the embedded default.
            config: The `[ledger]` section.

        Raises:
            ConfigError: The URL is not one of SQLite or PostgreSQL.
        """
        return cls(_url(config.url.get_secret_value(), path), synchronous=config.synchronous)

    @property
    def shown_url(self) -> str:
        """Where it is, without the password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """Its file, if it is SQLite."""
        return Path(self.url.database) if self.url.get_backend_name() == "sqlite" and self.url.database else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises:
            LedgerUnavailableError: The database does not answer.
        """
        with _translated():
            self._migrate()
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that is durable when the block ends, and undone if it raises.

        Raises:
            ConflictError: A row contradicts what is stored.
            InputError: The database refuses a value.
            LedgerUnavailableError: The database does not answer, or the disk is full.
        """
        with _translated():
            self._migrate()
            with self._turn(), self._engine.connect().execution_options(reckon_write=True) as connection, connection.begin():
                yield connection
                if self.path is None:
                    # Delivered with the commit, to whoever watches.
                    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def watch(self, poll_s: float) -> Watch:
        """Return something that says when the ledger may have grown.

        Args:
            poll_s: How long its waits are where this system cannot say.

        Raises:
            LedgerUnavailableError: The database does not answer.
        """
        with _translated():
            self._migrate()
            if self.path is not None:
                try:
                    return FileWatch(self.path)
                except OSError:
                    return PollWatch(poll_s)
            opened = self._engine.raw_connection()
            driver: Any = opened.driver_connection
            opened.detach()
            driver.autocommit = True
            return PostgresWatch(driver)

    def change_number(self) -> int:
        """Return a number that differs whenever another connection has appended since the last call, as cheaply as can be.

        To be called from one thread alone.

        Raises:
            LedgerUnavailableError: The database does not answer.
        """
        with _translated():
            self._migrate()
            try:
                return self._change_number()
            except SQLAlchemyError:
                # The connection may be broken for good.
                if self._watching is not None:
                    self._watching.invalidate()
                    self._watching.close()
                    self._watching = None
                raise

    def _change_number(self) -> int:
        if self._watching is None:
            level = {} if self.path is not None else {"isolation_level": "AUTOCOMMIT"}
            self._watching = self._engine.connect().execution_options(**level)
        if self.path is None:
            # One message there and one back: no transaction around it.
            return int(self._watching.exec_driver_sql("SELECT sum(value) FROM counters").scalar_one())
        # Past SQLAlchemy, which would begin a transaction and take thirty times as long; this is asked a hundred times a second.
        driver: Any = self._watching.connection.driver_connection
        return int(driver.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close all connections."""
        if self._watching is not None:
            self._watching.close()
        self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the turn to write to a file: SQLite's own waiting looks again after ever longer pauses, this wakes at once and in order.

        A process that dies gives its turn back.
        """
        if self.path is None:
            yield
            return
        descriptor = os.open(f"{self.path}.turn", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def size_bytes(self) -> int:
        """Return how much disk the ledger takes: the file and its log, or the PostgreSQL database."""
        if self.path is not None:
            return sum(file.stat().st_size for suffix in ("", "-wal") if (file := Path(f"{self.path}{suffix}")).exists())
        with self.reading() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)

    def _migrate(self) -> None:
        if self._migrated:
            return
        with self._migrating:
            if not self._migrated:
                self._create_file()
                with self._engine.connect().execution_options(reckon_write=True) as connection, connection.begin():
                    if connection.dialect.name == "postgresql":
                        # Of several workers that start at once, one migrates and the others wait. SQLite's write lock does the same.
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                    _upgrade(connection)
                self._migrated = True

    def _create_file(self) -> None:
        """Make the file before SQLite does, readable by its owner alone; the log beside it gets the same mode."""
        if self.path is not None:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))


def take_number(connection: Connection, stream: str, count: int = 1) -> int:
    """Number the next rows of a stream, in a transaction that commits them; whoever else appends waits until it ends.

    Args:
        connection: What `Database.writing` gave.
        stream: A name in `counters`.
        count: How many rows.

    Returns:
        The first of their numbers.
    """
    first = last_number(connection, stream, lock=True) + 1
    connection.execute(update(counters).where(counters.c.name == stream).values(value=first + count - 1))
    return first


def last_number(connection: Connection, stream: str, *, lock: bool = False) -> int:
    """Return the highest number of a stream; with `lock`, nobody else appends to it until the transaction ends."""
    query = select(counters.c.value).where(counters.c.name == stream)
    return int(connection.execute(query.with_for_update() if lock else query).scalar_one())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(f"the ledger holds another row like this: {_first_line(error)}") from error
    except DataError as error:
        raise InputError(f"the ledger refuses a value: {_first_line(error)}") from error
    except SQLAlchemyError as error:
        raise LedgerUnavailableError(f"the event ledger does not answer: {_first_line(error)}", hint=_DOWN_HINT) from error
    except OSError as error:
        raise LedgerUnavailableError(f"the event ledger cannot be opened: {error.strerror}", hint=_DOWN_HINT) from error


def _first_line(error: SQLAlchemyError) -> str:
    """Return what the driver said, without statement or values: these may be a shopper's."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else type(error).__name__
    return (str(said).strip().splitlines() or ["no reason given"])[0][:200]


def _url(given: str, path: Path) -> URL:
    if not given:
        return URL.create("sqlite", database=str(path))
    hint = "write postgresql://user:password@host/database, or leave it empty for the workspace's own file"
    try:
        url = make_url(given)
        name = url.get_backend_name()
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError, ImportError):
        # The text is not shown: it may hold a password.
        name = "postgres" if given.startswith("postgres://") else ""
        url = make_url(given.replace("postgres://", "postgresql://", 1)) if name else URL.create("sqlite")
    if name.startswith("postgres"):
        return url.set(drivername="postgresql+psycopg")
    if name == "sqlite" and url.database:
        return url
    raise ConfigError("[ledger] url is not the URL of a PostgreSQL database", hint=hint)


def _engine(url: URL, synchronous: str) -> Engine:
    if url.get_backend_name() == "sqlite":
        # The connection that was used last is used next: each holds pages in memory, so the fewer the better.
        engine = create_engine(url, hide_parameters=True, pool_size=8, max_overflow=8, pool_use_lifo=True, connect_args={"timeout": _WAIT_S})

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _: object) -> None:
            # The driver's own transactions are switched off: ours begin below.
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that will write takes the lock at once; one that reads first could not upgrade when another has written since.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("reckon_write") else "BEGIN")

        return engine
    options = f"{url.query.get('options', '')} -c statement_timeout=30s -c lock_timeout=10s".strip()
    arguments = {"connect_timeout": 3, "options": options, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    return create_engine(url, hide_parameters=True, pool_size=4, max_overflow=12, pool_pre_ping=True, pool_timeout=_WAIT_S, connect_args=arguments)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision == scripts.get_current_head():
        return
    try:
        command.upgrade(config, "head")
    except (CommandError, ResolutionError) as error:
        raise LedgerUnavailableError(f"the ledger is of revision {revision}, which this Reckon does not know", hint="use the newer Reckon") from error
