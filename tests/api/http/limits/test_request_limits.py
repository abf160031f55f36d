"""Bounds of requests, and a worker that is asked for more than it can do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.limits.concurrency import ConcurrencyLimit
from api.http.limits.connections import BoundedHttp
from api.http.limits.request_limits import RequestLimits, deeper
from api.http.request_context import RequestContext
from kg.workspace import Workspace
from tests.small_shop import Asking, key_of, serving, small_app

leaves = st.none() | st.text(alphabet='a"\\[]{}') | st.integers()
json_values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='k"[{'), inner))


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@settings(max_examples=200, deadline=None)
@given(value=json_values, most=st.integers(0, 6))
def test_nesting_is_measured_exactly(value: object, most: int) -> None:
    assert deeper(json.dumps(value).encode(), most) == (depth(value) > most)


@pytest.mark.parametrize("body", [b"[" * 500_000, b'{"a":' * 200_000, b"[" * 100_000 + b"]" * 100_000, b'"' + b"[" * 1_000_000])
def test_hostile_nesting_is_judged_without_walking_it(body: bytes) -> None:
    assert deeper(body, 32) == (body[:1] != b'"')


def test_bodies_and_headers_beyond_their_bounds(asking: Asking, workspace: Workspace) -> None:
    client, key = asking(max_body_bytes=2048, max_header_bytes=4096, max_nesting=8), key_of(workspace)
    url = "/v1/users/u/recommendations"
    assert client.post(url, headers=key, content=b"x" * 2049).status_code == 413
    assert client.post(url, headers=key, content=iter([b"x" * 1500, b"x" * 1500])).status_code == 413
    assert client.get(url, headers={**key, "X-Much": "x" * 4096}).status_code == 431
    deep = client.post(url, headers=key, content=b"[" * 9 + b"]" * 9)
    assert (deep.status_code, "8 levels" in deep.json()["detail"]) == (422, True)
    assert client.post(url, headers={**key, "Content-Length": "many"}, content=b"").status_code == 413
    # Without a key the body is not even looked at.
    assert client.post(url, content=b"x" * 4096).status_code == 401


async def call(app: ASGIApp, *, path: str = "/v1/x", receive: Receive | None = None) -> tuple[int, dict[str, str]]:
    status, told = 0, {}

    async def send(message: Message) -> None:
        nonlocal status, told
        if message["type"] == "http.response.start":
            status, told = message["status"], {name.decode(): value.decode() for name, value in message["headers"]}

    async def nothing() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive or nothing, send)
    return status, told


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.n_started = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.n_started += 1
        if scope["path"] != "/health/live":
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def capacity(app: ASGIApp, **bounds: Any) -> RequestContext:
    chosen = {"max_concurrent": 2, "max_queue": 3, "queue_timeout_s": 30.0, "request_timeout_s": 30.0, "free": ("/health/",), **bounds}
    return RequestContext(ConcurrencyLimit(app, **chosen), audit=None)


def test_more_than_the_queue_holds_is_refused_at_once_and_the_rest_answered() -> None:
    async def scenario() -> None:
        slow = Slow()
        app = capacity(slow)
        tasks = [asyncio.create_task(call(app)) for _ in range(9)]
        while sum(task.done() for task in tasks) < 4:
            await asyncio.sleep(0.001)
        assert slow.n_started == 2
        refused = [task.result() for task in tasks if task.done()]
        assert [(status, "retry-after" in told) for status, told in refused] == [(503, True)] * 4
        assert (await call(app, path="/health/live"))[0] == 200
        slow.go.set()
        assert [status for status, _ in await asyncio.gather(*(task for task in tasks if not task.done()))] == [200] * 5
        assert (await call(app))[0] == 200

    asyncio.run(scenario())


def test_who_waits_too_long_is_refused_and_no_place_is_lost() -> None:
    async def scenario() -> None:
        slow = Slow()
        app = capacity(slow, queue_timeout_s=0.02)
        working = [asyncio.create_task(call(app)) for _ in range(2)]
        await asyncio.sleep(0)
        assert [(await call(app))[0] for _ in range(3)] == [503] * 3
        gone = asyncio.create_task(call(app))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        slow.go.set()
        assert [status for status, _ in await asyncio.gather(*working)] == [200, 200]
        assert [status for status, _ in await asyncio.gather(*(call(app) for _ in range(5)))] == [200] * 5

    asyncio.run(scenario())


def test_slow_work_is_answered_for_and_keeps_its_place() -> None:
    async def scenario() -> None:
        slow = Slow()
        app = capacity(slow, max_concurrent=1, max_queue=0, request_timeout_s=0.02)
        late = asyncio.create_task(call(app))
        await asyncio.sleep(0.1)
        assert (await call(app))[0] == 503
        slow.go.set()
        status, told = await late
        assert (status, told["retry-after"]) == (503, "2")
        assert (await call(app))[0] == 200

    asyncio.run(scenario())


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    async def never() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def scenario() -> None:
        bounds = RequestLimits(Slow(), max_header_bytes=1024, max_body_bytes=1024, max_nesting=8, body_timeout_s=0.02)
        app = RequestContext(bounds, audit=None)
        told: list[Message] = []

        async def send(message: Message) -> None:
            told.append(message)

        await app({"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"5")]}, never, send)
        assert told[0]["status"] == 408

    asyncio.run(scenario())


@pytest.fixture
def port(workspace: Workspace) -> Iterator[int]:
    """A real server with tight bounds below ASGI."""
    old = BoundedHttp.max_header_bytes, BoundedHttp.header_timeout_s
    BoundedHttp.bound(1024, 0.3)
    with serving(small_app(workspace)) as url:
        yield int(url.rsplit(":", 1)[1])
    BoundedHttp.max_header_bytes, BoundedHttp.header_timeout_s = old


def exchange(port: int, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


def test_heads_that_never_end_and_heads_that_never_come_are_closed(port: int) -> None:
    live = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert exchange(port, live).startswith(b"HTTP/1.1 200")
    assert exchange(port, b"GET / HTTP/1.1\r\nX: ", b"x" * 10_000).startswith(b"HTTP/1.1 431")
    assert exchange(port, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json")
    for beginning in (b"", b"GET / HTTP/1.1\r\nX: "):
        answer = exchange(port, beginning)
        assert answer.startswith(b"HTTP/1.1 408")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert json.loads(body)["status"] == 408
