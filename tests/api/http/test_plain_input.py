"""What callers send is taken as it is written or refused in plain words: nothing is converted, chosen among two, or read in another unit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.query_string import REPEATABLE
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of, small_app

JARGON = ("Input should", "String should", "valid dictionary", "instance of", "type=", "pydantic", "pattern '")


@pytest.fixture
def client(workspace: Workspace, asking: Asking) -> TestClient:
    client = asking(rate_limit="100000/second")
    client.headers.update(key_of(workspace))
    return client


def refused(answer: Any, *said: str) -> str:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    for word in said:
        assert word in body["detail"] + body.get("hint", ""), body
    assert not any(word in answer.text for word in JARGON), answer.text
    return str(body["detail"])


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PUT", "/v1/items/x", {"title": "Tea", "available": "yes"}, ("body.available", '"yes"', "true or false")),
        ("PUT", "/v1/items/x", {"title": "Tea", "available": 1}, ("body.available", "true or false")),
        ("PUT", "/v1/items/x", {"title": "Tea", "price_cents": "890"}, ("body.price_cents", '"890"', "whole number")),
        ("PUT", "/v1/items/x", {"title": 7}, ("body.title", "7", "text")),
        ("POST", "/v1/recommendations", {"k": "10"}, ("body.k", '"10"', "whole number, without quotes")),
        ("POST", "/v1/recommendations", {"k": True}, ("body.k", "true", "whole number")),
        ("POST", "/v1/recommendations", {"exclude_seen": "false"}, ("body.exclude_seen", "true or false")),
        ("POST", "/v1/recommendations", {"diversity": "0.5"}, ("body.diversity", "a number")),
        ("POST", "/v1/recommendations", {"explain": "all"}, ("body.explain", '"all"', "'none', 'brief' or 'full'")),
        ("POST", "/v1/baskets/recommendations", {"item_ids": "1"}, ("body.item_ids", "a list")),
        ("PATCH", "/v1/users/u/profile", {"interests": [{"relation": "has_brand", "value": "Leafy", "weight": "0"}]}, ("interests.0.weight",)),
        ("PUT", "/v1/users/u", {"attributes": {"city": 7}}, ("body.attributes.city", "7", "a list")),
        ("PUT", "/v1/rules/r", {"name": "x", "action": "exclude", "items": ["1"], "enabled": "no"}, ("body.enabled", "true or false")),
        ("PUT", "/v1/rules/r", {"name": "x", "action": "boost", "items": ["1"], "factor": "2"}, ("body.factor", "a number")),
    ],
)
def test_a_value_of_another_type_is_not_converted(client: TestClient, method: str, path: str, body: object, said: tuple[str, ...]) -> None:
    refused(client.request(method, path, json=body), *said)


def test_a_whole_number_may_be_written_with_a_point(client: TestClient) -> None:
    assert len(client.post("/v1/recommendations", json={"k": 2.0}).json()["items"]) == 2


@pytest.mark.parametrize("written", ["yes", "no", "on", "off", "1", "0", "True", "FALSE", "t", "y", "", "true "])
def test_a_boolean_in_a_query_is_true_or_false(client: TestClient, workspace: Workspace, written: str) -> None:
    flags = [
        (path, each["name"], {other["name"]: "x" for other in call["parameters"] if other["in"] == "query" and other["required"]})
        for path, calls in small_app(workspace).openapi()["paths"].items()
        for method, call in calls.items()
        for each in call.get("parameters", [])
        if method == "get" and each["in"] == "query" and each["schema"].get("type") == "boolean"
    ]
    assert flags
    for path, name, needed in flags:
        url = path.replace("{user_id}", "u").replace("{item_id}", "1")
        assert f"query.{name}" in refused(client.get(url, params={**needed, name: written}), "must be true or false", json.dumps(written))
        assert [client.get(url, params={**needed, name: word}).status_code for word in ("true", "false")] == [200, 200]


@pytest.mark.parametrize("written", ["yes", "on", "true", "1", 1, 0, 1.0, None])
def test_a_boolean_in_a_body_is_true_or_false(client: TestClient, written: object) -> None:
    refused(client.post("/v1/recommendations", json={"exclude_seen": written}), "body.exclude_seen", "must be true or false")
    refused(client.put("/v1/rules/r", json={"name": "x", "action": "exclude", "items": ["1"], "enabled": written}), "body.enabled", "true or false")


def test_query_parameters_are_given_once(client: TestClient, workspace: Workspace) -> None:
    for query in ("k=1&k=2", "k=1&k=1", "strategy=new&k=1&strategy=popular", "filter=&filter="):
        refused(client.get(f"/v1/users/u/recommendations?{query}"), "is given 2 times")
    assert client.get("/v1/items/popular?cap=has_brand:1&cap=has_category:2").status_code == 200
    document = small_app(workspace).openapi()
    parameters = [each for calls in document["paths"].values() for call in calls.values() for each in call.get("parameters", [])]
    assert {each["name"] for each in parameters if each["schema"].get("type") == "array"} == REPEATABLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"k": 1, "k": 2}', "'k' is given 2 times"),
        ('{"history": [{"item_id": "1", "item_id": "2"}]}', "'item_id' is given 2 times"),
        ('{"filter": {"all": [{"field": "price_cents", "lte": 1, "lte": 2}]}}', "'lte' is given 2 times"),
        ('{"k": 1, "\\u006b": 2}', "'k' is given 2 times"),
        ('{"diversity": NaN}', "NaN is not JSON"),
        ('{"diversity": Infinity}', "Infinity is not JSON"),
    ],
)
def test_keys_of_json_are_given_once_and_numbers_are_numbers(client: TestClient, text: str, said: str) -> None:
    refused(client.post("/v1/recommendations", content=text, headers={"Content-Type": "application/json"}), said)
    refused(client.post("/v1/events", content='[{"user_id": "u", "user_id": "v", "item_id": "1", "kind": "view"}]'), "'user_id' is given 2 times")


def test_repeated_keys_of_a_filter_in_the_query(client: TestClient) -> None:
    refused(client.get("/v1/items/popular", params={"filter": '{"field": "price_cents", "lte": 1, "lte": 2}'}), "'lte' is given 2 times")


GOOD_TIMES = ["2024-02-01T10:00:00Z", "2024-02-01T10:00:00+01:00", "2024-02-01 10:00:00Z", "20240201T100000Z", 1706781600, 1706781600.25, None]
BAD_TIMES = [
    (1706781600000, "milliseconds"),
    (1706781600000000, "microseconds"),
    ("1706781600", "without quotes"),
    ("2024-02-01", "time zone"),
    ("2024-02-01T10:00:00", "time zone"),
    ("yesterday", "is not a time"),
    (-5, "before 1970"),
    (True, "is not a time"),
    ([1], "is not a time"),
    (4e9, "future"),
]


@pytest.mark.parametrize("time", GOOD_TIMES)
def test_events_and_histories_take_the_same_times(client: TestClient, time: object) -> None:
    assert client.post("/v1/recommendations", json={"history": [{"item_id": "1", "time": time}]}).status_code == 200
    taken = client.post("/v1/events", json={"event_id": "e", "user_id": "n", "item_id": "1", "kind": "view", "time": time})
    assert taken.status_code == 202, taken.text
    if time is not None:
        [kept] = client.get("/v1/users/n/events").json()["events"]
        assert abs(kept["time"] - 1706781600) <= 3600


@pytest.mark.parametrize(("time", "said"), BAD_TIMES)
def test_events_and_histories_refuse_the_same_times(client: TestClient, time: object, said: str) -> None:
    refused(client.post("/v1/recommendations", json={"history": [{"item_id": "1", "time": time}]}), "history.0", "time", said)
    refused(client.post("/v1/events", json={"user_id": "n", "item_id": "1", "kind": "view", "time": time}), "time", said)


@pytest.mark.parametrize(("kind", "said"), [("did_bogus", "not configured"), ("DID_BOGUS", "small letters"), ("purchse", "did you mean 'purchase'?")])
def test_events_and_histories_refuse_the_same_kinds(client: TestClient, kind: str, said: str) -> None:
    refused(client.post("/v1/recommendations", json={"history": [{"item_id": "1", "kind": kind}]}), "history.0", said)
    refused(client.post("/v1/events", json={"user_id": "n", "item_id": "1", "kind": kind}), said)


@pytest.mark.parametrize("fields", [{}, {"price_cents": 5}, {"title": None}, {"title": " \t"}, {"title": "\u200b"}])
def test_no_item_goes_live_without_a_title(client: TestClient, fields: dict[str, Any]) -> None:
    refused(client.put("/v1/items/x", json=fields), "title")
    refused(client.post("/v1/items", json=[{"item_id": "y", "title": "Tea"}, {"item_id": "x", **fields}]), "body.1", "title")
    assert [client.get(f"/v1/items/{name}").status_code for name in "xy"] == [404, 404]
    assert client.patch("/v1/items/1", json={"price_cents": 5}).status_code == 202
    refused(client.patch("/v1/items/1", json={"title": None}), "title")


def test_the_bound_of_a_list_is_told_as_it_is(workspace: Workspace, asking: Asking) -> None:
    client, key = asking(max_k=50), key_of(workspace)
    for k in (51, 1_000, 1_001, 10**6):
        for answer in (
            client.get(f"/v1/users/u/recommendations?k={k}", headers=key),
            client.post("/v1/recommendations", json={"k": k}, headers=key),
            client.get(f"/v1/users/u/recommendations/4/why-not?k={k}", headers=key),
        ):
            refused(answer, f"k is {k}", "at most 50")
    assert client.get("/v1/users/u/recommendations?k=50", headers=key).status_code == 200


def test_filter_values_may_be_written_in_another_letter_case(client: TestClient) -> None:
    def items(wanted: object) -> set[str]:
        answer = client.get("/v1/items/popular", params={"filter": json.dumps(wanted), "k": 20})
        return {item["item_id"] for item in answer.json()["items"]}

    assert items({"relation": "has_brand", "eq": "LEAFY"}) == items({"relation": "has_brand", "eq": "Leafy"}) == {"1", "2", "4"}
    assert items({"relation": "has_category", "in": ["tea", "Coffee"]}) == items({"relation": "has_category", "in": ["Tea", "Coffee"]})
    assert items({"field": "title", "eq": "steel KETTLE"}) == {"7"}


def test_a_rule_that_names_what_is_not_there_says_so(client: TestClient) -> None:
    rule = {"name": "x", "action": "boost", "factor": 2, "items": ["no such"], "brands": ["Leavy"], "categories": ["tea"]}
    warnings = client.put("/v1/rules/r", json={**rule, "where": {"relation": "has_brand", "in": ["Medow"]}}).json()["warnings"]
    assert [warning.split(":")[0] for warning in warnings] == ["items", "brands", "where"]
    assert "did you mean 'Leafy'?" in warnings[1]
    assert "did you mean 'Meadow'?" in warnings[2]
    assert client.get("/v1/rules/r").json()["warnings"] == warnings
    preview = client.post("/v1/rules/preview", json={"rules": [{**rule, "rule_id": "p"}]}).json()
    assert preview["warnings"]["p"] == warnings[:2]
    assert client.put("/v1/rules/r", json={**rule, "items": ["1"], "brands": ["leafy"]}).json()["warnings"] == []
