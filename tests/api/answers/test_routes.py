"""Questions over REST: answers with what they rest on, refusals, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, Asking, key_of


def ask(asking: Asking, workspace: Workspace, question: str, **about: str) -> dict[str, Any]:
    answered = asking().post("/v1/answers", json={"question": question, **about}, headers=key_of(workspace, "recommend:read"))
    assert answered.status_code == 200, answered.text
    body: dict[str, Any] = answered.json()
    assert body["build_id"] == BUILD_ID
    assert body["answer"] == " ".join(sentence["text"] for sentence in body["sentences"])
    return body


def test_a_fact_is_told_with_its_evidence(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    known = {(fact["relation"], fact["value"]) for fact in client.get("/v1/items/2", headers=key).json()["facts"]}
    for question in ("which brand is it?", "who makes this?"):
        answer = ask(asking, workspace, question, item_id="2")
        assert answer["intent"] == "product_fact"
        assert "Leafy" in answer["answer"]
        (cited,) = answer["sentences"][0]["citations"]
        assert (cited["relation"], cited["value"]) in known
        assert cited["relation"] == "has_brand"


def test_what_nothing_says_is_not_answered(asking: Asking, workspace: Workspace) -> None:
    for question in ("is it dishwasher safe?", "what is the capital of France?", "它能用洗碗机洗吗？"):
        answer = ask(asking, workspace, question, item_id="2")
        assert (answer["intent"], answer["handover"], answer["sentences"][0]["citations"]) == ("none", True, [])
    assert ask(asking, workspace, "which brand is it?")["intent"] == "none"
    assert ask(asking, workspace, "hello")["intent"] == "small_talk"


def test_price_and_availability_are_those_of_the_moment(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "catalog:write")
    assert client.patch("/v1/items/2", json={"price_cents": 1234, "available": False}, headers=key).status_code == 202
    assert "12.34" in ask(asking, workspace, "how much is it?", item_id="2")["answer"]
    assert "价格 12.34" in ask(asking, workspace, "how much is it?", item_id="2", locale="zh-CN")["answer"]
    gone = ask(asking, workspace, "is it in stock?", item_id="2")
    assert "not available" in gone["answer"]
    assert gone["sentences"][0]["citations"][0]["relation"] == "available"


def test_why_it_was_shown_is_the_explanation(asking: Asking, workspace: Workspace) -> None:
    answer = ask(asking, workspace, "why was this shown to me?", item_id="2", user_id="u")
    explained = asking().get("/v1/users/u/recommendations/2/explanation", headers=key_of(workspace, "recommend:read"))
    assert answer["intent"] == "why_shown"
    assert all(sentence["citations"][0]["kind"] == "explanation" for sentence in answer["sentences"])
    if explained.status_code == 200:
        assert answer["sentences"][0]["text"] in explained.text


_TOO_LONG = "x" * 1001


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": "   "},
        {"question": _TOO_LONG},
        {"question": "a\u0000b"},
        {"question": "a", "more": 1},
        {"question": ["a"]},
    ],
)
def test_bad_questions_are_refused(asking: Asking, workspace: Workspace, body: dict[str, Any]) -> None:
    assert asking().post("/v1/answers", json=body, headers=key_of(workspace, "recommend:read")).status_code == 422


def test_keys_and_items_that_do_not_exist(asking: Asking, workspace: Workspace) -> None:
    question = {"question": "which brand?", "item_id": "nothing"}
    assert asking().post("/v1/answers", json=question, headers=key_of(workspace, "recommend:read")).status_code == 404
    assert asking().post("/v1/answers", json=question, headers=key_of(workspace, "events:write")).status_code == 403


def test_a_damaged_model_keeps_nothing_else_from_answering(asking: Asking, workspace: Workspace) -> None:
    (workspace.root / "answers.model").write_bytes(b"no model")
    client, key = asking(), key_of(workspace, "recommend:read")
    refused = client.post("/v1/answers", json={"question": "which brand is it?", "item_id": "2"}, headers=key)
    assert refused.status_code == 503
    assert "answers.model" in refused.json()["detail"]
    assert client.get("/v1/users/u/recommendations", headers=key).status_code == 200
