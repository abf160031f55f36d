"""Answers in the language that the caller accepts; the wire format is the same in all."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import httpx2
import pytest
from starlette.testclient import TestClient

from api.client import Client
from api.recommendations.replay_store import ReplayStore
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of, small_app

LISTS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/users/u/recommendations?k=4", None),
    ("GET", "/v1/users/u/recommendations?strategy=buy_again", None),
    ("GET", "/v1/users/u/recommendations?strategy=trending", None),
    ("GET", "/v1/users/u/recommendations?strategy=new", None),
    ("GET", "/v1/users/u/recommendations/4/explanation", None),
    ("GET", "/v1/items/3/similar", None),
    ("GET", "/v1/items/3/bought_together", None),
    ("GET", "/v1/items/popular", None),
    ("GET", "/v1/items/trending", None),
    ("POST", "/v1/recommendations", {"history": [{"item_id": "3", "kind": "purchase"}]}),
    ("POST", "/v1/baskets/recommendations", {"item_ids": ["3", "5"]}),
]


@pytest.fixture
def key(workspace: Workspace) -> dict[str, str]:
    return key_of(workspace)


def ask(client: TestClient, key: dict[str, str], method: str, path: str, body: Any, language: str | None) -> httpx2.Response:
    headers = key | ({} if language is None else {"Accept-Language": language})
    return client.request(method, path, json=body, headers=headers)


def without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_words(each) for name, each in value.items() if name not in ("sentence", "request_id", "display_title", "next_page_token")
        }
    return [without_words(each) for each in value] if isinstance(value, list) else value


def sentences(body: Any) -> list[str]:
    items = body["items"] if "items" in body else [body["item"]]
    return [reason["sentence"] for item in items for reason in item["reasons"]]


@pytest.mark.parametrize(("method", "path", "body"), LISTS, ids=[path for _, path, _ in LISTS])
def test_every_list_speaks_both_languages(asking: Asking, key: dict[str, str], method: str, path: str, body: Any) -> None:
    client = asking()
    first = ask(client, key, method, path, body, None)
    chinese = ask(client, key, method, path, body, "zh-CN, en;q=0.5")
    # Each question is asked twice: what is remembered is remembered per language.
    again, english = (ask(client, key, method, path, body, language) for language in ("zh", "en-GB"))
    assert first.status_code == chinese.status_code == 200, first.text
    assert [each.headers["content-language"] for each in (first, chinese, again, english)] == ["en", "zh", "zh", "en"]
    assert all("Accept-Language" in each.headers["vary"] for each in (first, chinese, again, english))
    assert sentences(first.json()) == sentences(english.json())
    assert sentences(chinese.json()) == sentences(again.json())
    assert without_words(first.json()) == without_words(chinese.json())
    assert sentences(chinese.json())
    assert all(re.search("[一-鿿]", sentence) for sentence in sentences(chinese.json()))
    assert not any(re.search("[一-鿿]", sentence) for sentence in sentences(first.json()))


def test_a_replay_is_in_the_language_that_was_shown(asking: Asking, key: dict[str, str]) -> None:
    client = asking()
    shown = ask(client, key, "GET", "/v1/users/u/recommendations?k=2", None, "zh")
    again = ask(client, key, "GET", f"/v1/recommendations/{shown.json()['request_id']}", None, "en")
    assert again.content == shown.content
    assert again.headers["content-language"] == "zh"


def test_answers_of_an_earlier_release_are_english(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.answers)) as database:
        database.executescript(
            "CREATE TABLE bodies (digest BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID; CREATE TABLE answers "
            "(n INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, key_id TEXT NOT NULL, made_s REAL NOT NULL);"
        )
    store = ReplayStore(workspace.answers, keep_s=100, max_bytes=2**20)
    store.start()
    store.put("0" * 24, "key", b"{}", "zh")
    store.stop()
    found = store.get("0" * 24)
    assert found is not None
    assert (found.body, found.language) == (b"{}", "zh")


def test_the_shop_has_a_language_and_words_of_its_own(workspace: Workspace, key: dict[str, str]) -> None:
    toml = workspace.config_file.read_text(encoding="utf-8")
    workspace.config_file.write_text(toml.replace("[shop]", '[shop]\nlanguage = "zh"'), encoding="utf-8")
    workspace.messages.mkdir()
    (workspace.messages / "zh.toml").write_text('[shoppers]\nall = "{count} 位会员"\n', encoding="utf-8")
    with TestClient(small_app(workspace, {})) as client:
        answer, unknown = (ask(client, key, "GET", "/v1/items/popular", None, language) for language in (None, "de"))
    assert answer.headers["content-language"] == unknown.headers["content-language"] == "zh"
    assert any("位会员" in sentence for sentence in sentences(answer.json()))


def test_the_client_asks_for_a_language(asking: Asking, key: dict[str, str]) -> None:
    token, served = key["Authorization"].removeprefix("Bearer "), asking()

    def answered(request: httpx.Request) -> httpx.Response:
        reply = served.request(request.method, str(request.url), content=request.content, headers=dict(request.headers))
        return httpx.Response(reply.status_code, headers={"content-type": "application/json"}, content=reply.content)

    transport = httpx.MockTransport(answered)
    with (
        Client("http://testserver", token, transport=transport) as client,
        Client("http://testserver", token, language="zh", transport=transport) as own,
    ):
        for sent, chinese in (
            (client.recommendations("u", k=2), False),
            (client.recommendations("u", k=2, language="zh"), True),
            (client.basket_recommendations(["3"], language="zh-CN"), True),
            (client.ad_hoc_recommendations([{"item_id": "3"}], language="zh"), True),
            (client.similar("3", language="zh"), True),
            (own.popular(), True),
            (own.popular(language="en"), False),
        ):
            assert sentences(sent)
            assert all(bool(re.search("[一-鿿]", sentence)) == chinese for sentence in sentences(sent))
        assert any(re.search("[一-鿿]", sentence) for sentence in sentences(client.explanation("u", "4", language="zh")))


def test_why_not_speaks_both_languages(asking: Asking, key: dict[str, str]) -> None:
    client, path = asking(), "/v1/users/u/recommendations/1/why-not"
    english = ask(client, key, "GET", path, None, "en")
    chinese = ask(client, key, "GET", path, None, "zh-CN")
    assert (english.headers["Content-Language"], chinese.headers["Content-Language"]) == ("en", "zh")
    assert english.json()["filtered"][0].startswith("already in the history: viewed")
    assert chinese.json()["filtered"][0].startswith("已在历史记录中：viewed")
    same = [{name: value for name, value in answer.json().items() if name not in ("filtered", "request_id")} for answer in (english, chinese)]
    assert same[0] == same[1]
