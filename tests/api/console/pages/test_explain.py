"""A list, its reasons and its what-ifs: what a page shows is what the API answers."""

from __future__ import annotations

import shlex

import pytest
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.api.console.conftest import Served
from tests.console_visits import send, words
from tests.small_shop import key_of

LIST = "/console/explain?user=u&k=3"


def api(client: TestClient, workspace: Workspace, path: str) -> dict[str, object]:
    answer = client.get(path, headers=key_of(workspace))
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_the_page_shows_the_list_of_the_api(admin: TestClient, workspace: Workspace) -> None:
    items = api(admin, workspace, "/v1/users/u/recommendations?k=3")["items"]
    assert isinstance(items, list)
    page = words(admin.get(LIST))
    places = [page.index(f"{item['rank']} {item['display_title']} ") for item in items]
    assert places == sorted(places)
    for item in items:
        for reason in item["reasons"]:
            assert reason["sentence"] in page
            assert f"{reason['share']:.1%}" in page


def test_the_curl_line_gives_the_same(admin: TestClient, workspace: Workspace) -> None:
    part = admin.get("/console/explain/list?user=u&k=2&diversity=0.5&price_to=&brand=Leafy")
    line = next(line for line in part.text.splitlines() if "curl -s" in line and "data-copy" in line)
    text = line.split("<code>")[1].split("</code>")[0].replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
    address = shlex.split(text)[-1].removeprefix("http://testserver")
    items = api(admin, workspace, address)["items"]
    assert isinstance(items, list)
    assert items
    assert all(item["display_title"] in words(part) for item in items)
    assert part.headers["hx-push-url"] == "/console/explain?user=u&k=2&diversity=0.5&brand=Leafy"


def test_a_history_item_that_is_switched_off_was_never_met(admin: TestClient, workspace: Workspace) -> None:
    # Without all that u met nothing is known of u, so the list is that of somebody new.
    off = "&".join(f"item_off={item}" for item in ("1", "2", "3", "5"))
    new = api(admin, workspace, "/v1/users/nobody/recommendations?k=8")["items"]
    assert isinstance(new, list)
    page = words(admin.get(f"/console/explain?user=u&k=8&{off}"))
    assert "this is not the list that is served" in page
    places = [page.index(f"{item['rank']} {item['display_title']} ") for item in new]
    assert places == sorted(places)
    # One that is switched off may come into the list again, and is struck out in the history.
    one = admin.get("/console/explain?user=u&k=8&item_off=5")
    assert one.text.count('value="5" aria-label') == 1
    assert 'class="off"' in one.text


def test_rules_are_switched_off_by_who_may_see_them(admin: TestClient, served: Served) -> None:
    form = {"rule_id": "no-tea", "name": "No white tea", "action": "exclude", "items": "4", "enabled": "1"}
    assert send(admin, "/console/rules/publish", "/console/rules/edit", **form).status_code == 303
    assert "White tea" not in words(admin.get("/console/explain/list?user=u&k=8")).split("Why is another item")[0]
    shown = words(admin.get("/console/explain/list?user=u&k=8&rule_off=no-tea")).split("Why is another item")[0]
    assert "White tea" in shown
    assert "new" in shown
    reader = served.browser("recommend:read")
    assert reader.get("/console/explain?user=u&rule_off=no-tea").status_code == 403
    assert "No white tea" not in reader.get("/console/explain").text
    assert send(admin, "/console/rules/delete", "/console/rules", rule_id="no-tea").status_code == 303


def test_a_pasted_history_is_answered(admin: TestClient) -> None:
    page = words(admin.get("/console/explain", params={"history": "1 purchase\n3\n\n", "k": "3"}))
    assert "3 items · personal" in page
    wrong = admin.get("/console/explain", params={"history": "1 nonsense kind"})
    assert (wrong.status_code, "history" in words(wrong)) == (422, True)


def test_all_reasons_of_an_item_add_up_and_are_drawn(admin: TestClient, workspace: Workspace) -> None:
    body = api(admin, workspace, "/v1/users/u/recommendations/4/explanation")["item"]
    assert isinstance(body, dict)
    part = admin.get("/console/explain/item?user=u&item=4")
    shown = words(part)
    assert all(reason["sentence"] in shown for reason in body["reasons"])
    assert 'data-graph="{&#34;nodes&#34;:' in part.text
    assert "MATCH (held:Reckon_Build)" in shown
    effect = words(admin.get("/console/explain/without-edge?user=u&item=4&source=Item:4&relation=HAS_BRAND&target=Brand:Leafy"))
    assert "Runs over this edge" in effect
    assert admin.get("/console/explain/without-edge?user=u&item=4&source=Item:4&relation=HAS_BRAND&target=Brand:Nobody").status_code == 404


def test_why_not_says_what_is_missing(admin: TestClient, workspace: Workspace) -> None:
    body = api(admin, workspace, "/v1/users/u/recommendations/8/why-not?k=2")
    part = words(admin.get("/console/explain/why-not?user=u&item=8&k=2"))
    assert f"It is at place {body['rank']}; the list has 2." in part
    assert "Garden hose" in part
    # A title does where only one item has it.
    assert "Garden hose" in words(admin.get("/console/explain/why-not", params={"user": "u", "item": "Garden hose 20 m"}))
    assert admin.get("/console/explain/why-not?user=u&item=unknown").status_code == 404


def test_shoppers_are_suggested_to_who_may_know_them(admin: TestClient, served: Served) -> None:
    assert '<option value="u">' in admin.get("/console/explain/users?user=u").text
    assert "<option" not in served.browser("recommend:read").get("/console/explain/users?user=u").text
    assert '<option value="1">Green tea 250 g' in admin.get("/console/explain/items?item=green").text


@pytest.mark.parametrize("query", ["k=zzz", "filter={", "filter=[1]", "price_to=cheap", "strategy=magic", "diversity=9", "item_off=unknown"])
def test_what_cannot_be_is_said_and_nothing_breaks(admin: TestClient, query: str) -> None:
    answer = admin.get(f"/console/explain?user=u&{query}")
    assert answer.status_code in (200, 404, 422), answer.text
    assert "Traceback" not in answer.text
