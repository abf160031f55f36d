"""The overview says what happened: events that came, lists that went out, gates and warnings as the commands say them."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.api.console.conftest import Served
from tests.console_visits import words
from tests.small_shop import BUILD_ID, key_of


def answered(client: TestClient) -> int:
    match = re.search(r"Lists answered ([\d,]+)", words(client.get("/console/overview")))
    assert match is not None
    return int(match[1].replace(",", ""))


def test_it_counts_what_came_and_went(admin: TestClient, workspace: Workspace) -> None:
    page = words(admin.get("/console/overview"))
    assert BUILD_ID in page
    assert "Items 8 6 shoppers with a history" in page
    assert "No event has arrived" in words(admin.get("/console/overview/events"))
    before = answered(admin)
    key = key_of(workspace)
    for user in "abc":
        assert admin.get(f"/v1/users/{user}/recommendations?k=2", headers=key).status_code == 200
    assert answered(admin) == before + 3
    sent = [{"user_id": "z", "item_id": str(n), "kind": "view"} for n in range(1, 5)]
    assert admin.post("/v1/events", json=sent, headers=key).status_code == 202
    events = admin.get("/console/overview/events", headers={"HX-Request": "true"})
    assert words(events).startswith("4 in the last 24 hours")
    assert 'data-chart="bars"' in events.text


def test_the_state_is_that_of_the_commands(admin: TestClient, served: Served) -> None:
    state = words(admin.get("/console/overview/state"))
    assert "Gates of this build" in state
    assert "Builds kept 1" in state
    assert served.browser("recommend:read").get("/console/overview/state").status_code == 200
