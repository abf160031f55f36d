"""Profiles over REST: what is known, and an edit that the next list follows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.settings import ServeConfig
from api.users.profile_routes import Profile
from kg.config import load_config
from kg.errors import ConfigError
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of

SCOPES = ("recommend:read", "events:write", "profile:read")


def values(client: TestClient, key: dict[str, str], user: str = "u") -> Profile:
    answer = client.get(f"/v1/users/{user}/profile", headers=key)
    assert answer.status_code == 200, answer.text
    return Profile.model_validate(answer.json())


def test_a_profile_tells_interests_with_their_evidence(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *SCOPES)
    client.put("/v1/users/u", headers=key, json={"attributes": {"city": "Oslo"}})
    profile = values(client, key)
    assert profile.known_to_build
    assert {interest.value for interest in profile.brands} == {"Leafy", "Meadow", "Roast & Co"}
    assert {interest.value for interest in profile.categories} >= {"Tea", "Coffee", "Drinks"}
    leafy = next(interest for interest in profile.brands if interest.value == "Leafy")
    assert {evidence.item_id for evidence in leafy.evidence} == {"1", "2"}
    assert leafy.evidence[0].events[0].relation == "VIEWED"
    assert profile.declared == {"city": ["Oslo"]}


def test_fresh_events_are_in_the_profile(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, *SCOPES)
    event = {"user_id": "new", "item_id": "7", "kind": "purchase", "time": "2026-11-23T10:00:00Z", "price_cents": 4900}
    client.post("/v1/events", headers=key, json=event)
    profile = values(client, key, "new")
    assert not profile.known_to_build
    assert [interest.value for interest in profile.brands] == ["Boilwell"]
    assert (profile.habits.purchases, profile.habits.spent_cents) == (1, 4900)
    assert profile.habits.weekdays == [1, 0, 0, 0, 0, 0, 0]


def test_the_next_list_follows_an_edit_and_says_so(asking: Asking, workspace: Workspace) -> None:
    one, other, key = asking(), asking(), key_of(workspace, *SCOPES)
    list_of = "/v1/users/u/recommendations?k=8"
    before = one.get(list_of, headers=key).json()
    assert {"4", "6"} <= {item["item_id"] for item in before["items"]}
    hide = {"interests": [{"relation": "has_category", "value": "Coffee", "weight": 0}]}
    assert one.patch("/v1/users/u/profile", headers=key, json=hide).json()["changed"] == 1
    after = one.get(list_of, headers=key).json()
    assert {"5", "6"}.isdisjoint(item["item_id"] for item in after["items"])
    assert after["interests"] == [{"relation": "has_category", "value": "Coffee", "weight": 0.0, "history_items": 1, "hidden_items": 2}]
    profile = values(one, key)
    assert next(interest for interest in profile.categories if interest.value == "Coffee").edited == 0
    deadline = time.monotonic() + 10
    while not other.get(list_of, headers=key).json()["interests"]:
        assert time.monotonic() < deadline
    # Another shopper's list is as it was.
    assert one.get("/v1/users/a/recommendations?k=8", headers=key).json()["interests"] == []
    one.patch("/v1/users/u/profile", headers=key, json={"interests": [{**hide["interests"][0], "weight": 1}]})
    again = one.get(list_of, headers=key).json()
    assert [item["score"] for item in again["items"]] == [item["score"] for item in before["items"]]
    assert again["interests"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"interests": []},
        {"interests": [{"relation": "has_brand", "value": "No such brand", "weight": 0}]},
        {"interests": [{"relation": "has_brand", "value": "Leafy", "weight": -1}]},
        {"interests": [{"relation": "Has Brand", "value": "Leafy", "weight": 0}]},
        {"interests": [{"relation": "has_brand", "value": "Leafy", "weight": 0, "more": 1}]},
    ],
)
def test_an_edit_that_means_nothing_is_a_problem(asking: Asking, workspace: Workspace, body: dict[str, Any]) -> None:
    assert asking().patch("/v1/users/u/profile", headers=key_of(workspace, *SCOPES), json=body).status_code == 422


def test_scopes(asking: Asking, workspace: Workspace) -> None:
    client = asking()
    hide = {"interests": [{"relation": "has_brand", "value": "Leafy", "weight": 0}]}
    assert client.get("/v1/users/u/profile", headers=key_of(workspace, "recommend:read", "events:write")).status_code == 403
    assert client.patch("/v1/users/u/profile", headers=key_of(workspace, "recommend:read", "profile:read"), json=hide).status_code == 403
    changed = client.patch("/v1/users/u/profile", headers=key_of(workspace, "events:write"), json=hide)
    # Who may write need not be one who may read.
    assert set(changed.json()) == {"request_id", "user_id", "changed"}


def test_hours_are_those_of_the_configured_time_zone_and_a_bad_name_is_refused(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(timezone="Asia/Tokyo"), key_of(workspace, *SCOPES)
    client.post("/v1/events", headers=key, json={"user_id": "new", "item_id": "7", "kind": "view", "time": "2026-11-22T20:00:00Z"})
    habits = values(client, key, "new").habits
    assert habits.hours is not None
    assert (habits.hours[5], habits.weekdays) == (1, [1, 0, 0, 0, 0, 0, 0])
    for name in ("Europe/Nowhere", "../etc/passwd", ""):
        with pytest.raises(ConfigError, match="there is no time zone"):
            load_config(workspace.root, {"RECKON__SERVE__TIMEZONE": name}).section(ServeConfig)
