"""Rules are written by a form, tried, published and deleted; the API says what is wrong with them."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.console_visits import send, words
from tests.small_shop import key_of

NEW = "/console/rules/edit"
SUMMER = {"rule_id": "summer", "name": "Summer", "action": "boost", "factor": "3", "categories": "Coffee\n", "enabled": "1", "place": "1"}


def stored(client: TestClient, workspace: Workspace) -> dict[str, dict[str, object]]:
    return {row["rule"]["rule_id"]: row["rule"] for row in client.get("/v1/rules", headers=key_of(workspace)).json()["rules"]}


def test_a_rule_is_tried_published_edited_and_deleted(admin: TestClient, workspace: Workspace) -> None:
    tried = words(send(admin, "/console/rules/preview", NEW, **SUMMER))
    assert "of 6 lists would change" in tried
    assert stored(admin, workspace) == {}
    assert send(admin, "/console/rules/publish", NEW, **SUMMER).headers["location"] == "/console/rules?done=published"
    rule = stored(admin, workspace)["summer"]
    assert (rule["factor"], rule["categories"], rule["enabled"]) == (3.0, ["Coffee"], True)
    assert "every worker applies it" in words(admin.get("/console/rules?done=published"))
    form = admin.get("/console/rules/edit?rule=summer")
    assert 'value="summer" required' in form.text
    assert ">Coffee</textarea>" in form.text
    send(admin, "/console/rules/publish", NEW, **{**SUMMER, "factor": "2", "enabled": ""})
    assert (stored(admin, workspace)["summer"]["factor"], stored(admin, workspace)["summer"]["enabled"]) == (2.0, False)
    assert send(admin, "/console/rules/delete", NEW, rule_id="summer").status_code == 303
    assert stored(admin, workspace) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor": "0.5"},
        {"factor": "much"},
        {"rule_id": "No Name"},
        {"rule_id": ""},
        {"name": ""},
        {"starts": "soon"},
        {"where": "{"},
        {"action": "x"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(admin: TestClient, workspace: Workspace, wrong: dict[str, str]) -> None:
    answer = send(admin, "/console/rules/publish", NEW, **{**SUMMER, **wrong})
    assert answer.status_code == 422, answer.text[:300]
    assert 'role="alert"' in answer.text
    assert stored(admin, workspace) == {}


def test_other_kinds_take_their_own_fields(admin: TestClient, workspace: Workspace) -> None:
    cap = {"rule_id": "two", "name": "Two of a brand", "action": "cap", "per": "has_brand", "most": "2", "place": "1", "factor": "", "enabled": "1"}
    pin = {"rule_id": "pin", "name": "Pinned", "action": "pin", "items": "8\n7", "place": "2", "enabled": "1", "segment": '{"history": "some"}'}
    for rule in (cap, pin):
        assert send(admin, "/console/rules/publish", NEW, **rule).status_code == 303
    rules = stored(admin, workspace)
    assert (rules["two"]["per"], rules["two"]["most"]) == ("has_brand", 2)
    assert (rules["pin"]["place"], rules["pin"]["items"]) == (2, ["8", "7"])
    for name in ("two", "pin"):
        send(admin, "/console/rules/delete", NEW, rule_id=name)
