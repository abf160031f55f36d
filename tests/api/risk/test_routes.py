"""The risk report and decisions over REST: scopes, names of accounts, and what is kept."""

from __future__ import annotations

import json

from kg.workspace import Workspace
from tests.small_shop import Asking, key_of

BODY = {
    "build_id": "20260101T000000-abc123",
    "users": 9,
    "flagged": 1,
    "events": 30,
    "events_not_counted": 4,
    "notice": "4 events of suspected accounts not counted",
    "formula": "weight = 1 - suspicion",
    "signals": [{"kind": "burst", "sentence": "5 new accounts", "users": ["a", "b"], "items": ["8"], "suspicion": 1.0, "clears": "time"}],
    "accounts": [{"user_id": "a", "suspicion": 1.0, "weight": 0.0, "decision": "open"}],
}


def _write(workspace: Workspace) -> None:
    workspace.reports.mkdir(exist_ok=True)
    (workspace.reports / "risk.json").write_text(json.dumps(BODY))


def test_accounts_are_named_only_to_keys_that_may_see_them(asking: Asking, workspace: Workspace) -> None:
    _write(workspace)
    client = asking()
    answer = client.get("/v1/risk/report", headers=key_of(workspace, "risk:read")).json()
    assert answer["accounts"] is None
    assert answer["signals"][0]["accounts"] == 2
    assert "users" not in answer["signals"][0]
    named = client.get("/v1/risk/report", headers=key_of(workspace, "risk:read", "profile:read")).json()
    assert named["accounts"][0]["user_id"] == "a"


def test_a_decision_is_kept_and_shown(asking: Asking, workspace: Workspace) -> None:
    _write(workspace)
    client, key = asking(), key_of(workspace, "risk:read", "risk:decide", "profile:read")
    for decision in ("confirm", "clear"):
        taken = client.put("/v1/risk/accounts/a/decision", headers=key, json={"decision": decision, "note": "x"})
        assert taken.status_code == 200, taken.text
    assert client.get("/v1/risk/report", headers=key).json()["accounts"][0]["decision"] == "clear"
    listed = client.get("/v1/risk/decisions", headers=key).json()["decisions"]
    assert [(each["user_id"], each["decision"]) for each in listed] == [("a", "confirm"), ("a", "clear")]
    assert listed[0]["decided_by"] == key["Authorization"].split("_")[1]


def test_what_a_key_may_not_do_is_refused(asking: Asking, workspace: Workspace) -> None:
    client, reader = asking(), key_of(workspace, "risk:read")
    assert client.get("/v1/risk/report", headers=reader).status_code == 404
    assert client.get("/v1/risk/decisions", headers=reader).status_code == 403
    assert client.put("/v1/risk/accounts/a/decision", headers=reader, json={"decision": "clear"}).status_code == 403
    assert client.get("/v1/risk/report", headers=key_of(workspace, "recommend:read")).status_code == 403
    decider = key_of(workspace, "risk:decide")
    for body in ({"decision": "block"}, {}, {"decision": "clear", "note": "x" * 2001}, {"decision": "clear", "who": "me"}):
        assert client.put("/v1/risk/accounts/a/decision", headers=decider, json=body).status_code == 422
