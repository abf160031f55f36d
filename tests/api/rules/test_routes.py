"""Business rules over REST: each action, for whom and when it holds, and nothing hidden."""

from __future__ import annotations

import json
import math
import stat
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.recommendations.schemas import RecommendationList
from api.rules.routes import Preview, RuleList, ShownRule
from kg.config import load_config
from kg.errors import ConfigError
from kg.workspace import Workspace
from tests.conftest import TOML
from tests.small_shop import Asking, key_of, small_app

U = "/v1/users/u/recommendations?k=8"


class Shop:
    """The small shop with somebody who may do everything."""

    def __init__(self, client: TestClient, workspace: Workspace) -> None:
        self.client, self.key = client, key_of(workspace)

    def put(self, rule_id: str = "r", **body: Any) -> None:
        answer = self.client.put(f"/v1/rules/{rule_id}", headers=self.key, json={"name": "Tea week", **body})
        assert answer.status_code == 200, answer.text

    def answer(self, url: str = U) -> dict[str, Any]:
        answer = self.client.get(url, headers=self.key)
        assert answer.status_code == 200, answer.text
        RecommendationList.model_validate(answer.json())
        for item in answer.json()["items"]:
            assert math.isclose(sum(reason["share"] for reason in item["reasons"]) + item["remainder"], 1, abs_tol=1e-6)
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, url: str = U) -> list[str]:
        return [item["item_id"] for item in self.answer(url)["items"]]


@pytest.fixture
def shop(asking: Asking, workspace: Workspace) -> Shop:
    return Shop(asking(), workspace)


def told(body: dict[str, Any], item_id: str) -> list[dict[str, Any]]:
    [item] = [item for item in body["items"] if item["item_id"] == item_id]
    return [reason for reason in item["reasons"] if reason["kind"] == "rule"]


def test_boost_and_bury_are_addends_that_name_the_rule(shop: Shop) -> None:
    before = shop.answer()
    scores = {item["item_id"]: item["score"] for item in before["items"]}
    assert before["rules"] == []
    second = before["items"][1]["item_id"]
    factor = 2 * before["items"][0]["score"] / before["items"][1]["score"]
    shop.put(action="boost", items=[second], factor=factor)
    after = shop.answer()
    assert after["items"][0]["item_id"] == second
    assert after["items"][0]["score"] == pytest.approx(factor * scores[second], rel=1e-5)
    [reason] = told(after, second)
    assert reason["share"] == pytest.approx(1 - 1 / factor, rel=1e-5)
    assert "Raised by the shop's rule ‘Tea week’" in reason["sentence"]
    assert after["rules"] == [{"rule_id": "r", "name": "Tea week", "action": "boost", "items": [second], "left_out": 0}]
    shop.put(action="bury", items=[second], factor=0.25)
    after = shop.answer()
    [reason] = told(after, second)
    assert reason["share"] == pytest.approx(-3, rel=1e-5)
    assert "lowered by the shop's rule ‘Tea week’" in reason["sentence"]
    shop.client.delete("/v1/rules/r", headers=shop.key)
    assert [item["item_id"] for item in shop.answer()["items"]] == list(scores)


def test_exclude_takes_out_by_brand_category_and_filter(shop: Shop) -> None:
    assert {"4", "6"} <= set(shop.ids())
    shop.put(action="exclude", brands=["leafy"])
    body = shop.answer()
    assert "4" not in [item["item_id"] for item in body["items"]]
    assert body["rules"] == [{"rule_id": "r", "name": "Tea week", "action": "exclude", "items": [], "left_out": 3}]
    absent = shop.client.get("/v1/users/u/recommendations/4/why-not", headers=shop.key).json()
    assert absent["filtered"] == ["excluded by the shop's rule ‘Tea week’"]
    shop.put(action="exclude", categories=["Tea"], where={"relation": "has_brand", "in": ["Meadow"]})
    assert "4" in shop.ids()
    assert shop.answer()["rules"][0]["left_out"] == 1
    shop.put(action="exclude", where={"field": "item_id", "in": ["4", "6"]})
    assert not {"4", "6"} & set(shop.ids())


def test_pin_puts_items_at_their_places_and_says_where_they_would_be(shop: Shop) -> None:
    before = shop.ids()
    last = before[-1]
    # The second is in the history already: a pin does not bring it back.
    shop.put(action="pin", items=[last, "1"], place=2)
    body = shop.answer()
    assert [item["item_id"] for item in body["items"]] == [before[0], last, *before[1:-1]]
    [reason] = told(body, last)
    assert reason["share"] == 0
    assert reason["sentence"] == f"Placed here by the shop's rule ‘Tea week’; by its score it would be at rank {len(before)}"
    assert body["rules"][0]["items"] == [last]
    # Beyond the head of the list as well: the last item is pinned into a list of two.
    assert shop.ids("/v1/users/u/recommendations?k=2") == [before[0], last]


def test_cap_leaves_out_what_is_beyond_it(shop: Shop) -> None:
    popular = "/v1/users/nobody/recommendations?k=8"
    tea, coffee = {"1", "2", "3", "4"}, {"5", "6"}
    before = shop.ids(popular)
    shop.put(action="cap", per="has_category", categories=["Tea", "Coffee"], most=1)
    body = shop.answer(popular)
    after = [item["item_id"] for item in body["items"]]
    best = {next(item for item in before if item in of) for of in (tea, coffee)}
    assert after == [item for item in before if item not in tea | coffee or item in best]
    assert body["rules"] == [{"rule_id": "r", "name": "Tea week", "action": "cap", "items": [], "left_out": 4}]


def test_a_rule_holds_for_its_segment_and_in_its_time(shop: Shop) -> None:
    nobody = "/v1/users/nobody/recommendations?k=8"

    def hidden(url: str) -> bool:
        return "8" not in shop.ids(url)

    exclude: dict[str, Any] = {"action": "exclude", "items": ["8"]}
    for segment, of_u, of_nobody in (
        ({"history": "none"}, False, True),
        ({"history": "some"}, True, False),
        ({"met_items": ["5"]}, True, False),
        ({"met_items": ["8"]}, False, False),
        ({"met": {"relation": "has_brand", "in": ["Leafy"]}}, True, False),
        ({"attributes": {"tier": ["gold"]}}, False, True),
    ):
        if "attributes" in segment:
            shop.client.put("/v1/users/nobody", headers=shop.key, json={"attributes": {"tier": "gold"}})
        shop.put(**exclude, segment=segment)
        assert (hidden(U), hidden(nobody)) == (of_u, of_nobody), segment
    shop.put(**exclude, starts="2020-01-01T00:00:00", ends="2020-01-02T00:00:00")
    assert not hidden(U)
    shop.put(**exclude, starts="2020-01-01T00:00:00")
    assert hidden(U)
    shop.put(**exclude, enabled=False)
    assert not hidden(U)


def test_another_worker_applies_a_change_within_a_second(shop: Shop, workspace: Workspace) -> None:
    with TestClient(small_app(workspace)) as other:
        shop.put(action="exclude", items=["4"])
        deadline = time.monotonic() + 10
        started = time.monotonic()
        while any(item["item_id"] == "4" for item in other.get(U, headers=shop.key).json()["items"]):
            assert time.monotonic() < deadline
        print(f"seen by the other worker after {time.monotonic() - started:.3f} s")
        assert [each["rule"]["rule_id"] for each in other.get("/v1/rules", headers=shop.key).json()["rules"]] == ["r"]


def test_rules_are_listed_shown_refused_and_deleted(shop: Shop) -> None:
    shop.put("b", action="exclude", items=["4"])
    shop.put("a", action="boost", categories=["Tea"], factor=2)
    listed = RuleList.model_validate(shop.client.get("/v1/rules", headers=shop.key).json())
    assert [(each.rule.rule_id, each.source) for each in listed.rules] == [("a", "ledger"), ("b", "ledger")]
    assert ShownRule.model_validate(shop.client.get("/v1/rules/a", headers=shop.key).json()).rule.factor == 2
    for body, detail in (
        ({"name": "x", "action": "boost", "items": ["4"]}, "factor"),
        ({"name": "x", "action": "exclude", "where": {"relation": "has_smell", "in": ["x"]}}, "has_smell"),
        ({"name": "x", "action": "exclude", "where": {"field": "title"}}, "filter"),
        ({"name": "x", "action": "wish"}, "action"),
    ):
        answer = shop.client.put("/v1/rules/c", headers=shop.key, json=body)
        assert (answer.status_code, detail in answer.json()["detail"]) == (422, True), answer.text
    assert shop.client.put("/v1/rules/Not%20an%20id", headers=shop.key, json={}).status_code == 422
    assert [shop.client.delete("/v1/rules/a", headers=shop.key).status_code for _ in range(2)] == [204, 404]
    assert shop.client.get("/v1/rules/a", headers=shop.key).status_code == 404


def test_rules_of_the_configuration_hold_and_give_way_to_the_ledger(workspace: Workspace) -> None:
    table = '\n[[rule]]\nrule_id = "hose"\nname = "No hoses"\naction = "exclude"\nitems = ["8"]\n'
    workspace.config_file.write_text(TOML + table)
    with TestClient(small_app(workspace)) as client:
        shop = Shop(client, workspace)
        assert "8" not in shop.ids()
        assert client.delete("/v1/rules/hose", headers=shop.key).status_code == 409
        shop.put("hose", action="exclude", items=["4"])
        assert ("8" in shop.ids(), "4" in shop.ids()) == (True, False)
        assert client.delete("/v1/rules/hose", headers=shop.key).status_code == 204
        assert "8" not in shop.ids()
    workspace.config_file.write_text(TOML + table + table)
    with pytest.raises(ConfigError, match="hose"):
        small_app(workspace)
    workspace.config_file.write_text(TOML + table.replace("items", "itms"))
    with pytest.raises(ConfigError, match="did you mean 'items'"):
        load_config(workspace.root, {})


def test_a_preview_says_what_would_change_and_changes_nothing(shop: Shop) -> None:
    before = shop.ids()
    rule = {"rule_id": "r", "name": "No tea", "action": "exclude", "items": ["4"]}
    answers = [shop.client.post("/v1/rules/preview", headers=shop.key, json={"rules": [rule], "k": 3}).json() for _ in range(2)]
    assert {**answers[0], "request_id": ""} == {**answers[1], "request_id": ""}
    preview = Preview.model_validate(answers[0])
    assert preview.users == 6
    assert 0 < preview.changed == len(preview.lists)
    assert [(gain.item_id, gain.lists) for gain in preview.items if gain.item_id == "4"] == [("4", -preview.changed)]
    of_u = next(change for change in preview.lists if change.user_id == "u")
    assert [row.item_id for row in of_u.out] == ["4"]
    assert len(of_u.came) == 1
    assert of_u.rules == ["r"]
    assert shop.ids() == before
    assert shop.client.get("/v1/rules", headers=shop.key).json()["rules"] == []
    shop.put(action="exclude", items=["4"])
    undone = shop.client.post("/v1/rules/preview", headers=shop.key, json={"without": ["r"], "users": 2}).json()
    assert undone["users"] == 2


def test_only_admins_see_and_change_rules_and_it_is_noted_without_the_rule(shop: Shop, workspace: Workspace) -> None:
    reader = key_of(workspace, "recommend:read", "catalog:write")
    answer = shop.client.put("/v1/rules/summer", headers=reader, json={"name": "customer-4711", "action": "exclude", "items": ["4"]})
    assert answer.status_code == shop.client.get("/v1/rules", headers=reader).status_code == 403
    shop.put("summer", action="exclude", items=["4"])
    lines = [json.loads(text) for text in workspace.audit.read_text().splitlines()]
    assert [(line["action"], line["status"]) for line in lines] == [("PUT /v1/rules/{rule_id}", 403), ("PUT /v1/rules/{rule_id}", 200)]
    assert [line["actor"] for line in lines] == [headers["Authorization"].split("_")[1] for headers in (reader, shop.key)]
    assert lines[0]["request_id"] == answer.headers["x-request-id"]
    assert "customer-4711" not in workspace.audit.read_text()
    assert stat.S_IMODE(workspace.audit.stat().st_mode) == 0o600


def test_what_a_rule_names_in_vain_is_said_in_the_callers_language(shop: Shop) -> None:
    body = {"name": "Tea week", "action": "exclude", "brands": ["Leavy"], "items": ["99999"]}
    chinese = shop.key | {"Accept-Language": "zh"}
    english = shop.client.put("/v1/rules/r", json=body, headers=shop.key)
    assert english.headers["Content-Language"] == "en"
    assert english.json()["warnings"] == ["items: the build has no item '99999'", "brands: the build has no brand 'Leavy'; did you mean 'Leafy'?"]
    said = ["items：构建中没有商品 '99999'", "brands：构建中没有品牌 'Leavy'；您是指 'Leafy' 吗？"]
    answer = shop.client.put("/v1/rules/r", json=body, headers=chinese)
    assert (answer.headers["Content-Language"], answer.json()["warnings"]) == ("zh", said)
    assert shop.client.get("/v1/rules/r", headers=chinese).json()["warnings"] == said
    assert shop.client.get("/v1/rules", headers=chinese).json()["rules"][0]["warnings"] == said
    preview = shop.client.post("/v1/rules/preview", json={"rules": [body | {"rule_id": "r"}]}, headers=chinese)
    assert preview.json()["warnings"] == {"r": said}
