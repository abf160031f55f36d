"""A build that is tried out: its users get it whole, all others the published one, and what happens is measured."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kg.canary import state
from kg.canary.measurements import Measurements
from kg.canary.state import Canary
from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, copy_of, key_of, small_app

NEW = "20270102T000000-abc123"
SHARE = 0.4


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """Two builds of the small shop, of which the second one is not published."""
    workspace = copy_of(small_shop, tmp_path / "shop")
    shutil.copytree(workspace.build(BUILD_ID), workspace.build(NEW))
    manifest = workspace.build(NEW) / "artifact" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(BUILD_ID, NEW))
    return workspace


@pytest.fixture
def canary(workspace: Workspace) -> Canary:
    """The second one, tried out."""
    return tried_out(workspace)


def tried_out(workspace: Workspace, share: float = SHARE) -> Canary:
    canary = Canary(NEW, BUILD_ID, share, round(time.time(), 3))
    Measurements(workspace.canary).begin(canary, 0)
    state.begin(workspace, canary)
    return canary


@pytest.fixture
def client(workspace: Workspace, canary: Canary) -> Iterator[TestClient]:
    with TestClient(small_app(workspace, {"follow": False}), headers=key_of(workspace)) as client:
        yield client


def user_of(canary: Canary, arm: str, number: int = 0) -> str:
    return [f"user{n}" for n in range(1000) if canary.arm(f"user{n}") == arm][number]


def build_of(client: TestClient, user_id: str, what: str = "recommendations?k=2") -> str:
    answer = client.get(f"/v1/users/{user_id}/{what}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["build_id"])


def is_answered_from(client: TestClient, user_id: str, build_id: str) -> bool:
    return build_of(client, user_id) == build_id


def purchase(client: TestClient, user_id: str, item_id: str) -> None:
    event = {"event_id": f"{user_id} {item_id}", "user_id": user_id, "item_id": item_id, "kind": "purchase"}
    assert client.post("/v1/events", json=event).status_code == 202


def wait_until(condition: Callable[[], Any], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_users_of_the_canary_get_it_and_nobody_else(client: TestClient, canary: Canary) -> None:
    for arm, build_id in (("canary", NEW), ("control", BUILD_ID), ("", BUILD_ID)):
        user_id = user_of(canary, arm)
        purchase(client, user_id, "5")
        # Twice: the second answer is remembered.
        assert {build_of(client, user_id) for _ in range(2)} == {build_id}
        assert build_of(client, user_id, "recommendations/3/explanation") == build_id
        assert build_of(client, user_id, "recommendations/3/why-not") == build_id
        assert build_of(client, user_id, "profile") == build_id
    assert client.get("/health/ready").json()["build_id"] == BUILD_ID
    # Nobody is named: the published build.
    assert client.post("/v1/recommendations", json={"history": [{"item_id": "1"}], "k": 2}).json()["build_id"] == BUILD_ID
    assert client.get("/v1/items/1/similar?k=2").json()["build_id"] == BUILD_ID


def test_events_and_deletions_reach_both_builds(client: TestClient, canary: Canary) -> None:
    users = [user_of(canary, arm) for arm in ("canary", "control")]
    shown = [client.get(f"/v1/users/{user_id}/recommendations?k=3").json()["items"] for user_id in users]
    assert [item["item_id"] for item in shown[0]] == [item["item_id"] for item in shown[1]]
    gone = shown[0][0]["item_id"]
    assert client.delete(f"/v1/items/{gone}").status_code < 300
    for user_id in users:
        wait_until(functools.partial(is_gone, client, user_id, gone))
        purchase(client, user_id, "5")
        assert client.get(f"/v1/users/{user_id}/profile").json()["fresh_events"] == 1


def is_gone(client: TestClient, user_id: str, item_id: str) -> bool:
    return item_id not in [item["item_id"] for item in client.get(f"/v1/users/{user_id}/recommendations?k=3").json()["items"]]


def test_lists_and_what_follows_them_are_measured(client: TestClient, canary: Canary, workspace: Workspace) -> None:
    measured = Measurements(workspace.canary)
    for arm in ("canary", "control", ""):
        user_id = user_of(canary, arm)
        items = [item["item_id"] for _ in range(2) for item in client.get(f"/v1/users/{user_id}/recommendations?k=2").json()["items"]]
        purchase(client, user_id, items[0])
    wait_until(lambda: all(measured.counted(canary).get(arm, {}).get("event purchase") for arm in ("canary", "control")))
    for arm in ("canary", "control"):
        counted = measured.counted(canary)[arm]
        assert (counted["lists"], counted["users"], counted["users purchase"], counted["event purchase"]) == (2, 1, 1, 1)
    text = client.get("/metrics").text
    wait_until(lambda: 'reckon_canary_lists{arm="canary"} 2.0' in client.get("/metrics").text)
    assert "reckon_canary_share 0.4" in text


def test_it_ends_when_it_is_withdrawn_and_goes_on_after_a_restart(client: TestClient, canary: Canary, workspace: Workspace) -> None:
    user_id = user_of(canary, "canary")
    assert build_of(client, user_id) == NEW
    with TestClient(small_app(workspace, {"follow": False}), headers=dict(client.headers)) as another:
        assert build_of(another, user_id) == NEW
        state.end(workspace, canary.canary_id, "withdrawn", "by hand")
        for each in (client, another):
            wait_until(functools.partial(is_answered_from, each, user_id, BUILD_ID))
    # What the other one had seen is not lost with it.
    assert Measurements(workspace.canary).counted(canary)["canary"]["lists"] >= 2


def test_it_begins_while_requests_are_answered(workspace: Workspace) -> None:
    user_id = user_of(Canary(NEW, BUILD_ID, SHARE, 0.0), "canary")
    with TestClient(small_app(workspace, {"follow": False}), headers=key_of(workspace)) as client:
        assert build_of(client, user_id) == BUILD_ID
        canary = tried_out(workspace)
        wait_until(lambda: build_of(client, user_id) == NEW)
        # Promoted: everybody gets it.
        temporary = workspace.builds / "current.tmp"
        temporary.symlink_to(NEW)
        temporary.replace(workspace.current)
        wait_until(lambda: build_of(client, user_of(canary, "control")) == NEW)
        assert build_of(client, user_id) == NEW


def test_a_build_that_cannot_be_read_is_withdrawn(workspace: Workspace, canary: Canary) -> None:
    broken = max((workspace.build(NEW) / "artifact").iterdir(), key=lambda path: path.stat().st_size)
    broken.write_bytes(broken.read_bytes()[:-1] + b"?")
    with TestClient(small_app(workspace, {"follow": False}), headers=key_of(workspace)) as client:
        assert build_of(client, user_of(canary, "canary")) == BUILD_ID
    ended = state.latest(workspace)
    assert ended is not None
    assert (ended.state, ended.reason) == ("withdrawn", "its artifact cannot be used")


def test_errors_withdraw_it(workspace: Workspace) -> None:
    """A build whose files are sound, and which fails as soon as it weighs a history."""
    manifest = workspace.build(NEW) / "artifact" / "manifest.json"
    content = json.loads(manifest.read_text())
    content["model"]["history"]["half_life"] = "not a number"
    manifest.write_text(json.dumps(content))
    canary = tried_out(workspace, share=1.0)
    with TestClient(small_app(workspace, {"follow": False}), headers=key_of(workspace), raise_server_exceptions=False) as client:
        assert [client.get("/v1/users/u/recommendations?k=2").status_code for _ in range(8)] == [500] * 8
        wait_until(lambda: client.get("/v1/users/u/recommendations?k=2").status_code == 200)
        # Questions that cannot be answered are no errors of ours.
        assert client.get("/v1/users/u/recommendations?k=0").status_code == 422
    ended = state.latest(workspace)
    assert ended is not None
    assert (ended.canary_id, ended.state) == (canary.canary_id, "withdrawn")
    assert "requests failed (100.0%), 0.0% in the control group" in ended.reason
