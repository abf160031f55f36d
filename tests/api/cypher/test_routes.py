"""Cypher over REST on the embedded database: formats, bounds, scopes, the audit log, and askers that go away."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from api.client import Client
from kg.embedded import Connection, EmbeddedGraph
from kg.store import GraphStore
from kg.workspace import Workspace
from tests.kg.store.analyst_shop import BUILD, analyst_shop
from tests.small_shop import copy_of, key_of, serving, small_app

ITEMS = "MATCH (i:Item) RETURN i.item_id AS item, i.price_cents AS cents ORDER BY i.item_id"
LONG = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x * y = -1 RETURN count(*) AS n"


@pytest.fixture(scope="module")
def shop(small_shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Connection]]:
    """A served workspace whose graph database runs."""
    workspace = copy_of(small_shop, tmp_path_factory.mktemp("cypher") / "shop")
    with EmbeddedGraph(workspace.graph, heap_mb=512) as connection, GraphStore(connection) as store:
        store.wait(60)
        store.load(analyst_shop(), BUILD)
        yield workspace, connection


@pytest.fixture
def client(shop: tuple[Workspace, Connection]) -> Iterator[TestClient]:
    with TestClient(small_app(shop[0], {"cypher_timeout_s": 15}), raise_server_exceptions=False) as client:
        yield client


def test_rows_come_as_json_lines_and_csv(client: TestClient, shop: tuple[Workspace, Connection]) -> None:
    key = key_of(shop[0], "graph:read")
    answer = client.post("/v1/cypher", json={"query": ITEMS, "max_rows": 2}, headers=key)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["rows"] == [["1", 349], ["10", 325]]
    assert (body["columns"], body["truncated"], body["build_id"], body["warnings"]) == (["item", "cents"], True, BUILD, [])
    lines = [json.loads(line) for line in client.post("/v1/cypher", json={"query": ITEMS, "format": "jsonl"}, headers=key).text.splitlines()]
    assert lines[0] == {"item": "1", "cents": 349}
    assert (len(lines), lines[-1]["end"]["rows"], lines[-1]["end"]["truncated"]) == (11, 10, False)
    table = client.post("/v1/cypher", json={"query": ITEMS, "format": "csv"}, headers=key)
    assert table.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(table.text)))[:2] == [["item", "cents"], ["1", "349"]]


def test_values_are_values_and_mistakes_are_named(client: TestClient, shop: tuple[Workspace, Connection]) -> None:
    key = key_of(shop[0], "graph:read")

    def problem(**body: Any) -> tuple[int, str]:
        answer = client.post("/v1/cypher", json=body, headers=key)
        return answer.status_code, str(answer.json().get("detail")) + str(answer.json().get("hint"))

    text = "MATCH (i:Item) WHERE i.item_id = $item RETURN i.title AS title"
    found = client.post("/v1/cypher", json={"query": text, "parameters": {"item": "1"}}, headers=key).json()
    assert found["rows"] == [["Green tea 250 g"]]
    carried = client.post("/v1/cypher", json={"query": text, "parameters": {"item": "1' OR true //"}}, headers=key).json()
    assert carried["rows"] == []
    assert problem(query=text) == (400, "line 1, column 34: the parameter item has no valuegive one: -p item=…, or in `parameters`")
    assert problem(query=text, parameters={"itm": "1"})[0] == 400
    status, said = problem(query="MATCH (i:Item)\nRETURN i.title,, 1")
    assert (status, said.startswith("line 2, column 16")) == (400, True)
    assert problem(query="MATCH (n) SET n.x = 1")[0] == 403
    assert problem(query="RETURN 1", timeout_s=100)[0] == 422
    assert problem(query="RETURN 1", max_rows=10**6)[0] == 422
    warned = client.post("/v1/cypher", json={"query": "MATCH (i:Itm)-[:HAS_BRND]->(b) WHERE b.valu = 'x' RETURN b"}, headers=key).json()
    assert [line.split("did you mean ")[-1] for line in warned["warnings"]] == ["'Item'?", "'HAS_BRAND'?", "'value'?"]


def test_scopes_hold(client: TestClient, shop: tuple[Workspace, Connection]) -> None:
    workspace = shop[0]
    assert client.post("/v1/cypher", json={"query": ITEMS}).status_code == 401
    assert client.post("/v1/cypher", json={"query": ITEMS}, headers=key_of(workspace, "recommend:read")).status_code == 403
    analyst, trusted = key_of(workspace, "graph:read"), key_of(workspace, "graph:read", "profile:read")
    history = {"parameters": {"user": "a", "limit": 1}}
    assert client.post("/v1/queries/history/run", json=history, headers=analyst).status_code == 403
    assert client.post("/v1/queries/history/run", json=history, headers=trusted).json()["rows"][0][0] == "1"
    named = {"query": "MATCH (u:User) RETURN u.user_id AS user ORDER BY user LIMIT 1"}
    assert client.post("/v1/cypher", json=named, headers=analyst).status_code == 403
    assert client.post("/v1/cypher", json=named, headers=trusted).json()["rows"] == [["a"]]
    whole = {"query": "MATCH (u:User) RETURN u LIMIT 1"}
    assert "user_id" not in json.dumps(client.post("/v1/cypher", json=whole, headers=analyst).json()["rows"])
    assert "user_id" in json.dumps(client.post("/v1/cypher", json=whole, headers=trusted).json()["rows"])


def test_the_library_is_listed_and_run(client: TestClient, shop: tuple[Workspace, Connection]) -> None:
    key = key_of(shop[0], "graph:read")
    queries = client.get("/v1/queries", headers=key).json()["queries"]
    assert len(queries) >= 40
    best = next(query for query in queries if query["name"] == "best-sellers")
    assert best["parameters"] == [{"name": "category", "type": "text", "default": None}, {"name": "limit", "type": "integer", "default": 20}]
    run = client.post("/v1/queries/best-sellers/run", json={"parameters": {"category": "Tea", "limit": 1}}, headers=key).json()
    assert run["rows"] == [["1", "Green tea 250 g", 3, 4]]
    assert client.post("/v1/queries/best-sellers/run", json={"parameters": {"category": 1}}, headers=key).status_code == 422
    assert client.post("/v1/queries/none/run", json={}, headers=key).status_code == 404


def test_every_query_is_in_the_audit_log(client: TestClient, shop: tuple[Workspace, Connection]) -> None:
    workspace = shop[0]
    key = key_of(workspace, "graph:read")
    key_id = key["Authorization"].split("_")[1]
    client.post("/v1/cypher", json={"query": "RETURN $x AS x", "parameters": {"x": "secret"}}, headers=key)
    client.post("/v1/cypher", json={"query": "MATCH (n) DETACH DELETE n"}, headers=key)
    client.post("/v1/queries/graph-size/run", json={}, headers=key)
    lines = [json.loads(line) for line in workspace.audit.read_text().splitlines()]
    mine = [line for line in lines if line["actor"] == key_id and line["action"] == "cypher"]
    assert [(line.get("query"), line.get("library"), line["outcome"]) for line in mine] == [
        ("RETURN $x AS x", None, "answered"),
        ("MATCH (n) DETACH DELETE n", None, "QueryRefusedError"),
        (None, "graph-size", "answered"),
    ]
    assert "secret" not in workspace.audit.read_text()


def running(connection: Connection) -> bool:
    with GraphStore(connection) as store:
        shown = [str(record[0]) for record in store._bolt.stream("SHOW TRANSACTIONS YIELD currentQuery")]
    return any(LONG[:40] in text for text in shown)


def wait_until(condition: Any, wanted: bool) -> None:
    deadline = time.monotonic() + 60
    while condition() is not wanted:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_asker_that_goes_away_ends_the_query_and_gives_its_place_back(shop: tuple[Workspace, Connection], tmp_path: Path) -> None:
    workspace, connection = shop
    key = key_of(workspace, "graph:read")
    with serving(small_app(workspace, {"cypher_timeout_s": 300, "request_timeout_s": 600, "cypher_concurrent": 1})) as address:

        def ask_and_leave() -> None:
            with suppress(httpx.TimeoutException):
                body = {"query": LONG, "timeout_s": 300}
                httpx.post(f"{address}/v1/cypher", json=body, headers=key, timeout=httpx.Timeout(60, read=8))

        asker = threading.Thread(target=ask_and_leave)
        asker.start()
        wait_until(lambda: running(connection), True)
        refused = httpx.post(f"{address}/v1/cypher", json={"query": "RETURN 1"}, headers=key, timeout=60)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        asker.join()
        wait_until(lambda: running(connection), False)
        wait_until(lambda: httpx.post(f"{address}/v1/cypher", json={"query": "RETURN 1"}, headers=key, timeout=60).status_code == 200, True)


def test_the_client_asks_too(shop: tuple[Workspace, Connection]) -> None:
    key = key_of(shop[0], "graph:read")["Authorization"].removeprefix("Bearer ")
    with serving(small_app(shop[0])) as address, Client(address, key) as client:
        assert client.cypher("MATCH (i:Item) WHERE i.item_id = $item RETURN i.title", {"item": "1"})["rows"] == [["Green tea 250 g"]]
        assert len(client.queries()["queries"]) >= 40
        assert client.run_library_query("price-bands", {"category": "Tea"})["rows"] == [[0, 4, 2], [500, 2, 1]]
