"""Every list over HTTP: its shape, its pages, its replay; and the whole explanation of an item."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.http.request_ids import new_id
from api.recommendations.explanation_routes import WhyNot
from api.recommendations.replay_store import ReplayStore
from api.recommendations.schemas import Explanation, RecommendationList
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of


@pytest.fixture
def client(asking: Asking, workspace: Workspace) -> TestClient:
    client = asking()
    client.headers.update(key_of(workspace, "recommend:read", "graph:read", "events:write"))
    return client


def checked(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    RecommendationList.model_validate(body)
    for item in body["items"]:
        assert math.isclose(sum(reason["share"] for reason in item["reasons"]) + item["remainder"], 1, abs_tol=1e-6)
    return body


LISTS = [
    *(f"/v1/users/u/recommendations?strategy={name}" for name in ("personal", "session", "buy_again", "popular", "trending", "new")),
    "/v1/items/3/similar?k=4",
    "/v1/items/3/bought_together?k=4",
    "/v1/items/popular?k=4",
    "/v1/items/trending?window_days=2",
    "/v1/items/popular?category=Tea&k=3",
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("explain", ["none", "brief", "full"])
def test_every_list_keeps_its_shape(client: TestClient, path: str, explain: str) -> None:
    body = checked(client.get(f"{path}{'&' if '?' in path else '?'}explain={explain}"))
    assert body["items"]
    for item in body["items"]:
        assert bool(item["reasons"]) == (explain != "none")
        if explain == "brief":
            assert len(item["reasons"]) <= 3
            assert all(len(reason.get("paths", [])) <= 1 for reason in item["reasons"])


def test_an_ad_hoc_history_and_a_basket(client: TestClient) -> None:
    body = checked(client.post("/v1/recommendations", json={"history": [{"item_id": "1", "kind": "purchase"}], "k": 3}))
    assert (body["strategy"], body["user_id"]) == ("personal", None)
    assert "1" not in [item["item_id"] for item in body["items"]]
    assert checked(client.post("/v1/recommendations", json={}))["strategy"] == "popular"
    basket = checked(client.post("/v1/baskets/recommendations", json={"item_ids": ["3", "5"]}))
    assert basket["strategy"] == "basket"
    starts = {path["nodes"][0]["key"]["item_id"] for item in basket["items"] for reason in item["reasons"] for path in reason.get("paths", [])}
    assert starts <= {"3", "5"}
    assert client.post("/v1/baskets/recommendations", json={"item_ids": ["no such"]}).status_code == 404
    assert client.post("/v1/recommendations", json={"history": [{"item_id": "no such"}]}).status_code == 404


@pytest.mark.parametrize("path", ["/v1/users/u/recommendations?", "/v1/items/popular?", "/v1/users/u/recommendations?seed=4&diversity=0.4&"])
def test_pages_do_not_repeat_and_reach_the_end(client: TestClient, path: str) -> None:
    whole = [item["item_id"] for item in checked(client.get(f"{path}k=20"))["items"]]
    token: str | None = ""
    pages: list[tuple[str, int]] = []
    for _ in range(10):
        body = checked(client.get(f"{path}k=2&page_token={token}"))
        pages += [(item["item_id"], item["rank"]) for item in body["items"]]
        token = body["next_page_token"]
        if token is None:
            break
    assert token is None
    assert pages == [(item_id, rank) for rank, item_id in enumerate(whole, start=1)]
    offset = checked(client.get(f"{path}k=2&offset=2"))
    assert [item["item_id"] for item in offset["items"]] == whole[2:4]


def test_an_event_between_pages_repeats_nothing(client: TestClient) -> None:
    first = checked(client.get("/v1/users/u/recommendations?k=2"))
    event = {"user_id": "u", "item_id": first["items"][0]["item_id"], "kind": "view", "event_id": "between"}
    assert client.post("/v1/events", json=event).status_code == 202
    second = checked(client.get(f"/v1/users/u/recommendations?k=2&page_token={first['next_page_token']}"))
    assert not {item["item_id"] for item in first["items"]} & {item["item_id"] for item in second["items"]}
    assert second["items"][0]["rank"] == 3


def test_tokens_of_others_are_refused(client: TestClient) -> None:
    token = checked(client.get("/v1/users/u/recommendations?k=2"))["next_page_token"]
    for path in (
        f"/v1/users/a/recommendations?page_token={token}",
        f"/v1/users/u/recommendations?strategy=popular&page_token={token}",
        f"/v1/users/u/recommendations?offset=2&page_token={token}",
        "/v1/users/u/recommendations?page_token=nonsense",
        "/v1/users/u/recommendations?page_token=AAAA",
    ):
        response = client.get(path)
        assert response.status_code == 422, path
        assert "page_token" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("k=201", "k is 201"),
        ("strategy=best", "strategy"),
        ("explain=all", "explain"),
        ("diversity=2", "diversity"),
        ("filter=%7B", "filter is not JSON"),
        ("filter=%7B%22relation%22%3A%22has_smell%22%2C%22eq%22%3A%22x%22%7D", "no relation 'has_smell'"),
        ("cap=has_brand", "is not relation:n"),
        ("cap=has_smell:2", "no relation 'has_smell'"),
        ("kk=3", "kk"),
        ("offset=1000", "offset"),
    ],
)
def test_what_cannot_be_wished_is_a_problem(client: TestClient, query: str, told: str) -> None:
    response = client.get(f"/v1/users/u/recommendations?{query}")
    assert response.status_code == 422
    assert told in response.json()["detail"]


def test_a_filter_and_a_cap_hold(client: TestClient) -> None:
    wanted = quote(json.dumps({"all": [{"relation": "has_category", "in": ["Tea", "Coffee"]}, {"not": {"field": "item_id", "eq": "4"}}]}))
    items = checked(client.get(f"/v1/users/e/recommendations?filter={wanted}&k=20"))["items"]
    assert {item["item_id"] for item in items} == {"1", "3"}
    capped = checked(client.get("/v1/items/popular?cap=has_category:1&k=20"))
    assert capped["reranked"] == ["caps"]
    assert 2 <= len(capped["items"]) < 6


def test_a_list_is_given_again_byte_by_byte_to_its_key_alone(client: TestClient, workspace: Workspace, asking: Asking) -> None:
    answers = [client.get("/v1/users/u/recommendations?k=3"), client.get("/v1/users/u/recommendations?k=3"), client.get("/v1/items/3/similar")]
    assert client.post("/v1/events", json={"user_id": "u", "item_id": "4", "kind": "purchase", "event_id": "x"}).status_code == 202
    again = asking()
    for answer in answers:
        past = again.get(f"/v1/recommendations/{answer.json()['request_id']}", headers=dict(client.headers))
        assert past.content == answer.content
    other = key_of(workspace, "recommend:read")
    path = f"/v1/recommendations/{answers[0].json()['request_id']}"
    assert again.get(path, headers=other).status_code == 404
    assert again.get(path, headers=key_of(workspace, "admin")).content == answers[0].content
    assert again.get("/v1/recommendations/000000000123456789abcdef", headers=other).status_code == 404
    assert again.get("/v1/recommendations/nonsense", headers=other).status_code == 422
    with sqlite3.connect(workspace.answers) as database:
        # Two equal lists are kept once.
        assert database.execute("SELECT count(*) FROM answers").fetchone() == (3,)
        assert database.execute("SELECT count(*) FROM bodies").fetchone() == (2,)
    assert workspace.answers.stat().st_mode & 0o077 == 0


def test_who_asks_for_an_answer_that_another_worker_has_yet_to_write_waits_for_it(workspace: Workspace) -> None:
    mine, others = (ReplayStore(workspace.answers, keep_s=100, max_bytes=20_000) for _ in range(2))
    mine.start()
    asked = new_id()
    others.put(asked, "key", b"{}")
    threading.Timer(1.0, others.start).start()
    found = mine.get(asked)
    mine.stop()
    others.stop()
    assert found is not None
    assert found.body == b"{}"


def test_what_is_too_old_or_too_much_is_forgotten(workspace: Workspace) -> None:
    store = ReplayStore(workspace.answers, keep_s=100, max_bytes=20_000)
    store.start()
    for n in range(400):
        store.put(f"{n:024x}", "key", bytes(str(n), "ascii") * 50)
    store.stop()
    store.prune()
    assert store.get(f"{0:024x}") is None
    newest = store.get(f"{399:024x}")
    assert newest is not None
    assert newest.body == b"399" * 50
    with sqlite3.connect(workspace.answers) as database:
        kept, bodies = (database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("answers", "bodies"))
        assert 10 < kept == bodies < 180
        database.execute("UPDATE answers SET made_s = ?", (time.time() - 101,))
    assert store.get(f"{399:024x}") is None
    store.prune()
    with sqlite3.connect(workspace.answers) as database:
        assert database.execute("SELECT count(*) FROM bodies").fetchone() == (0,)


def test_a_remembered_list_is_the_list_that_would_be_made(client: TestClient, workspace: Workspace, asking: Asking) -> None:
    forgetful = asking(cache_mb=0)
    forgetful.headers.update(client.headers)
    for event in (None, {"user_id": "u", "item_id": "4", "kind": "view", "event_id": "fresh"}):
        if event is not None:
            assert client.post("/v1/events", json=event).status_code == 202
            time.sleep(0.1)
        bodies = [c.get("/v1/users/u/recommendations?explain=brief").json() for c in (client, client, forgetful)]
        assert [body | {"request_id": ""} for body in bodies[1:]] == [bodies[0] | {"request_id": ""}] * 2
    assert bodies[0]["fresh_events"] == 1


def test_a_purchase_bought_again_is_told_with_its_time(client: TestClient) -> None:
    body = checked(client.get("/v1/users/u/recommendations?strategy=buy_again"))
    assert body["items"]
    for item in body["items"]:
        (reason,) = item["reasons"]
        assert {row["item_id"] for row in reason["history"]} == {item["item_id"]}
        assert math.isclose(sum(row["share"] for row in reason["history"]), 1, abs_tol=1e-9)
        assert all(row["time"] > 1.6e9 for row in reason["history"])


def test_an_explanation_tells_everything(client: TestClient) -> None:
    response = client.get("/v1/users/u/recommendations/4/explanation")
    Explanation.model_validate(response.json())
    item = response.json()["item"]
    assert sum(reason["share"] for reason in item["reasons"]) + item["remainder"] == pytest.approx(1, abs=1e-6)
    assert item["remainder"] == 0
    for reason in item["reasons"]:
        for path in reason.get("paths", []):
            assert "MATCH (n0:User)-[:" in path["cypher"]
            assert len(path["parameters"]) == 1 + sum("key" in node for node in path["nodes"])
        if reason["kind"] == "learned":
            assert sum(row["share"] for row in reason["history"]) == pytest.approx(reason["share"])
    listed = client.get("/v1/users/u/recommendations").json()["items"]
    assert next(i["rank"] for i in listed if i["item_id"] == "4") == item["rank"]


def test_a_path_from_a_fresh_event_begins_at_its_item(client: TestClient) -> None:
    event = {"user_id": "newcomer", "item_id": "1", "kind": "purchase", "event_id": "first"}
    assert client.post("/v1/events", json=event).status_code == 202
    item = client.get("/v1/users/newcomer/recommendations/4/explanation").json()["item"]
    paths = [path for reason in item["reasons"] for path in reason.get("paths", [])]
    assert paths
    assert all("MATCH (n0:Item)" in path["cypher"] and path["parameters"]["n0"] == "1" for path in paths)


def test_why_not_over_http(client: TestClient) -> None:
    response = client.get("/v1/users/u/recommendations/8/why-not?k=2")
    WhyNot.model_validate(response.json())
    assert response.json()["rank"] > 2
    assert response.json()["missing_score"] > 0
    met = client.get("/v1/users/u/recommendations/3/why-not").json()
    assert met["filtered"][0].startswith("already in the history: purchased, viewed")
    wanted = quote(json.dumps({"field": "item_id", "in": ["7"]}))
    filtered = client.get(f"/v1/users/u/recommendations/4/why-not?filter={wanted}").json()
    assert filtered["filtered"] == ["left out by the filter"]
    assert client.get("/v1/users/u/recommendations/4/why-not?filter=%7B").status_code == 422
    assert client.get("/v1/users/nobody/recommendations/4/why-not").status_code == 404
