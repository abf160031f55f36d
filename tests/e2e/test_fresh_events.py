"""An event that one worker process took is in the next answer of every worker, with a path from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from kg.workspace import Workspace
from tests.free_port import free_port
from tests.small_shop import copy_of, key_of


@dataclass
class Served:
    """The small shop behind two workers."""

    process: subprocess.Popen[bytes]
    url: str
    key: dict[str, str]

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Ask on a connection of its own, which any worker may take."""
        with httpx.Client(verify=False, timeout=10) as client:
            return client.request(method, f"{self.url}{path}", headers=self.key, **given)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer; the supervisor has another child, which tracks resources."""
        return [child for child in psutil.Process(self.process.pid).children() if "spawn_main" in " ".join(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def answers(served: Served) -> bool:
    try:
        return served.ask("GET", "/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def served(small_shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("fresh") / "shop"
    workspace, port = copy_of(small_shop, folder), free_port()
    environment = {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}
    command = [sys.executable, "-m", "etl", "serve", "-w", str(folder), "--port", str(port), "--workers", "2"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        shop = Served(process, f"http://127.0.0.1:{port}", key_of(workspace, "recommend:read", "events:write"))
        try:
            wait_for(lambda: answers(shop))
            wait_for(lambda: len(shop.workers()) == 2)
            yield shop
        finally:
            process.terminate()
            process.wait(30)


def test_every_worker_answers_with_a_path_from_the_event(served: Served) -> None:
    list_of = "/v1/users/newcomer/recommendations?k=3"
    before = served.ask("GET", list_of).json()
    assert before["strategy"] == "popular"
    taken = served.ask("POST", "/v1/events", json={"event_id": "first", "user_id": "newcomer", "item_id": "5", "kind": "purchase"})
    assert taken.status_code == 202

    def everywhere() -> bool:
        return all(served.ask("GET", list_of).json()["strategy"] == "personal" for _ in range(12))

    wait_for(everywhere)
    after = served.ask("GET", list_of).json()
    assert [item["item_id"] for item in after["items"]] != [item["item_id"] for item in before["items"]]
    path = after["items"][0]["reasons"][0]["paths"][0]
    assert [node.get("key") for node in path["nodes"][:2]] == [{"user_id": "newcomer"}, {"item_id": "5"}]
    assert path["edges"][0]["type"] == "PURCHASED"


def test_a_worker_that_is_killed_comes_back_with_all_events(served: Served) -> None:
    event = {"event_id": "second", "user_id": "another", "item_id": "1", "kind": "purchase"}
    assert served.ask("POST", "/v1/events", json=event).status_code == 202
    killed = served.workers()[0]
    killed.send_signal(signal.SIGKILL)
    wait_for(lambda: len(served.workers()) == 2 and killed.pid not in [worker.pid for worker in served.workers()])

    def everywhere() -> bool:
        try:
            return all(served.ask("GET", "/v1/users/another/recommendations").json()["strategy"] == "personal" for _ in range(12))
        except httpx.HTTPError:
            return False

    wait_for(everywhere)
    assert served.ask("POST", "/v1/events", json=event).json()["duplicates"] == 1
