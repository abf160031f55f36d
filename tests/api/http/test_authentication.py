"""No key, no answer; keys, rates and what is noted of them."""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api.keys.key_store import KeyStore
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of, small_app

LIST = "/v1/users/u/recommendations?k=2"
SECRET_OF_ANOTHER = "customer-4711"


def problem_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize("path", [LIST, "/metrics", "/docs", "/openapi.json", "/nothing", "/v1/users/u/recommendations/1/explanation"])
def test_no_key_no_answer_except_health(asking: Asking, path: str) -> None:
    client = asking()
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").json()["status"] == "ready"
    for headers in ({}, {"Authorization": "Bearer rk_000000000000_x"}, {"X-API-Key": "x"}, {"Authorization": "Basic !!"}):
        assert "key" in problem_of(client.get(path, headers=headers), 401)["detail"]


def test_the_key_goes_in_either_header_and_pages_take_it_as_a_password(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), KeyStore(workspace.keys).create(["recommend:read", "metrics:read"])
    assert client.get(LIST, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert client.get(LIST, headers={"X-API-Key": key}).status_code == 200
    basic = {"Authorization": "Basic " + base64.b64encode(f"any:{key}".encode()).decode()}
    for page in ("/docs", "/openapi.json", "/metrics"):
        assert client.get(page, headers=basic).status_code == 200
    # Another site could make a browser send a Basic password along, so the API does not take one.
    assert client.get(LIST, headers=basic).status_code == 401
    assert client.get("/docs").headers["www-authenticate"].startswith("Basic")
    assert client.get(LIST).headers["www-authenticate"] == "Bearer"


def test_metrics_take_their_own_scope(asking: Asking, workspace: Workspace) -> None:
    client = asking()
    problem_of(client.get("/metrics", headers=key_of(workspace, "recommend:read")), 403)
    reader = key_of(workspace, "metrics:read")
    problem_of(client.get(LIST, headers=reader), 403)
    assert "reckon_requests_total" in client.get("/metrics", headers=reader).text


def test_a_browser_without_a_key_gets_a_page_that_says_where_keys_come_from(asking: Asking) -> None:
    client = asking()
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/docs", "/openapi.json", LIST):
        page = client.get(path, headers=browser)
        assert (page.status_code, page.headers["content-type"], page.headers["vary"]) == (401, "text/html; charset=utf-8", "Accept")
        assert page.headers["x-request-id"] in page.text
        for said in ("reckon keys create", "demo.key", "as the password", "Authorize"):
            assert said in page.text
        # Nothing that was sent is on the page.
        assert "recommendations" not in page.text.replace("recommend:read", "")
    assert client.get("/docs", headers=browser).headers["www-authenticate"].startswith("Basic")
    assert client.post("/v1/events", headers=browser, json={}).headers["content-type"] == "application/problem+json"
    assert problem_of(client.get(LIST, headers={"Accept": "application/json"}), 401)


def test_docs_can_be_made_public(asking: Asking) -> None:
    client = asking(public_docs=True)
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 200
    assert client.get(LIST).status_code == 401


def test_rotation_and_revocation_count_from_the_next_request_on(asking: Asking, workspace: Workspace) -> None:
    client, keys = asking(), KeyStore(workspace.keys)
    old = keys.create(["recommend:read"], expires_days=2, name="web", rate="500/minute")
    graced = keys.rotate(old.split("_")[1], grace_s=3600)
    for key in (old, graced):
        assert client.get(LIST, headers={"X-API-Key": key}).status_code == 200
    ended = {key.key_id: key.expires_s for key in keys.list()}
    assert ended[old.split("_")[1]] == pytest.approx(time.time() + 3600, abs=30)
    assert ended[graced.split("_")[1]] == pytest.approx(time.time() + 2 * 86_400, abs=30)
    new = keys.rotate(graced.split("_")[1])
    assert client.get(LIST, headers={"X-API-Key": graced}).status_code == 401
    assert client.get(LIST, headers={"X-API-Key": new}).status_code == 200
    [stored] = [key for key in keys.list() if key.key_id == new.split("_")[1]]
    assert (stored.scopes, stored.name, stored.rate) == (("recommend:read",), "web", "500/minute")
    keys.revoke(stored.key_id)
    assert client.get(LIST, headers={"X-API-Key": new}).status_code == 401


def redis_url() -> str:
    url = os.environ.get("RECKON_TEST_REDIS_URL")
    if not url:
        pytest.skip("no Redis: RECKON_TEST_REDIS_URL is not set")
    return url


@pytest.mark.parametrize("where", ["worker", "redis"])
def test_a_key_that_asks_too_often_is_refused_until_its_window_has_passed(asking: Asking, workspace: Workspace, where: str) -> None:
    # The key ids are random, so tests that share a Redis do not meet.
    client = asking(rate_limit="3/hour", rate_limit_storage=redis_url() if where == "redis" else "")
    mine, its_own, other = (
        key_of(workspace, "recommend:read"),
        key_of(workspace, "recommend:read", rate="5/hour"),
        key_of(workspace, "recommend:read"),
    )
    left = []
    for _ in range(3):
        answer = client.get(LIST, headers=mine)
        assert answer.headers["ratelimit-policy"] == '"key";q=3;w=3600'
        left.append(int(answer.headers["ratelimit"].split(";r=")[1].split(";")[0]))
    assert left == [2, 1, 0]
    refused = client.get(LIST, headers=mine)
    assert "3 requests in 3600 s" in problem_of(refused, 429)["detail"]
    assert 0 < int(refused.headers["retry-after"]) <= 7200
    assert client.get(LIST, headers=other).status_code == 200
    assert [client.get(LIST, headers=its_own).status_code for _ in range(6)] == [200] * 5 + [429]


def test_workers_that_share_a_redis_count_together(workspace: Workspace) -> None:
    serve = {"rate_limit": "4/hour", "rate_limit_storage": redis_url(), "workers": 2}
    key = key_of(workspace, "recommend:read")
    with TestClient(small_app(workspace, serve)) as one, TestClient(small_app(workspace, serve)) as two:
        statuses = [client.get(LIST, headers=key).status_code for client in (one, two, one, two, one, two)]
    assert statuses == [200] * 4 + [429] * 2


def test_a_redis_that_is_down_does_not_stop_the_shop(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(rate_limit="4/hour", rate_limit_storage="redis://127.0.0.1:1/0", workers=2), key_of(workspace, "recommend:read")
    # Each of two workers counts its half.
    assert [client.get(LIST, headers=key).status_code for _ in range(3)] == [200, 200, 429]


def test_logs_carry_no_ids_no_queries_and_no_keys(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(), key_of(workspace, "recommend:read")
    caller = f"web-{uuid.uuid4().hex}"
    with capture_logs() as logged:
        query: dict[str, str | int] = {"k": 2, "filter": json.dumps({"field": "item_id", "eq": SECRET_OF_ANOTHER})}
        client.get(f"/v1/users/{SECRET_OF_ANOTHER}/recommendations", params=query, headers={**key, "X-Request-ID": caller})
        client.get(f"/v1/users/{SECRET_OF_ANOTHER}/recommendations?k=none", headers={**key, "X-Request-ID": "not well\tformed"})
        client.get(f"/{SECRET_OF_ANOTHER}", headers=key)
    lines = [line for line in logged if line["event"] == "request"]
    assert [line["status"] for line in lines] == [200, 422, 404]
    assert [line.get("caller_request_id") for line in lines] == [caller, None, None]
    assert all(line["key_id"] == key["Authorization"].split("_")[1] for line in lines)
    assert SECRET_OF_ANOTHER not in json.dumps(logged)
    assert key["Authorization"].split("_", 2)[2] not in json.dumps(logged)


def test_browsers_of_other_origins_get_nothing_unless_configured(asking: Asking, workspace: Workspace) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    assert "access-control-allow-origin" not in asking().options(LIST, headers=headers).headers
    client = asking(cors_origins='["https://shop.example"]')
    assert client.options(LIST, headers=headers).headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in client.options(LIST, headers={**headers, "Origin": "https://other.example"}).headers
    assert client.get(LIST, headers={"Origin": "https://shop.example"}).status_code == 401
