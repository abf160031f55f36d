"""Events over REST: durable, once each, and in the next answer."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from api.app import create_app
from api.events.routes import EventsAccepted, UserEvents
from kg.config import load_config
from kg.workspace import Workspace
from tests.ledgers import DATABASES, ledger_url_of
from tests.small_shop import Asking, key_of

ALL = ("recommend:read", "events:write", "profile:read")


def listed(client: TestClient, key: dict[str, str], user: str) -> list[str]:
    answer = client.get(f"/v1/users/{user}/recommendations?k=8", headers=key)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def app_of(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


def test_the_next_answer_knows_the_event(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    assert client.get("/v1/users/new/recommendations", headers=key).json()["strategy"] == "popular"
    taken = client.post("/v1/events", headers=key, json={"event_id": "e1", "user_id": "new", "item_id": "1", "kind": "purchase"})
    assert taken.status_code == 202
    body = EventsAccepted.model_validate(taken.json())
    assert (body.accepted, body.duplicates, body.rejected, body.events[0].seq) == (1, 0, 0, 1)
    answer = client.get("/v1/users/new/recommendations?k=3", headers=key).json()
    assert answer["strategy"] == "personal"
    first = answer["items"][0]["reasons"][0]["paths"][0]
    assert first["nodes"][0]["key"] == {"user_id": "new"}
    assert first["nodes"][1]["key"] == {"item_id": "1"}
    assert first["edges"][0]["type"] == "PURCHASED"


def test_a_disliked_item_leaves_the_list_at_once_and_a_shown_one_stays(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    first, second, *_ = listed(client, key, "u")
    events = [{"user_id": "u", "item_id": first, "kind": "dislike"}, {"user_id": "u", "item_id": second, "kind": "impression"}]
    assert client.post("/v1/events", headers=key, json=events).json()["accepted"] == 2
    assert first not in listed(client, key, "u")
    assert second in listed(client, key, "u")


def test_each_event_of_a_list_is_judged_by_itself(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    good = {"event_id": "a", "user_id": "u", "item_id": "1", "kind": "view", "time": "2026-01-01T00:00:00Z"}
    sent = [
        good,
        good,
        {**good, "item_id": "2"},
        {**good, "event_id": "b", "item_id": "no such item"},
        {**good, "event_id": "c", "kind": "wish"},
        {**good, "event_id": "d", "time": time.time() + 1e6},
        {**good, "event_id": "e", "quantity": -1},
        {"event_id": "f", "user_id": "u", "kind": "view"},
        {"event_id": "g", "user_id": "u", "kind": "search", "properties": {"query": "green"}},
        {**good, "event_id": "h", "itme_id": "1"},
        {**good, "event_id": "i", "properties": {"text": "\0"}},
        {**good, "event_id": "j", "properties": {"text": "x" * 5000}},
        {**good, "event_id": "k", "user_id": "\0"},
        7,
    ]
    body = EventsAccepted.model_validate(client.post("/v1/events", headers=key, json=sent).json())
    assert [event.status[0] for event in body.events] == [*"adra", "r", "r", "r", "r", "a", "r", "r", "r", "r", "r"]
    assert (body.accepted, body.duplicates, body.rejected, body.unknown_items) == (3, 1, 10, 1)
    reasons = [event.reason or "" for event in body.events]
    for place, said in {
        2: "another event",
        3: "not in the catalogue",
        4: "kind_weights",
        5: "future",
        6: "quantity",
        7: "item_id",
        9: "itme_id",
    }.items():
        assert said in reasons[place]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"[" + b"1," * 1000 + b"1]", b'{"user_id": "u"}', b"\xff"])
def test_nothing_usable_is_a_problem(asking: Asking, workspace: Workspace, body: bytes) -> None:
    answer = asking().post("/v1/events", headers=key_of(workspace, *ALL), content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_events_of_a_user_come_in_pages(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    events = [{"event_id": f"e{n}", "user_id": "a/b ü", "item_id": "1", "kind": "view", "time": n, "properties": {"n": n}} for n in range(5)]
    client.post("/v1/events", headers=key, json=events)
    client.post("/v1/events", headers=key, json={"user_id": "somebody", "item_id": "1", "kind": "view"})
    found, before = [], ""
    while True:
        page = UserEvents.model_validate(client.get(f"/v1/users/a%2Fb%20%C3%BC/events?limit=2{before}", headers=key).json())
        found += [event.properties for event in page.events]
        if page.next_before is None:
            break
        before = f"&before={page.next_before}"
    assert found == [{"n": n} for n in reversed(range(5))]


def test_scopes(asking: Asking, workspace: Workspace) -> None:
    client, reader = asking(), key_of(workspace, "recommend:read")
    event = {"user_id": "u", "item_id": "1", "kind": "view"}
    assert client.post("/v1/events", headers=reader, json=event).status_code == 403
    assert client.put("/v1/users/u", headers=reader, json={"attributes": {}}).status_code == 403
    assert client.get("/v1/users/u/events", headers=key_of(workspace, "recommend:read", "events:write")).status_code == 403


def test_a_shops_own_kind_counts_with_its_weight(workspace: Workspace) -> None:
    config = load_config(workspace.root, {"RECKON__MODEL__KIND_WEIGHTS": '{"wishlist": 0.8}'})
    with TestClient(create_app(workspace, config)) as client:
        key = key_of(workspace, *ALL)
        event = {"user_id": "new", "item_id": "1", "kind": "wishlist"}
        assert client.post("/v1/events", headers=key, json=event).status_code == 202
        assert client.get("/v1/users/new/recommendations", headers=key).json()["strategy"] == "personal"


def test_events_outlive_the_server(asking: Asking, workspace: Workspace) -> None:
    key = key_of(workspace, *ALL)
    client = asking()
    client.post("/v1/events", headers=key, json={"user_id": "new", "item_id": "1", "kind": "purchase"})
    again = asking()
    assert again.get("/v1/users/new/recommendations", headers=key).json()["strategy"] == "personal"


@pytest.mark.parametrize("database", DATABASES)
def test_another_worker_knows_it_too(database: str, workspace: Workspace) -> None:
    with ExitStack() as stack:
        config = load_config(workspace.root, {"RECKON__LEDGER__URL": stack.enter_context(ledger_url_of(database))})
        one, other = (stack.enter_context(TestClient(create_app(workspace, config))) for _ in range(2))
        key = key_of(workspace, *ALL)
        one.post("/v1/events", headers=key, json={"user_id": "new", "item_id": "1", "kind": "purchase"})
        deadline = time.monotonic() + 30
        while other.get("/v1/users/new/recommendations", headers=key).json()["strategy"] != "personal":
            assert time.monotonic() < deadline


def test_without_its_ledger_it_reads_on_and_says_so(workspace: Workspace) -> None:
    down = {"RECKON__LEDGER__URL": "postgresql://u:secret@127.0.0.1:1/none"}
    with TestClient(create_app(workspace, load_config(workspace.root, down))) as client:
        key = key_of(workspace, *ALL, "admin")
        answer = client.get("/v1/users/u/recommendations", headers=key)
        assert answer.status_code == 200
        assert "ledger" in answer.json()["degraded"]
        refused = client.post("/v1/events", headers=key, json={"user_id": "u", "item_id": "1", "kind": "view"})
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
        assert "secret" not in refused.text
        assert client.get("/v1/users/u/events", headers=key).status_code == 503
        ready = client.get("/health/ready")
        assert ready.status_code == 200
        assert any("ledger" in reason for reason in ready.json()["reasons"])


def test_a_ledger_that_comes_back_is_used(workspace: Workspace, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    config = load_config(workspace.root, {"RECKON__LEDGER__URL": f"sqlite:///{gone}/ledger.db"})
    with TestClient(create_app(workspace, config)) as client:
        key = key_of(workspace, *ALL)
        event = {"user_id": "new", "item_id": "1", "kind": "view"}
        assert client.post("/v1/events", headers=key, json=event).status_code == 503
        gone.mkdir()
        assert client.post("/v1/events", headers=key, json=event).status_code == 202
        deadline = time.monotonic() + 10
        while "ledger" in client.get("/v1/users/new/recommendations", headers=key).json()["degraded"]:
            assert time.monotonic() < deadline
        assert client.get("/v1/users/new/recommendations", headers=key).json()["strategy"] == "personal"


def test_a_new_build_moves_the_watermark(asking: Asking, workspace: Workspace) -> None:
    """Events that a build has taken in count as its own and not twice; a rollback makes them fresh again."""
    client, key = asking(), key_of(workspace, *ALL)
    client.post("/v1/events", headers=key, json={"event_id": "e", "user_id": "new", "item_id": "1", "kind": "view"})
    serving = app_of(client).state.serving
    assert len(serving.fresh("new")) == 1
    old = workspace.current_id()
    assert old is not None
    newer = "20260102T000000-abc123"
    shutil.copytree(workspace.build(old), workspace.build(newer))
    manifest = workspace.build(newer) / "artifact" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(old, newer).replace('"events_seq": 0', '"events_seq": 1'))
    for build_id, n_fresh in ((newer, 0), (old, 1)):
        workspace.current.unlink()
        workspace.current.symlink_to(build_id)
        deadline = time.monotonic() + 20
        while serving.build_id != build_id or len(serving.fresh("new")) != n_fresh:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    client.post("/v1/events", headers=key, json={"event_id": "f", "user_id": "new", "item_id": "2", "kind": "view"})
    assert [event.seq for event in serving.fresh("new")] == [1, 2]


def test_declared_attributes_are_kept(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    assert client.put("/v1/users/u", headers=key, json={"attributes": {"city": "Oslo", "likes": ["tea", "tea", "jazz"]}}).json()["users"] == 1
    assert (
        client.post("/v1/users", headers=key, json=[{"user_id": "v", "attributes": {}}, {"user_id": "w", "attributes": {"age": "40"}}]).json()[
            "users"
        ]
        == 2
    )
    people = app_of(client).state.serving.ledger.people
    assert people.declared("u") == {"city": ["Oslo"], "likes": ["tea", "jazz"]}
    assert dict(people.all_declared())["w"] == {"age": ["40"]}
    for bad in ({"attributes": {"Bad Name": "x"}}, {"attributes": {"a": ""}}, {"attributes": {"a": ["\0"]}}, {}, {"attributes": {"a": 1}}):
        assert client.put("/v1/users/u", headers=key, json=bad).status_code == 422


def test_the_examples_are_events(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "admin")
    content = client.get("/openapi.json", headers=key).json()["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert client.post("/v1/events", headers=key, json=example["value"]).status_code == 202
    assert TypeAdapter(dict).validate_python(content["schema"])["oneOf"][1]["maxItems"] == 1000


def test_a_rating_no_shop_uses_is_rejected_with_the_bounds(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *ALL)
    for value in (-1_000_000, 1e300):
        answer = client.post("/v1/events", headers=key, json={"user_id": "u", "item_id": "1", "kind": "rating", "value": value})
        assert answer.status_code == 422
        assert "-100 to 100" in answer.text
        history = {"history": [{"item_id": "1", "kind": "rating", "value": value}]}
        refused = client.post("/v1/recommendations", headers=key, json=history)
        assert refused.status_code == 422
        assert "-100 to 100" in refused.text
    assert client.post("/v1/events", headers=key, json={"user_id": "u", "item_id": "1", "kind": "rating", "value": 4}).status_code == 202
    assert client.post("/v1/recommendations", headers=key, json={"history": [{"item_id": "1", "kind": "rating", "value": 4}]}).status_code == 200
