"""The REST API as the console calls it: the same routes in the same process, with the key of who is signed in.

A page shows nothing that a program could not ask for with that key, and the curl line that it shows is the call that it made.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

import orjson
from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope

from api.http.request_context import RequestContext
from api.keys.audit import AuditLog
from api.keys.key_store import ApiKey

_LONGEST_BODY = 32 * 2**20
Query = Mapping[str, str | int | float | bool | None]


class CallError(Exception):
    """A call that was refused, with its problem document.

    Args:
        problem: See `api.http.schemas.Problem`.
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.status = int(problem.get("status", 500))
        self.title, self.detail = str(problem.get("title", "")), str(problem.get("detail", ""))
        self.hint, self.request_id = str(problem.get("hint", "")), str(problem.get("request_id", ""))
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API.

    Attributes:
        method: GET, POST, …
        path: Percent-encoded, with its query string.
        body: Sent as JSON.
        language: What sentences are wanted in.
    """

    method: str
    path: str
    body: Any = None
    language: str = "en"

    def curl(self, base: str) -> str:
        """Return the same call as a line for a shell; the key is that of who runs it."""
        parts = ["curl", "-s", "-H", "__KEY__", "-H", f"Accept-Language: {self.language}"]
        if self.method != "GET":
            parts += ["-X", self.method]
        if self.body is not None:
            parts += ["-H", "Content-Type: application/json", "-d", orjson.dumps(self.body).decode()]
        parts.append(f"{base}{self.path}")
        return shlex.join(parts).replace("__KEY__", '"Authorization: Bearer $RECKON_KEY"')


def get(path: str, query: Query | None = None, *, language: str = "en") -> Call:
    """Return a call that reads; parameters that are None are left out."""
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in (query or {}).items() if value is not None}
    return Call("GET", f"{path}?{urlencode(given)}" if given else path, None, language)


def segment(text: str) -> str:
    """Return an id as a part of a path."""
    return quote(text, safe="")


class Rest:
    """The API's routes, without what is put around requests from outside: those have passed that when they reach the console.

    Args:
        app: The application.
        audit: Where writes are noted, if anywhere: the calls of the console are noted like others.
    """

    def __init__(self, app: FastAPI, audit: AuditLog | None) -> None:
        routes = ExceptionMiddleware(AsyncExitStackMiddleware(app.router), handlers=app.exception_handlers)
        self._app, self._routes = app, RequestContext(routes, audit=audit)

    async def call(self, call: Call, key: ApiKey, outer: Receive) -> Any:
        """Make a call and return its answer.

        Args:
            call: What is called.
            key: Of who is signed in.
            outer: Says when the browser has gone.

        Raises:
            CallError: It was refused.
        """
        status, headers, body = await self.raw(call, key, outer)
        if status >= 400:
            raise CallError(orjson.loads(body))
        return orjson.loads(body) if headers.get("content-type", "").startswith("application/json") else body

    async def raw(self, call: Call, key: ApiKey, outer: Receive) -> tuple[int, dict[str, str], bytes]:
        """Make a call and return status, headers and bytes."""
        return await _answer(self._routes, self._scope(call, key), b"" if call.body is None else orjson.dumps(call.body), outer)

    def _scope(self, call: Call, key: ApiKey) -> Scope:
        path, _, query = call.path.partition("?")
        headers = [(b"host", b"console"), (b"accept-language", call.language.encode()), (b"content-type", b"application/json")]
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": None,
            "server": None,
            "app": self._app,
            "reckon.key": key,
        }


async def _answer(app: ASGIApp, scope: Scope, body: bytes, outer: Receive) -> tuple[int, dict[str, str], bytes]:
    sent = False
    status, headers, parts, size = 500, {}, [], 0

    async def receive() -> Message:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await outer()

    async def send(message: Message) -> None:
        nonlocal status, headers, size
        if message["type"] == "http.response.start":
            status, headers = message["status"], {str(name, "latin-1"): str(value, "latin-1") for name, value in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            size += len(message.get("body", b""))
            if size > _LONGEST_BODY:
                raise CallError(
                    {"status": 413, "title": "Answer too large", "detail": "the answer is larger than a page can show", "hint": "ask for less"}
                )
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, headers, b"".join(parts)
