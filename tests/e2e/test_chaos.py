"""kill -9 at random points of rebuilds while lists and the graph are read: every answer is of one build, and the end that of an undisturbed run.

`make chaos` kills 100 times (`RECKON_TEST_CHAOS_KILLS`). The moments come from a seed; each lies within the time that an undisturbed rebuild takes.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from etl.console import Console
from etl.pipeline.graph_database import PublishedGraph
from etl.published import published_recommender
from kg.config import load_config
from kg.embedded import Connection, EmbeddedGraph
from kg.store import GraphStore
from kg.workspace import Workspace
from tests.etl.jobs import TOML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("RECKON_TEST_CHAOS_KILLS", "20"))
SEED = 20_261_128
NUMBERS = "MATCH (i:Item) RETURN count(i) AS items, sum(CASE WHEN i.title STARTS WITH $now THEN 1 ELSE 0 END) AS now"


class Jobs:
    """Rebuilds in processes that can be killed."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.forked_job"]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert self._line() == "ready"

    def start(self, *arguments: str) -> int:
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(arguments) + "\n")
        self._parent.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        return int(self._line())

    def rebuild(self, workspace: Workspace, kill_after_s: float | None = None) -> int:
        """Rebuild, and return the exit code; -9 where it was killed in time."""
        pid = self.start("rebuild", "-w", str(workspace.root))
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return self.ended()

    def close(self) -> None:
        self._parent.communicate(timeout=60)

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()


def write_shop(root: Path, edition: str) -> Workspace:
    """Write the shop's files: an edition gives all items a title of its own, and has one more item than the other."""
    root.mkdir(exist_ok=True)
    n_items = 12 if edition == "Spring" else 13
    (root / "reckon.toml").write_text(TOML)
    (root / "items.csv").write_text("id,title,brand\n" + "".join(f"i{n},{edition} tea {n} {n}00 g,Brand {n % 3}\n" for n in range(n_items)))
    events = [(user, (user * 5 + step) % 12, step) for user in range(10) for step in range(5)]
    (root / "events.csv").write_text("user,item,n\n" + "".join(f"u{user},i{item},{n}\n" for user, item, n in events))
    return Workspace.open(root)


class Readers:
    """Asks for lists and the graph all the time, and keeps what was no answer of one whole build."""

    def __init__(self, workspace: Workspace, connection: Connection) -> None:
        self.wrong: list[Any] = []
        self.lists = self.graphs = 0
        self._workspace, self._connection, self._done = workspace, connection, threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._ask_lists, self._ask_graph)]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in self._threads:
                thread.join()

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except Exception as error:
            self.wrong.append(error)

    def _ask_lists(self) -> None:
        while not self._done.wait(0.1):
            recommender = published_recommender(self._workspace)
            titles = {item.title.split()[0] for item in recommender.recommend("u1", k=5).items}
            self.lists += 1
            if len(titles) != 1:
                self.wrong.append(("list", titles))

    def _ask_graph(self) -> None:
        with GraphStore(self._connection) as store:
            while not self._done.wait(0.1):
                items, now = store.query(NUMBERS, {"now": "Summer"}, timeout_s=120).rows[0]
                self.graphs += 1
                if (items, now) not in ((12, 0), (13, 13)):
                    self.wrong.append(("graph", items, now))


def everything(workspace: Workspace, store: GraphStore) -> tuple[Any, Any]:
    """Return all lists, and the whole graph without the builds' names."""
    tables = store.read()
    frames: dict[Any, Any] = {**tables.nodes, **tables.edges}
    graph = {str(name): frame.sort(frame.columns[:2]).to_dicts() for name, frame in frames.items()}
    return published_recommender(workspace).recommend_all(5).sort("user_id", "rank").to_dicts(), graph


def test_kills_at_random_points_leave_whole_builds_and_the_same_end(tmp_path: Path) -> None:
    jobs = Jobs()
    try:
        workspace = write_shop(tmp_path / "shop", "Spring")
        with EmbeddedGraph(workspace.graph, heap_mb=512) as connection, GraphStore(connection) as store:
            assert jobs.rebuild(workspace) == 0
            expected = {"Spring": everything(workspace, store)}
            write_shop(workspace.root, "Summer")
            started = time.monotonic()
            assert jobs.rebuild(workspace) == 0
            undisturbed_s = time.monotonic() - started
            expected["Summer"] = everything(workspace, store)
            readers, moments, edition, killed = Readers(workspace, connection), random.Random(SEED), "Summer", 0
            with readers.at_work():
                write_shop(workspace.root, edition := "Spring")
                while killed < KILLS:
                    code = jobs.rebuild(workspace, moments.uniform(0, undisturbed_s))
                    killed += code == -signal.SIGKILL
                    assert code in (0, -signal.SIGKILL)
                    assert published_recommender(workspace).artifact.build_id == workspace.current_id()
                    if code == 0:
                        edition = "Summer" if edition == "Spring" else "Spring"
                        write_shop(workspace.root, edition)
                assert jobs.rebuild(workspace) == 0
            assert readers.wrong == []
            assert readers.lists > KILLS
            assert readers.graphs > KILLS
            assert store.build_id() == workspace.current_id()
            assert everything(workspace, store) == expected[edition]
            assert not list(workspace.builds.glob("*.tmp"))
    finally:
        jobs.close()


def test_the_database_may_die_before_within_and_after_the_load(tmp_path: Path) -> None:
    """It is killed while a build is loaded: the build is published all the same, and the graph follows when it is back."""
    from kg.embedded import server_pid

    jobs = Jobs()
    try:
        workspace = write_shop(tmp_path / "shop", "Spring")
        assert jobs.rebuild(workspace) == 0
        first = workspace.current_id()
        write_shop(workspace.root, "Summer")
        database = EmbeddedGraph(workspace.graph, heap_mb=512)
        database.start()
        jobs.start("rebuild", "-w", str(workspace.root))
        publishing = workspace.builds / "publishing.json"
        while not publishing.exists() and workspace.current_id() == first:
            time.sleep(0.005)
        pid = server_pid(workspace.graph)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert jobs.ended() == 0
        assert workspace.current_id() != first
        database.stop()
        graph = PublishedGraph(workspace, load_config(workspace.root, {}), Console())
        graph.restore_published()
        with graph.reading() as store:
            assert store.build_id() == workspace.current_id()
            assert store.query(NUMBERS, {"now": "Summer"}).rows == [[13, 13]]
        shutil.rmtree(workspace.graph)
        assert graph.restore_published()
    finally:
        jobs.close()
