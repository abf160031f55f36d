"""Search over REST: what is found and said, pages, scopes, live items, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gnn.search.weights import DEFAULTS, Weights
from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, Asking, key_of


def matches(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def test_search_finds_counts_and_explains(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    answer = client.get("/v1/search", params={"q": "black tea", "facets": "has_brand", "explain": True}, headers=key).json()
    assert matches(answer)[0] == "2"
    assert answer["complete"]
    assert answer["facets"] == [{"name": "has_brand", "values": [{"value": "Leafy", "count": 1}], "lowest": None, "highest": None}]
    first = answer["items"][0]
    assert sum(reason["share"] for reason in first["reasons"]) == pytest.approx(1, abs=1e-6)
    places = [place for reason in first["reasons"] for place in reason["evidence"] if place["field"] == "title"]
    assert {first["title"][place["start"] : place["end"]] for place in places} == {"Black", "tea"}
    by_body = client.post("/v1/search", json={"q": "black tea", "facets": ["has_brand"], "explain": True}, headers=key).json()
    assert {**by_body, "request_id": ""} == {**answer, "request_id": ""}


def test_a_choice_keeps_its_alternatives(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    params = {"q": "tea", "facets": "has_brand", "chosen": json.dumps({"has_brand": ["Meadow"]})}
    answer = client.get("/v1/search", params=params, headers=key).json()
    assert matches(answer) == ["3"]
    assert {one["value"]: one["count"] for one in answer["facets"][0]["values"]} == {"Leafy": 3, "Meadow": 1}


def test_pages_follow_each_other(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    whole = matches(client.get("/v1/search", params={"q": "tea", "k": 4}, headers=key).json())
    pages: list[str] = []
    token: str | None = ""
    while token is not None:
        answer = client.get("/v1/search", params={"q": "tea", "k": 1, **({"page_token": token} if token else {})}, headers=key).json()
        pages += matches(answer)
        token = answer["next_page_token"]
    assert pages[:4] == whole
    assert len(pages) == len(set(pages))
    other = client.get("/v1/search", params={"q": "coffee", "page_token": "1-00000000"}, headers=key)
    assert other.status_code == 422


def test_a_shoppers_history_counts(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    answer = client.get("/v1/search", params={"q": "tea", "user_id": "u", "explain": True}, headers=key).json()
    assert any(reason["part"] == "personal" for item in answer["items"] for reason in item["reasons"])
    nobody = client.get("/v1/search", params={"q": "tea", "explain": True}, headers=key).json()
    assert not any(reason["part"] == "personal" for item in nobody["items"] for reason in item["reasons"])


def test_suggestions(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    answer = client.get("/v1/search/suggest", params={"q": "lea"}, headers=key).json()
    assert {"kind": "brand", "text": "Leafy", "item_id": None} in answer["suggestions"]
    products = client.get("/v1/search/suggest", params={"q": "ket"}, headers=key).json()["suggestions"]
    assert {"kind": "product", "text": "Steel kettle", "item_id": "7"} in products


def test_an_item_that_is_deleted_or_unavailable_is_not_found_any_more(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace)
    assert "7" in matches(client.get("/v1/search", params={"q": "kettle"}, headers=key).json())
    assert client.delete("/v1/items/7", headers=key).status_code == 202
    assert client.patch("/v1/items/8", json={"available": False}, headers=key).status_code == 202
    for text, item_id in (("kettle", "7"), ("hose", "8")):
        _until(lambda text=text, item_id=item_id: item_id not in matches(client.get("/v1/search", params={"q": text}, headers=key).json()))
    suggested = client.get("/v1/search/suggest", params={"q": "ket"}, headers=key).json()["suggestions"]
    assert "7" not in [one["item_id"] for one in suggested]


def test_learned_weights_hold_from_the_next_answer_on(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    before = client.get("/v1/search", params={"q": "tea"}, headers=key).json()["items"][0]["score"]
    Weights({**DEFAULTS, "words": 5.0}, "judgements").save(workspace.root / "search" / "weights.json")
    after = client.get("/v1/search", params={"q": "tea"}, headers=key).json()["items"][0]["score"]
    assert after == pytest.approx(before + 5.0 - DEFAULTS["words"], abs=1e-5)


def test_a_build_without_an_index_says_what_to_do(asking: Asking, workspace: Workspace) -> None:
    (workspace.build(BUILD_ID) / "search" / "terms.json").unlink()
    answer = asking().get("/v1/search", params={"q": "tea"}, headers=key_of(workspace, "recommend:read"))
    assert answer.status_code == 503
    assert "reckon rebuild" in answer.json()["hint"]


def test_the_scope_is_needed(asking: Asking, workspace: Workspace) -> None:
    client = asking()
    assert client.get("/v1/search", params={"q": "tea"}).status_code == 401
    for path in ("/v1/search", "/v1/search/suggest"):
        assert client.get(path, params={"q": "tea"}, headers=key_of(workspace, "events:write")).status_code == 403


BAD: list[dict[str, Any]] = [
    {"q": ""},
    {"q": " "},
    {"q": "x" * 10_000},
    {"q": "a\x00b"},
    {"q": "a\x1bb"},
    {"q": "tea", "k": 0},
    {"q": "tea", "k": 10**9},
    {"q": "tea", "sort": "cheapest"},
    {"q": "tea", "page_token": "zzz"},
    {"q": "tea", "facets": ",".join(f"has_{n}" for n in range(1000))},
    {"q": "tea", "facets": "has_nothing"},
    {"q": "tea", "chosen": "{"},
    {"q": "tea", "chosen": '{"has_brand": "Leafy"}'},
    {"q": "tea", "chosen": '["has_brand"]'},
    {"q": "tea", "filter": '{"field": "nothing", "eq": 1}'},
    {"q": "tea", "filter": "'; DROP TABLE items; --"},
    {"q": "tea", "user_id": "a\x00"},
    {"q": "tea", "unknown": "1"},
]


@pytest.mark.parametrize("params", BAD, ids=range(len(BAD)))
def test_what_cannot_be_answered_gets_a_4xx(asking: Asking, workspace: Workspace, params: dict[str, Any]) -> None:
    answer = asking().get("/v1/search", params=params, headers=key_of(workspace, "recommend:read"))
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "text", ["*" * 400, "' OR 1=1 --", "${jndi:ldap://x}", "((((", "<script>", "../../etc/passwd", "MATCH (n) DETACH DELETE n", "😀"]
)
def test_injection_and_wildcards_are_only_text(asking: Asking, workspace: Workspace, text: str) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    assert client.get("/v1/search", params={"q": text}, headers=key).status_code == 200
    assert client.get("/v1/search/suggest", params={"q": text}, headers=key).status_code == 200


def _until(holds: Any) -> None:
    import time

    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
