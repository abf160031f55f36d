"""Corrections: their effect is what the lists become, they are kept with who made them, and undone."""

from __future__ import annotations

import json

from starlette.testclient import TestClient

from api.console.corrections import changed_item, effect, known_relation
from kg.graph.corrections import FactLog
from kg.workspace import Workspace
from tests.api.console.conftest import Served
from tests.console_visits import send, words
from tests.small_shop import key_of

FORM = "/console/facts/correct?item=1&relation=has_brand&value=Leafy"


def test_a_correction_is_kept_with_its_author_and_undone(admin: TestClient, workspace: Workspace) -> None:
    fields = {"item": "1", "relation": "has_brand", "value": "Leafy", "action": "correct", "new_value": "Meadow", "note": "see the box"}
    assert send(admin, "/console/facts/correct", FORM, **fields).status_code == 303
    dropped, stated = FactLog(workspace.facts).active()
    assert (dropped.op, dropped.item_id, dropped.relation, dropped.value) == ("drop", "1", "has_brand", "Leafy")
    assert (stated.op, stated.value, stated.note, stated.by.split(" ")[0]) == ("set", "Meadow", "see the box", "ann")
    for fact in (stated, dropped):
        assert send(admin, "/console/facts/undo", FORM, n=str(fact.n)).status_code == 303
    assert FactLog(workspace.facts).active() == []
    assert send(admin, "/console/facts/undo", FORM, n="99").status_code == 404
    actions = [json.loads(line)["action"] for line in workspace.audit.read_text().splitlines()]
    assert actions.count("POST /console/facts/correct") == 1
    assert actions.count("POST /console/facts/undo") == 3


def test_only_who_may_write_corrects(served: Served) -> None:
    reader = served.browser("graph:read", "recommend:read")
    page = reader.get(FORM)
    assert page.status_code == 200
    assert "disabled" in page.text.split("Save the correction")[0][-60:]
    refused = send(reader, "/console/facts/correct", FORM, item="1", relation="has_brand", value="Leafy", action="drop")
    assert (refused.status_code, "catalog:write" in words(refused)) == (403, True)
    assert FactLog(served.workspace.facts).active() == []


def test_what_is_wrong_with_a_correction_is_said(admin: TestClient, workspace: Workspace) -> None:
    for fields, status in (
        ({"item": "1", "relation": "has_brand", "value": "Leafy"}, 422),
        ({"item": "1", "relation": "has_brand", "value": "Leafy", "action": "correct", "new_value": ""}, 422),
        ({"item": "unknown", "relation": "has_brand", "value": "Leafy", "action": "drop"}, 404),
        ({"item": "1", "relation": "purchased", "value": "Leafy", "action": "drop"}, 422),
        ({"item": "1", "relation": "no name!", "value": "Leafy", "action": "drop"}, 422),
    ):
        answer = send(admin, "/console/facts/correct", FORM, **fields)
        assert answer.status_code == status, (fields, answer.text[:300])
    assert FactLog(workspace.facts).active() == []


def test_the_effect_is_that_of_the_same_change_made(admin: TestClient, served: Served) -> None:
    app, serving = served.app, served.app.state.serving
    state = app.state.items.state("4")
    item = changed_item(serving, state, "4", "set", known_relation(serving, "brand"), "Meadow", "Leafy")
    assert item.facts["item", "has_brand", "brand"] == ("Meadow",)
    assert {edge: values for edge, values in item.facts.items() if edge[1] != "has_brand"} == {
        edge: values for edge, values in changed_item(serving, state, "4", "set", "has_brand", "Leafy").facts.items() if edge[1] != "has_brand"
    }
    shown = effect(serving, item)
    assert (shown.users, len(shown.lists)) == (6, 6)
    page = words(admin.get("/console/facts/effect?item=4&relation=has_brand&value=Leafy&action=correct&new_value=Meadow"))
    assert f"Of 6 shoppers compared, some of whom met this item, {shown.changed} would get another list" in page
    # What the preview said is what the lists are once a build's worth of the change answers.
    before = {change["user_id"]: change for change in shown.lists}
    key = key_of(served.workspace)
    lists = {user: admin.get(f"/v1/users/{user}/recommendations?k=10", headers=key).json()["items"] for user in before}
    for user, change in before.items():
        listed = {row["item_id"] for row in lists[user]}
        assert {row["item_id"] for row in change["out"]} <= listed
        assert not {row["item_id"] for row in change["in"]} & listed


def test_a_fact_that_stays_changes_no_list(served: Served) -> None:
    serving = served.app.state.serving
    state = served.app.state.items.state("4")
    assert effect(serving, changed_item(serving, state, "4", "set", "has_brand", "Leafy")).changed == 0
