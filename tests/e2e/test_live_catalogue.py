"""Items that change while the shop is open: real processes, from a PUT to an explained recommendation whose path is in the graph database."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from kg.embedded import connection, server_pid
from kg.store import GraphStore
from kg.workspace import Workspace
from tests.free_port import free_port
from tests.small_shop import built_small_shop, copy_of, key_of

SCOPES = ("catalog:write", "recommend:read", "graph:read")
LONG_S = 60


def soon(holds: Callable[[], Any]) -> Any:
    """Return what becomes true within a generous time."""
    deadline = time.monotonic() + LONG_S
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return found


@dataclass
class Shop:
    """A shop that is served."""

    folder: Path
    server: subprocess.Popen[bytes]
    client: httpx.Client

    def items(self, user: str = "u", k: int = 20) -> dict[str, dict[str, Any]]:
        answer = self.client.get(f"/v1/users/{user}/recommendations", params={"k": k, "exclude_seen": "false"})
        assert answer.status_code == 200, answer.text
        return {item["item_id"]: item for item in answer.json()["items"]}

    def put(self, item_id: str, **fields: Any) -> None:
        assert self.client.put(f"/v1/items/{item_id}", json=fields).status_code == 202

    def values(self, item_id: str) -> set[tuple[str, str]]:
        """Return what the graph database leads to from an item."""
        found = connection(self.folder / "graph")
        assert found is not None
        with GraphStore(found) as store:
            text = "MATCH (i:Item)-[r]->(v) WHERE i.item_id = $id AND v.value IS NOT NULL RETURN type(r), v.value"
            return {(str(name), str(value)) for name, value in store.query(text, {"id": item_id}).rows}

    def follower(self) -> psutil.Process | None:
        """Return the process that reads items."""
        children = psutil.Process(self.server.pid).children(recursive=True)
        return next((child for child in children if child.is_running() and "follow" in child.cmdline()), None)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder = built_small_shop(tmp_path_factory.mktemp("live") / "shop", environment).root
    with served(folder, environment) as found:
        yield found


class served:
    """`reckon serve` on a free port."""

    def __init__(self, folder: Path, environment: dict[str, str], *arguments: str) -> None:
        self.port = free_port()
        self.log = (folder / "serve.log").open("wb")
        command = [sys.executable, "-m", "etl", "serve", "-w", str(folder), "--port", str(self.port), *arguments]
        self.server = subprocess.Popen(command, env=environment, stdout=self.log, stderr=self.log)
        headers = key_of(Workspace.open(folder), *SCOPES)
        self.shop = Shop(folder, self.server, httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30))

    def __enter__(self) -> Shop:
        def ready() -> bool:
            assert self.server.poll() is None, (self.shop.folder / "serve.log").read_text()
            try:
                return self.shop.client.get("/health/ready").status_code == 200
            except httpx.TransportError:
                return False

        soon(ready)
        return self.shop

    def __exit__(self, *_: object) -> None:
        self.shop.client.close()
        self.server.terminate()
        self.server.wait(60)
        self.log.close()


def shown_values(item: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the values over which the shown paths reach an item: (edge type, value)."""
    paths = [path for reason in item["reasons"] for path in reason.get("paths", [])]
    return {(path["edges"][-1]["type"], path["nodes"][-2]["key"]["value"]) for path in paths if "value" in (path["nodes"][-2].get("key") or {})}


def test_a_new_item_is_recommended_with_paths_that_are_in_the_graph(shop: Shop) -> None:
    shop.put("sencha", title="Sencha green tea 100 g", brand="Leafy", categories=["Drinks", "Tea"], attributes={"origin": ["Uji"]})
    item = soon(lambda: shop.items().get("sencha"))
    assert sum(reason["share"] for reason in item["reasons"]) + item["remainder"] == pytest.approx(1, abs=1e-6)
    assert ("HAS_BRAND", "Leafy") in shown_values(item)
    told = shop.client.get("/v1/items/sencha").json()
    assert told["status"] == "live"
    assert ("has_flavor", "green tea", "title") in {(fact["relation"], fact["value"], fact["field"]) for fact in told["facts"]}
    there = shop.values("sencha")
    assert shown_values(item) <= there
    assert ("HAS_ORIGIN", "Uji") in there


def test_an_edited_item_has_its_new_paths_and_keeps_its_buyers(shop: Shop) -> None:
    before = shop.items()["6"]
    assert any(reason.get("relation") == "purchased" for reason in before["reasons"])
    assert shop.client.patch("/v1/items/6", json={"brand": "Leafy"}).status_code == 202
    after = soon(lambda: (item := shop.items()["6"]) and ("HAS_BRAND", "Leafy") in shown_values(item) and item)
    assert any(reason.get("relation") == "purchased" for reason in after["reasons"])
    assert ("HAS_BRAND", "Roast & Co") not in shown_values(after)
    assert shown_values(after) <= shop.values("6")
    assert ("HAS_BRAND", "Roast & Co") not in shop.values("6")


def test_what_is_deleted_is_gone_from_lists_and_graph(shop: Shop) -> None:
    assert {"8", "7"} <= set(shop.items())
    assert shop.client.delete("/v1/items/8").status_code == 202
    assert shop.client.patch("/v1/items/7", json={"available": False}).status_code == 202
    soon(lambda: not {"8", "7"} & set(shop.items()))
    soon(lambda: not shop.values("8"))
    assert shop.client.patch("/v1/items/7", json={"available": True}).status_code == 202
    soon(lambda: "7" in shop.items())


def test_a_corrected_fact_changes_the_answer_without_a_retrain(shop: Shop) -> None:
    assert ("HAS_BRAND", "Leafy") not in shown_values(shop.items()["7"])
    command = [sys.executable, "-m", "etl", "facts", "set", "7", "has_brand", "Leafy", "--by", "a person", "-w", str(shop.folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    soon(lambda: ("HAS_BRAND", "Leafy") in shown_values(shop.items()["7"]))
    assert ("HAS_BRAND", "Leafy") in shop.values("7")


def test_a_killed_reader_comes_back_and_loses_nothing(shop: Shop) -> None:
    reader = soon(shop.follower)
    reader.kill()
    shop.put("oolong", title="Oolong tea 50 g", brand="Leafy")
    soon(lambda: "oolong" in shop.items())
    assert soon(shop.follower).pid != reader.pid


def test_without_its_database_items_are_recommended_and_written_later(shop: Shop) -> None:
    pid = server_pid(shop.folder / "graph")
    assert pid is not None
    psutil.Process(pid).kill()
    shop.put("matcha", title="Matcha green tea 30 g", brand="Leafy")
    soon(lambda: "matcha" in shop.items())
    # The server starts the database again on the same data.
    soon(lambda: connection(shop.folder / "graph") is not None and ("HAS_BRAND", "Leafy") in shop.values("matcha"))


def test_builds_are_exchanged_under_load_in_every_worker(small_shop: Workspace, tmp_path: Path) -> None:
    """A build, then a corrupt one: no request fails, no answer forgets what changed since, the corrupt build never answers."""
    workspace = copy_of(small_shop, tmp_path / "shop")
    environment = {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:1", "RECKON__SERVE__FOLLOW": "false", "OMP_NUM_THREADS": "1"}
    with served(workspace.root, environment, "--workers", "2") as shop:
        shop.client.delete("/v1/items/4")
        soon(lambda: all("4" not in shop.items() for _ in range(20)))
        first = workspace.current_id()
        assert first is not None
        builds, wrong, stop = {first}, [], threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=shop.client.base_url, headers=shop.client.headers, timeout=30) as client:
                while not stop.is_set():
                    answer = client.get("/v1/users/u/recommendations?k=20")
                    body = answer.json()
                    if answer.status_code != 200 or "4" in {item["item_id"] for item in body["items"]}:
                        wrong.append(answer.text)
                    builds.add(body.get("build_id"))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        newer, corrupt = "20260102T000000-abc123", "20260103T000000-abc123"
        _publish(workspace, first, newer)
        soon(lambda: {shop.client.get("/health/ready").json()["build_id"] for _ in range(20)} == {newer})
        _publish(workspace, newer, corrupt, corrupt=True)
        time.sleep(2.5)
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert builds == {first, newer}


def _publish(workspace: Workspace, old: str, new: str, *, corrupt: bool = False) -> None:
    """Publish a copy of a build under another id."""
    shutil.copytree(workspace.build(old), workspace.build(new))
    artifact = workspace.build(new) / "artifact"
    (artifact / "manifest.json").write_text((artifact / "manifest.json").read_text().replace(old, new))
    available = (artifact / "available.npy").read_bytes()
    if corrupt:
        (artifact / "available.npy").write_bytes(available[:-1] + b"\x07")
    temporary = workspace.builds / "next"
    temporary.symlink_to(new)
    temporary.replace(workspace.current)


def reckon(shop: Shop, *arguments: str) -> str:
    command = [sys.executable, "-m", "etl", *arguments, "-w", str(shop.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts_of(shop: Shop, item_id: str) -> set[tuple[str, str]]:
    return {(fact["relation"], fact["value"]) for fact in shop.client.get(f"/v1/items/{item_id}").json()["facts"]}


def test_a_file_of_changes_reaches_answers_graph_and_rebuild_as_rest_does(shop: Shop, tmp_path: Path) -> None:
    lines = [
        {"op": "upsert_item", "item_id": "mate", "title": "Mate tea leaves 300 g", "brand": "Leafy", "categories": ["Drinks", "Tea"], "price": 4.5},
        {"op": "upsert_item", "item_id": "3", "title": "Ceylon black tea 750 g"},
        {"op": "delete_item", "item_id": "5"},
        {"op": "add_interaction", "id": "from-a-file", "user_id": "newcomer", "item_id": "mate", "kind": "view"},
    ]
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "5" in shop.items()
    assert reckon(shop, "import", "--changes", str(path)).startswith("4 changes taken in")
    item = soon(lambda: shop.items().get("mate"))
    assert ("HAS_BRAND", "Leafy") in shown_values(item)
    soon(lambda: shop.items()["3"]["title"] == "Ceylon black tea 750 g")
    assert "5" not in shop.items()
    answer = shop.client.get("/v1/users/newcomer/recommendations", params={"k": 20}).json()
    assert answer["strategy"] == "personal"
    assert ("has_weight", "750 g") in facts_of(shop, "3")
    assert ("HAS_WEIGHT", "750 g") in shop.values("3")
    assert not shop.values("5")
    live = {item_id: facts_of(shop, item_id) for item_id in ("mate", "3")}
    graph = {item_id: shop.values(item_id) for item_id in ("mate", "3")}
    # Sent again, the event is the same one.
    assert "1 known already" in reckon(shop, "import", "--changes", str(path), "--allow-rejects", "1")
    before = shop.client.get("/v1/items/mate").json()["build_id"]
    reckon(shop, "rebuild")
    soon(lambda: shop.client.get("/v1/items/mate").json()["build_id"] != before)
    assert {item_id: facts_of(shop, item_id) for item_id in live} == live
    assert {item_id: shop.values(item_id) for item_id in graph} == graph
    assert shop.client.get("/v1/items/mate").json()["status"] == "built"
    assert "5" not in shop.items()
