"""The client against a real server, and against one that fails in every way that is worth another try."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, is_typeddict

import pytest

from api.client import (
    AsyncClient,
    AuthenticationError,
    Client,
    ConflictError,
    InputError,
    LimitError,
    NotFoundError,
    PermissionDeniedError,
    ReckonError,
    UnavailableError,
)
from kg.workspace import Workspace
from tests.small_shop import key_of, serving, small_app

CachedResponse = tuple[int, dict[str, str], dict[str, Any] | None]


class Stub(ThreadingHTTPServer):
    """Answers what it is told, in order, and remembers what it was asked."""

    replies: list[CachedResponse | None]
    asked: list[tuple[str, str, dict[str, Any], Any]]


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        reply = self.server.replies.pop(0)
        if reply is None:
            # The work is done, the answer is lost.
            self.close_connection = True
            return
        status, headers, document = reply
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def stub(*replies: CachedResponse | None) -> Iterator[tuple[Stub, str]]:
    server = Stub(("127.0.0.1", 0), _Handler)
    server.replies, server.asked = list(replies), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


OK: CachedResponse = (200, {}, {"request_id": "r"})
TAKEN: CachedResponse = (202, {}, {"accepted": 1})


def test_events_are_sent_again_under_the_ids_they_had_the_first_time() -> None:
    with stub(None, (503, {}, None), (429, {"Retry-After": "0"}, {}), TAKEN) as (server, url), Client(url, "k") as client:
        assert client.send_events([{"user_id": "u", "item_id": "1", "kind": "view"}, {"event_id": "mine", "user_id": "u", "kind": "search"}])
        bodies = [body for _, _, _, body in server.asked]
    assert len(bodies) == 4
    assert all(body == bodies[0] for body in bodies)
    assert [len(bodies[0][0]["event_id"]), bodies[0][1]["event_id"]] == [32, "mine"]


def test_tries_are_bounded_and_so_is_the_wait() -> None:
    busy: CachedResponse = (503, {}, {"detail": "no place", "hint": "later"})
    with stub(*[busy] * 5) as (server, url), Client(url, "k", retries=2, max_wait_s=0.01) as client:
        with pytest.raises(UnavailableError, match="no place — later"):
            client.popular()
        assert len(server.asked) == 3
    with stub((503, {"Retry-After": "60"}, {})) as (server, url), Client(url, "k") as client:
        with pytest.raises(UnavailableError):
            client.popular()
        assert len(server.asked) == 1


def test_a_retry_after_is_waited_for() -> None:
    import time

    with stub((429, {"Retry-After": "1"}, {}), OK) as (_, url), Client(url, "k") as client:
        started = time.monotonic()
        client.popular()
        assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, LimitError),
        (422, InputError),
        (400, InputError),
        (500, ReckonError),
    ],
)
def test_refusals_are_not_repeated_and_become_our_errors(status: int, kind: type[ReckonError]) -> None:
    reply: CachedResponse = (status, {"X-Request-ID": "abc"}, {"detail": "what", "hint": "do"})
    with stub(reply) as (server, url), Client(url, "secret-key") as client:
        with pytest.raises(kind, match="what — do") as caught:
            client.recommendations("u/1 ü", k=2, exclude_seen=False, filter={"field": "available", "eq": True})
        assert "request abc" in caught.value.__notes__[0]
        assert (caught.value.status, caught.value.request_id) == (status, "abc")
        assert "secret-key" not in str(caught.value)
        [(method, path, headers, _)] = server.asked
    assert method == "GET"
    assert path == "/v1/users/u%2F1%20%C3%BC/recommendations?k=2&exclude_seen=false&filter=%7B%22field%22%3A%22available%22%2C%22eq%22%3Atrue%7D"
    assert headers["Authorization"] == "Bearer secret-key"


def test_an_address_where_nobody_listens() -> None:
    with Client("http://127.0.0.1:9", "k", retries=1, max_wait_s=0.01) as client, pytest.raises(UnavailableError, match="does not answer"):
        client.ready()


def test_the_coroutines_do_the_same() -> None:
    async def scenario(url: str) -> None:
        async with AsyncClient(url, "k", max_wait_s=0.05) as client:
            assert (await client.send_events([{"user_id": "u", "kind": "search"}]))["accepted"] == 1
            with pytest.raises(NotFoundError, match="gone"):
                await client.rule("x")
            assert list(await asyncio.gather(client.delete_rule("x"))) == [None]

    with stub((503, {}, None), None, TAKEN, (404, {}, {"detail": "gone"}), (204, {}, None)) as (server, url):
        asyncio.run(scenario(url))
        assert server.asked[0][3] == server.asked[2][3]


def test_both_clients_have_every_call() -> None:
    from api.client import requests

    made = {name for name, value in vars(requests).items() if callable(value) and getattr(value, "__module__", "") == requests.__name__}
    made = {name for name in made if name[0].islower() and name[0] != "_"}
    assert made
    for client in (Client, AsyncClient):
        assert made <= set(vars(client))


def dummy(name: str, parameter: inspect.Parameter) -> object:
    if name in ("user_id", "item_id", "request_id", "rule_id", "name"):
        return "x"
    return [] if str(parameter.annotation).startswith("Sequence") else {}


def test_every_operation_of_the_document_has_a_call_and_answers_have_its_shapes(workspace: Workspace) -> None:
    from api.client import requests, types

    document = small_app(workspace).openapi()
    made = set()
    for name, build in vars(requests).items():
        if inspect.isfunction(build) and build.__module__ == requests.__name__ and name[0] != "_":
            needed = [p for p in inspect.signature(build).parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
            call = build(*(dummy(p.name, p) for p in needed))
            made.add((call.method, call.path))
    operations = {
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path))
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/v1/") or path == "/health/ready"
    }
    assert operations == made
    schemas = document["components"]["schemas"]
    described = {name: shape for name, shape in vars(types).items() if is_typeddict(shape)}
    assert described.keys() <= schemas.keys()
    for name, shape in described.items():
        assert set(shape.__annotations__) == set(schemas[name]["properties"]), name


def test_it_needs_nothing_of_the_server() -> None:
    text = "import sys, api.client; print([name for name in ('fastapi', 'starlette', 'numpy', 'polars', 'sqlalchemy', 'kg') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_real_server_answers_it(workspace: Workspace) -> None:
    key = key_of(workspace)["Authorization"].split(" ")[1]
    with serving(small_app(workspace)) as url, Client(url, key) as client:
        assert client.ready()["status"] == "ready"
        assert client.recommendations("new", k=1)["strategy"] == "popular"
        taken = client.send_events([{"user_id": "new", "item_id": "1", "kind": "purchase"}])
        assert (taken["accepted"], taken["duplicates"]) == (1, 0)
        answer = client.recommendations("new", k=3)
        assert answer["strategy"] == "personal"
        told = client.explanation("new", answer["items"][0]["item_id"])["item"]
        assert sum(reason["share"] for reason in told["reasons"]) + told["remainder"] == pytest.approx(1)
        [event] = client.user_events("new")["events"]
        assert (event["item_id"], event["event_id"]) == ("1", taken["events"][0]["event_id"])
        assert client.put_user("new", {"city": "Oslo"})["users"] == 1
        assert client.put_users({"a/b": {"likes": ["tea", "coffee"]}})["users"] == 1
        with pytest.raises(NotFoundError):
            client.explanation("new", "no such item")
    with serving(small_app(workspace)) as url, Client(url, "rk_000000000000_x") as client, pytest.raises(AuthenticationError):
        client.recommendations("u")
