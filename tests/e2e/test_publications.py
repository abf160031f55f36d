"""Twenty publications while 200 requests a second come: none fails, each answer is of one whole build, and every worker follows.

On a machine that cannot answer so many the clients ask as fast as it can: nothing here is timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import polars as pl
import pytest

from etl.pipeline import builds
from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.training.fit import fit
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.free_port import free_port
from tests.small_shop import key_of, publish_small_shop, small_catalog

PUBLICATIONS, CLIENTS, SOON_S = 20, 8, 60.0
EVERY_S = CLIENTS / 200
pytestmark = pytest.mark.slow


def edition_of(number: int) -> str:
    return f"202601{number + 1:02}T000000-{number:06x}"


def write_editions(workspace: Workspace) -> None:
    """Write builds that differ in the titles of all items: an answer with titles of two of them is a mixture."""
    catalog = small_catalog()
    attributes = Extractor().extract(catalog.items)
    model = None
    for number in range(PUBLICATIONS):
        items = catalog.items.with_columns(title=pl.format("{} of edition {}", pl.col("title"), pl.lit(number)))
        graph = GraphArrays.from_tables(build_graph(Catalog(items, catalog.interactions), attributes))
        model = model or fit(graph, catalog.interactions, ModelConfig(factors=4)).model
        build_id = edition_of(number)
        workspace.build(build_id).mkdir(parents=True)
        save_artifact(workspace.build(build_id) / "artifact", graph, model, build_id=build_id)


class Clients:
    """Ask for a list again and again, each on connections of its own."""

    def __init__(self, address: str, key: dict[str, str]) -> None:
        self.wrong: list[object] = []
        self.answers = 0
        self.seen: list[set[str]] = [set() for _ in range(CLIENTS)]
        self._address, self._key, self._done = address, key, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        at = time.monotonic()
        while not self._done.wait(max(0.0, at - time.monotonic())):
            at = max(at + EVERY_S, time.monotonic())
            try:
                answer = httpx.get(f"{self._address}/v1/users/u/recommendations?k=3", headers=self._key, timeout=60)
            except httpx.HTTPError as error:
                self.wrong.append(error)
                continue
            body = answer.json()
            if answer.status_code != 200:
                self.wrong.append(body)
                continue
            build_id, titles = body["build_id"], {item["title"].rpartition(" of edition ")[2] for item in body["items"]}
            self.answers += 1
            self.seen[number].add(build_id)
            if len(titles) != 1 or edition_of(int(titles.pop())) != build_id:
                self.wrong.append(body)


def test_no_request_fails_and_no_answer_is_of_two_builds(tmp_path: Path) -> None:
    workspace = publish_small_shop(tmp_path / "shop")
    write_editions(workspace)
    builds.publish(workspace, edition_of(0))
    key, port = key_of(workspace, "recommend:read", "metrics:read"), free_port()
    command = [sys.executable, "-m", "etl", "serve", "-w", str(workspace.root), "--port", str(port), "--workers", "2"]
    environment = {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:1", "RECKON__SERVE__FOLLOW": "false", "RECKON__SERVE__RATE_LIMIT": ""}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not ready(address):
            assert time.monotonic() < until
            time.sleep(0.1)
        with Clients(address, key) as clients:
            for number in range(1, PUBLICATIONS):
                builds.publish(workspace, edition_of(number))
                until = time.monotonic() + SOON_S
                created_s = load_artifact(workspace.build(edition_of(number)) / "artifact").created_s
                while not (all(edition_of(number) in seen for seen in clients.seen) and oldest_build_s(address, key) == created_s):
                    assert time.monotonic() < until, "a publication was not seen"
                    assert clients.wrong == []
                    time.sleep(0.01)
        assert clients.wrong == []
        assert clients.answers >= PUBLICATIONS * CLIENTS
    finally:
        server.terminate()
        server.wait(60)


def oldest_build_s(address: str, key: dict[str, str]) -> float:
    """Return when the oldest build was made that any of the workers answers from."""
    text = httpx.get(f"{address}/metrics", headers=key, timeout=60).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("reckon_build_created_seconds ")))


def ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
