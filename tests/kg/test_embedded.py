"""The embedded database as a process: private, found by others, restarted on the same data whatever ended it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from kg import embedded
from kg.embedded import Connection, EmbeddedGraph, server_pid
from kg.errors import GraphUnavailableError, LockedError
from kg.store import GraphStore

HEAP_MB = 256
KEEPER = """
import sys, time
from pathlib import Path
from kg.embedded import EmbeddedGraph
graph = EmbeddedGraph(Path(sys.argv[1]), heap_mb=256)
graph.start()
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "graph"


@pytest.fixture
def keeper(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps the database of `folder` up."""
    process = subprocess.Popen([sys.executable, "-c", KEEPER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def write(connection: Connection, key: str) -> None:
    with GraphStore(connection) as store:
        store.wait()
        store._bolt.write("CREATE (:Kept {value: $key})", key=key)


def kept(connection: Connection) -> list[str]:
    with GraphStore(connection) as store:
        store.wait()
        return [record["value"] for record in store._bolt.stream("MATCH (n:Kept) RETURN n.value AS value ORDER BY value")]


def wait_until_gone(pid: int) -> None:
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_it_is_private_and_leaves_nothing_behind(folder: Path) -> None:
    with EmbeddedGraph(folder, heap_mb=HEAP_MB) as connection:
        pid = server_pid(folder)
        assert pid is not None
        server = psutil.Process(pid)
        listening = [c.laddr for c in server.net_connections() if c.status == psutil.CONN_LISTEN]
        assert listening
        assert {address.ip for address in listening} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
        assert (folder / "password").stat().st_mode & 0o777 == 0o600
        assert connection.password not in " ".join(server.cmdline())
        assert connection.password not in json.dumps(server.environ())
        write(connection, "a")
    wait_until_gone(pid)
    assert not (folder / "server.json").exists()
    for path in [p for p in folder.rglob("*") if p.is_file() and p.name != "password"]:
        assert connection.password.encode() not in path.read_bytes(), path
    with EmbeddedGraph(folder, heap_mb=HEAP_MB) as again:
        assert again == connection
        assert kept(again) == ["a"]


def test_it_comes_back_after_being_killed(folder: Path) -> None:
    graph = EmbeddedGraph(folder, heap_mb=HEAP_MB)
    write(graph.start(), "a")
    pid = server_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert embedded.connection(folder) is None
    graph.stop()
    (folder / "password").unlink()
    with EmbeddedGraph(folder, heap_mb=HEAP_MB) as connection:
        # A lost password is replaced: the data are worth more than it.
        assert kept(connection) == ["a"]


def test_others_join_it(folder: Path, keeper: subprocess.Popen[str]) -> None:
    connection = embedded.connection(folder)
    assert connection is not None
    write(connection, "a")
    with EmbeddedGraph(folder) as joined:
        assert joined == connection
        assert kept(joined) == ["a"]
    assert embedded.connection(folder) == connection
    pid = server_pid(folder)
    assert pid is not None
    assert kept(connection) == ["a"]
    # Killed with its keeper gone, it is nobody's: the next one starts afresh, on the same data.
    keeper.kill()
    keeper.wait()
    assert embedded.connection(folder) is None
    if sys.platform == "linux":
        wait_until_gone(pid)
    with EmbeddedGraph(folder, heap_mb=HEAP_MB) as again:
        assert server_pid(folder) != pid
        assert kept(again) == ["a"]


def test_a_stale_server_file_is_not_believed(folder: Path) -> None:
    folder.mkdir()
    for text in [json.dumps({"pid": os.getpid(), "port": 1, "ready": True}), json.dumps({"pid": 2**22 + 1}), "{", "[]", ""]:
        (folder / "server.json").write_text(text)
        (folder / "port").write_text("1")
        assert embedded.connection(folder) is None
        assert server_pid(folder) is None


def test_a_folder_that_is_held_says_so(folder: Path) -> None:
    folder.mkdir()
    with FileLock(folder / ".lock"), pytest.raises(LockedError, match="another process holds"):
        EmbeddedGraph(folder, start_timeout_s=0.5).start()


def test_a_port_that_is_taken_says_so(folder: Path) -> None:
    with a_taken_port() as port, pytest.raises(GraphUnavailableError, match=f"port {port} is taken"):
        EmbeddedGraph(folder, port=port).start()


@contextmanager
def a_taken_port(*, listening: bool = True) -> Iterator[int]:
    """A port of another's; one that does not listen yet looks free to whoever asks, as that of a server that is about to start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listening:
            taken.listen()
        yield taken.getsockname()[1]


def test_a_copy_of_a_folder_takes_another_port(folder: Path, tmp_path: Path) -> None:
    with EmbeddedGraph(folder, heap_mb=HEAP_MB) as first:
        write(first, "a")
    shutil.copytree(folder, tmp_path / "copy")
    # Both remember one port, and both find it free: the slower one must see from the server's log that it is not.
    both = [EmbeddedGraph(each, heap_mb=HEAP_MB) for each in (folder, tmp_path / "copy")]
    with ThreadPoolExecutor(2) as threads, ExitStack() as stack:
        connections = [future.result() for future in [threads.submit(stack.enter_context, graph) for graph in both]]
        assert connections[0].uri != connections[1].uri
        assert [kept(connection) for connection in connections] == [["a"], ["a"]]
        assert [embedded.connection(graph.folder) for graph in both] == connections


def test_a_port_that_only_looks_free_is_left_to_its_owner(folder: Path) -> None:
    folder.mkdir()
    with a_taken_port(listening=False) as port:
        (folder / "port").write_text(str(port))
        with EmbeddedGraph(folder, heap_mb=HEAP_MB) as given:
            assert given.uri != f"bolt://127.0.0.1:{port}"
            assert embedded.connection(folder) == given
        with pytest.raises(GraphUnavailableError, match=f"port {port} is taken"):
            EmbeddedGraph(folder, heap_mb=HEAP_MB, port=port).start()


def test_a_server_that_cannot_start_quotes_its_log(folder: Path) -> None:
    graph = EmbeddedGraph(folder, heap_mb=1)
    with pytest.raises(GraphUnavailableError, match="did not start") as raised:
        graph.start()
    assert "server.log" in raised.value.hint
    assert "larger value than the maximum heap size" in raised.value.hint
    # The folder is free again.
    with FileLock(folder / ".lock", timeout=0):
        assert embedded.connection(folder) is None


def test_patience_lasts_as_long_as_the_log_grows(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    patience = embedded._Patience(log, 0.2)
    began = time.monotonic()
    while time.monotonic() - began < 0.6:
        with log.open("a") as file:
            file.write("a line\n")
        assert not patience.ended()
        time.sleep(0.01)
    while not patience.ended():
        time.sleep(0.01)


def test_the_package_is_found_without_starting_java() -> None:
    code = "import sys; from kg.embedded import _arcadedb_home; print(_arcadedb_home()); assert 'arcadedb_embedded' not in sys.modules"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (Path(found.stdout.strip()) / "jars").is_dir()
