"""The embedded graph database: ArcadeDB as a child process on loopback, spoken to over Bolt like any other.

folder/databases/     the data, which survive a crash
folder/password       generated once, mode 0600; the server reads it from there, so no command line shows it
folder/server.json    pid and port of the running server, for other processes of this machine
folder/port           Bolt port of the last start, taken again by the next where it is free
folder/server.log     what the server said; server.log.1 is that of the start before

No port is chosen before it is bound: the kernel gives the server one, and the log names it. A port that looked free a moment ago may be
another's by then (two copies of a workspace remember the same one), and the server does not end when it cannot have its port: its log says so.

Whoever starts the server holds `folder/.lock` until it stops it, so a server whose lock is free is nobody's: its starter was killed. On
Linux the kernel ends such a server; elsewhere the next start does. Others on the machine use the running server through `connection`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import secrets
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
from filelock import FileLock, Timeout

from kg import processes
from kg.config import GraphConfig
from kg.errors import GraphUnavailableError, LockedError
from kg.files.atomic import write_text

DATABASE = "reckon"
_USER = "root"
_MAIN = "com.arcadedb.server.ArcadeDBServer"
_READY = b"ArcadeDB Server started in"
_LISTENS = re.compile(rb"Listening for incoming BOLT connections on \S*:(\d+)")
_PORT_TAKEN = re.compile(rb"Unable to listen for BOLT connections|Unable to listen to a HTTP port")
_FAILED = re.compile(rb'Exception in thread "main"|ArcadeDB Server is down')
_START_TIMEOUT_S = 120.0
_SHOWN_LINES = 3
_STOP_TIMEOUT_S = 60.0
_STATEMENT_LIMIT_MS = 120_000
"""The database ends any statement after this: a query that its asker gave up on does not run for ever."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a graph database.

    Attributes:
        uri: bolt://… or neo4j://….
        user: User name.
        password: Its password; kept out of `repr`.
        database: Database name; empty is the server's default.
    """

    uri: str
    user: str
    password: str
    database: str = ""

    def __repr__(self) -> str:
        return f"Connection(uri={self.uri!r}, user={self.user!r}, database={self.database!r})"


class EmbeddedGraph:
    """A graph database that lives as long as this object: keep it, and call `stop`, or use it in a `with`.

    Args:
        folder: Where its files are; created where it does not exist.
        heap_mb: Java heap, MiB. The whole process stays within about twice that.
        port: Bolt port on 127.0.0.1; 0 takes the last one again, or a free one.
        start_timeout_s: How long a start may take without a further line in its log.
    """

    def __init__(self, folder: Path, *, heap_mb: int = 1024, port: int = 0, start_timeout_s: float = _START_TIMEOUT_S) -> None:
        self.folder = folder.resolve()
        self.heap_mb = heap_mb
        self._port = port
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = FileLock(self.folder / ".lock", mode=0o600)

    def start(self) -> Connection:
        """Start the server, or join the one that another process runs in this folder.

        Raises:
            GraphUnavailableError: It did not come up; the message quotes and names its log.
            LockedError: Another process is starting or stopping it and does not finish.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        patience = _Patience(self._log, self._start_timeout_s)
        while True:
            try:
                self._lock.acquire(timeout=0.2)
            except Timeout:
                running = connection(self.folder)
                if running is not None:
                    return running
                if patience.ended():
                    raise LockedError(f"another process holds {self.folder}", hint="stop it, then try again") from None
            else:
                return self._launch()

    def revive(self) -> bool:
        """Start the server again if this object started it and it has died; say whether it had.

        Raises:
            GraphUnavailableError: It does not come up again.
        """
        if self._process is None or self._process.poll() is None:
            return False
        self._launch()
        return True

    def stop(self) -> None:
        """Stop the server if this object started it; its data stay."""
        if self._process is not None:
            processes.stop(self._process, timeout_s=_STOP_TIMEOUT_S)
            self._process = None
            (self.folder / "server.json").unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Connection:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _launch(self) -> Connection:
        try:
            _end_orphan(self.folder)
            for port in self._ports():
                started = self._started(port)
                if started is not None:
                    return Connection(f"bolt://127.0.0.1:{started}", _USER, _password(self.folder), DATABASE)
            raise GraphUnavailableError(f"port {self._port} is taken", hint="free it, or set RECKON__GRAPH__PORT to another, or to 0")
        except BaseException:
            # Ctrl-C while it starts, too: no server is left without an owner.
            self.stop()
            raise

    def _ports(self) -> list[int]:
        """Return the Bolt ports to try in this order; 0 is one that the kernel gives."""
        if self._port:
            return [] if _answers(self._port) else [self._port]
        remembered = _read_port(self.folder)
        return [remembered, 0] if remembered and not _answers(remembered) else [0]

    def _started(self, port: int) -> int | None:
        """Start the server, and return its Bolt port once it answers; None where another has that port.

        Raises:
            GraphUnavailableError: It ended, or wrote nothing more for too long.
        """
        _password(self.folder)
        if self._log.exists():
            self._log.replace(self.folder / "server.log.1")
        with self._log.open("wb") as output:
            self._process = processes.spawn(self._command(port), log=output, cwd=self.folder)
        _write_server(self.folder, self._process.pid, port, ready=False)
        patience = _Patience(self._log, self._start_timeout_s)
        # The Bolt port opens before the database behind it does; the log line comes after both.
        while True:
            ended, written = self._process.poll() is not None, self._log.read_bytes()
            if _PORT_TAKEN.search(written):
                processes.stop(self._process, timeout_s=_STOP_TIMEOUT_S)
                return None
            listens = _LISTENS.search(written)
            if listens and _READY in written and _answers(int(listens[1])):
                _write_server(self.folder, self._process.pid, int(listens[1]), ready=True)
                return int(listens[1])
            if ended or _FAILED.search(written) or patience.ended():
                raise GraphUnavailableError("the embedded graph database did not start", hint=f"{_said(written)}; read {self._log}")
            time.sleep(0.1)

    def _command(self, port: int) -> list[str]:
        home = _arcadedb_home()
        settings = {
            "server.rootPath": self.folder,
            "server.rootPasswordPath": self.folder / "password",
            "server.defaultDatabases": f"{DATABASE}[{_USER}]",
            "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            # In "production" it hides from its askers what is wrong with their Cypher; files and URLs stay closed either way.
            "server.mode": "development",
            "opencypher.loadCsv.allowFileUrls": "false",
            "opencypher.loadCsv.allowRemoteUrls": "false",
            "backup.enabled": "false",
            "command.timeout": _STATEMENT_LIMIT_MS,
            "server.httpIncomingHost": "127.0.0.1",
            # Nothing of ours speaks HTTP to it: any port will do.
            "server.httpIncomingPort": 0,
            "bolt.host": "127.0.0.1",
            "bolt.port": port,
            "serverMetrics": "false",
            "maxPageRAM": max(64, self.heap_mb // 4),
        }
        java = [
            str(home / "jre" / "bin" / "java"),
            "-Xms64m",
            f"-Xmx{self.heap_mb}m",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
        ]
        flags = ["-Djava.awt.headless=true", "--add-modules", "jdk.incubator.vector", "-cp", str(home / "jars" / "*")]
        return [*java, *flags, *(f"-Darcadedb.{name}={value}" for name, value in settings.items()), _MAIN]


class _Patience:
    """How long to wait for a server that starts: a slow machine is no failure as long as the log grows."""

    def __init__(self, log: Path, limit_s: float) -> None:
        self._log, self._limit_s = log, limit_s
        self._seen: tuple[int, int] | None = None
        self._since = time.monotonic()

    def ended(self) -> bool:
        """Say whether the log has not changed for too long."""
        try:
            state = self._log.stat()
            seen = (state.st_ino, state.st_size)
        except FileNotFoundError:
            seen = None
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return time.monotonic() - self._since > self._limit_s


def of_settings(folder: Path, settings: GraphConfig) -> EmbeddedGraph:
    """Return the database of a workspace, as `[graph]` asks for it."""
    return EmbeddedGraph(folder, heap_mb=settings.heap_mb, port=settings.port, start_timeout_s=settings.start_timeout_s)


def connection(folder: Path) -> Connection | None:
    """Return how to reach the server that another process, or another part of this one, runs in `folder`; None where none does.

    Raises:
        GraphUnavailableError: It runs, but its password belongs to another user of this machine.
    """
    process, port = _server_process(folder), _read_port(folder)
    if process is None or port is None or not _is_ready(folder) or not _has_owner(folder) or not _answers(port):
        return None
    return Connection(f"bolt://127.0.0.1:{port}", _USER, _password(folder), DATABASE)


def _has_owner(folder: Path) -> bool:
    """Say whether whoever started the server is alive and keeps it: the starter holds the lock."""
    lock = FileLock(folder / ".lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        # An OSError says that the lock is not ours to take: then it is somebody else's.
        return True
    lock.release()
    return False


def _arcadedb_home() -> Path:
    # Found, not imported: importing the package would start a Java machine inside this process.
    spec = importlib.util.find_spec("arcadedb_embedded")
    if spec is None or spec.origin is None:
        raise GraphUnavailableError("the package arcadedb-embedded is not installed", hint="install it, or set RECKON__GRAPH__URI to a Neo4j")
    return Path(spec.origin).parent


def _password(folder: Path) -> str:
    path = folder / "password"
    try:
        if not path.exists():
            # The server takes a new password only while it knows no user.
            (folder / "config" / "server-users.jsonl").unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()
    except PermissionError:
        raise GraphUnavailableError(f"{path} cannot be read", hint="only the user who made the workspace may use its database") from None


def _write_server(folder: Path, pid: int, port: int, *, ready: bool) -> None:
    if ready:
        # Before the file that says so: who reads that one finds this one's port.
        write_text(folder / "port", str(port))
    write_text(folder / "server.json", json.dumps({"pid": pid, "port": port, "ready": ready}))


def _said(log: bytes) -> str:
    """Return the end of a server's log in one line: what went wrong, without the places in its own code."""
    lines = [line.strip() for line in log.decode(errors="replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("at ")]
    wrong = next((number for number, line in enumerate(lines) if "SEVER" in line or "rror" in line or "Exception" in line), -_SHOWN_LINES)
    shown = lines[wrong:][:_SHOWN_LINES]
    return f"it says: {' / '.join(shown)[:600]}" if shown else "it says nothing"


def _server_process(folder: Path) -> psutil.Process | None:
    """Return the server process named by server.json, unless that pid has become somebody else's."""
    try:
        pid = int(json.loads((folder / "server.json").read_text())["pid"])
        process = psutil.Process(pid)
        ours = f"-Darcadedb.server.rootPath={folder.resolve()}" in process.cmdline()
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if ours and process.status() != psutil.STATUS_ZOMBIE else None


def _is_ready(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "server.json").read_text())["ready"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def _end_orphan(folder: Path) -> None:
    """Stop a server that outlived its parent: we hold the lock, so it is nobody's."""
    process = _server_process(folder)
    if process is not None:
        process.terminate()
        try:
            process.wait(20)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(20)
    (folder / "server.json").unlink(missing_ok=True)


def _read_port(folder: Path) -> int | None:
    try:
        return int((folder / "port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server_pid(folder: Path) -> int | None:
    """Return the process id of the server that runs in `folder`, or None."""
    process = _server_process(folder)
    return None if process is None else int(process.pid)
