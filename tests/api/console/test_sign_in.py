"""Signing in: cookies, tokens, headers; who may see what; nothing leads elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.console.headers import POLICY
from api.console.registry import PAGES
from api.keys.key_store import KeyStore
from kg.workspace import Workspace
from tests.console_visits import send, sign_in, token_of, words
from tests.small_shop import copy_of, key_of, small_app

Browsers = Callable[[], TestClient]
SECURE = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def key(workspace: Workspace, *scopes: str) -> str:
    return KeyStore(workspace.keys).create(scopes or ["admin"], name="ann")


def test_a_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_never_see(asking: Browsers, workspace: Workspace) -> None:
    client, text = asking(), key(workspace)
    answer = sign_in(client, text)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("reckon_session="))
    assert {"HttpOnly", "Path=/console", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert text.split("_", 2)[2] not in str(answer.headers)
    page = client.get("/console")
    assert (page.status_code, page.url.path) == (200, f"/console/{PAGES.names()[0]}")
    assert "ann" in words(page)
    # Over TLS the cookie stays there.
    over_tls = TestClient(client.app, base_url="https://testserver")
    assert "Secure" in str(sign_in(over_tls, text).headers.get_list("set-cookie"))


def test_the_session_opens_the_console_and_not_the_api(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    cookie = next(each for each in sign_in(client, key(workspace)).headers.get_list("set-cookie") if "session" in each).split(";")[0]
    assert client.get("/v1/rules", headers={"Cookie": cookie}).status_code == 401
    assert client.get("/console/overview", headers={"Authorization": key_of(workspace)["Authorization"], "Cookie": ""}).url.path == "/console/sign-in"


@pytest.mark.parametrize("address", ["/console/overview", "/console/explain?user=u", "/console/builds", "/console/nothing", "/console/"])
def test_who_is_not_signed_in_sees_the_sign_in_page(asking: Browsers, address: str) -> None:
    client = asking()
    answer = client.get(address, follow_redirects=False)
    if answer.status_code == 404:
        return
    assert (answer.status_code, answer.headers["location"].split("?")[0]) in ((303, "/console/sign-in"), (307, "http://testserver/console"))
    part = client.get(address, headers={"HX-Request": "true"}, follow_redirects=False)
    assert part.headers.get("hx-redirect", "/console/sign-in") == "/console/sign-in"
    assert "Shopper" not in answer.text


def test_every_page_is_behind_the_session_and_its_scope(asking: Browsers, workspace: Workspace) -> None:
    client, reader = asking(), asking()
    assert sign_in(reader, key(workspace, "risk:read")).status_code == 303
    assert reader.get("/console").status_code == 403
    for page in PAGES:
        assert client.get(f"/console/{page.name}", follow_redirects=False).status_code == 303
        assert client.post(f"/console/{page.name}/anything", follow_redirects=False).status_code in (303, 404, 405)
        refused = reader.get(f"/console/{page.name}")
        assert (refused.status_code, page.scope in words(refused)) == (403, True)


def test_the_navigation_has_what_the_key_may_see(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    sign_in(client, key(workspace, "recommend:read"))
    page = client.get("/console/overview")
    for each in PAGES:
        assert (f'href="/console/{each.name}"' in page.text.split("<main")[0]) == (each.scope == "recommend:read")


def test_answers_carry_strict_headers_whatever_they_are(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    sign_in(client, key(workspace))
    for address in (
        "/console/sign-in",
        "/console/overview",
        "/console/nothing",
        "/console/builds/20260101T000000-ffffff",
        "/console/static/x/console.css",
    ):
        answer = client.get(address)
        assert {name: answer.headers.get(name) for name in SECURE} == SECURE, address
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert client.get("/console/overview").headers["cache-control"] == "no-store"
    assert "content-security-policy" not in client.get("/health/live").headers


def test_a_form_without_its_token_changes_nothing(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    sign_in(client, key(workspace))
    form = {"rule_id": "summer", "name": "Summer", "action": "boost", "factor": "2", "categories": "Tea", "enabled": "1"}
    token = token_of(client.get("/console/rules/edit"))
    other = asking()
    sign_in(other, key(workspace))
    foreign = token_of(other.get("/console/rules/edit"))
    for given, headers in (
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": foreign}, {}),
        ({"csrf": "ü"}, {}),
        ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": token}, {"Sec-Fetch-Site": "same-site"}),
    ):
        refused = client.post("/console/rules/publish", data={**form, **given}, headers=headers)
        assert refused.status_code == 403, (given, headers)
    assert client.get("/v1/rules", headers=key_of(workspace)).json()["rules"] == []
    assert client.post("/console/rules/publish", data={**form, "csrf": token}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert [row["rule"]["rule_id"] for row in client.get("/v1/rules", headers=key_of(workspace)).json()["rules"]] == ["summer"]


def test_the_sign_in_form_has_a_token_too(asking: Browsers, workspace: Workspace) -> None:
    client, text = asking(), key(workspace)
    assert client.post("/console/sign-in", data={"key": text}).status_code == 403
    page = client.get("/console/sign-in")
    assert client.post("/console/sign-in", data={"key": text, "csrf": token_of(page)}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for wrong in ("", "rk_x", "rk_000000000000_x", text[:-1], "<script>alert(1)</script>"):
        answer = sign_in(client, wrong)
        assert answer.status_code == 401
        assert "reckon_session" not in str(answer.headers)
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("leads_to", "goes_to"),
    [
        ("/console/explain?user=u&k=3", "/console/explain?user=u&k=3"),
        ("https://evil.example/", "/console"),
        ("//evil.example", "/console"),
        ("/console.evil.example", "/console"),
        ("/console/../v1/rules", "/console"),
        ("/console/\\evil", "/console"),
        ("/console/a\r\nSet-Cookie: x=1", "/console"),
        ("javascript:alert(1)", "/console"),
    ],
)
def test_it_leads_on_to_the_console_alone(asking: Browsers, workspace: Workspace, leads_to: str, goes_to: str) -> None:
    client = asking()
    page = client.get("/console/sign-in", params={"next": leads_to})
    answer = client.post("/console/sign-in", data={"csrf": token_of(page), "key": key(workspace), "next": leads_to}, follow_redirects=False)
    assert answer.headers["location"] == goes_to


def test_signing_out_ends_the_session_everywhere(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    cookie = next(each for each in sign_in(client, key(workspace)).headers.get_list("set-cookie") if "session" in each).split(";")[0]
    answer = send(client, "/console/sign-out", "/console/overview")
    assert answer.headers["location"] == "/console/sign-in"
    for other in (client, asking()):
        assert other.get("/console/overview", headers={"Cookie": cookie}, follow_redirects=False).status_code == 303
    lines = [json.loads(line)["action"] for line in workspace.audit.read_text().splitlines()]
    assert lines[-2:] == ["console sign-in", "console sign-out"]


def test_a_revoked_key_is_signed_out_at_once(asking: Browsers, workspace: Workspace) -> None:
    client, text = asking(), key(workspace)
    sign_in(client, text)
    assert client.get("/console/overview").status_code == 200
    KeyStore(workspace.keys).revoke(text.split("_")[1])
    assert client.get("/console/overview", follow_redirects=False).status_code == 303


def test_a_link_of_another_site_leads_on_by_itself(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    # The browser holds a strict cookie back: the page asks for itself again, now from here.
    page = client.get("/console/explain?user=u&x=%22%3E", headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=False)
    assert (page.status_code, 'content="0;url=/console/explain?user=u&amp;x=%22%3E"' in page.text) == (200, True)
    again = client.get("/console/explain?user=u", headers={"Sec-Fetch-Site": "same-origin"}, follow_redirects=False)
    assert again.status_code == 303


def test_it_speaks_the_language_of_the_browser_or_the_one_that_was_chosen(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    assert 'lang="zh"' in client.get("/console/sign-in", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert 'lang="en"' in client.get("/console/sign-in", headers={"Accept-Language": "sv"}).text
    sign_in(client, key(workspace))
    assert send(client, "/console/language", "/console/overview", language="zh", next="/console/overview").headers["location"] == "/console/overview"
    page = client.get("/console/overview", headers={"Accept-Language": "en"})
    assert ('lang="zh"' in page.text, "总览" in page.text) == (True, True)
    send(client, "/console/language", "/console/overview", language="xx", next="/console/overview")
    assert "总览" in client.get("/console/overview").text


def test_the_console_can_be_left_out(small_shop: Workspace, tmp_path: Path) -> None:
    with TestClient(small_app(copy_of(small_shop, tmp_path / "shop"), {"console": "false"})) as client:
        assert client.get("/console").status_code == client.get("/console/sign-in").status_code == 401


def test_rates_of_the_key_count(asking: Browsers, workspace: Workspace) -> None:
    client = asking()
    sign_in(client, KeyStore(workspace.keys).create(["recommend:read"], rate="2/hour"))
    assert [client.get("/console/overview").status_code for _ in range(3)] == [200, 200, 429]
