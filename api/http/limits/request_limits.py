"""How large a request may be, how long it may take to arrive, and that it says everything once. Pure ASGI."""

from __future__ import annotations

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import query_string
from api.http.metrics import REFUSED
from api.http.problems import Refusal
from kg.validation import json_text

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_CLOSE = [(b"connection", b"close")]


class RequestLimits:
    """Refuses headers and bodies beyond their bounds, and hands whole bodies on.

    Args:
        app: What answers.
        max_header_bytes: Largest sum of names and values.
        max_body_bytes: Largest body.
        max_nesting: Deepest nesting of arrays and objects.
        body_timeout_s: Time in which a body must have arrived.
        lists: Beginning of paths below which any parameter may come more than once, as forms send what is ticked; none where it is empty.
    """

    def __init__(self, app: ASGIApp, *, max_header_bytes: int, max_body_bytes: int, max_nesting: int, body_timeout_s: float, lists: str = "") -> None:
        self._app, self._lists = app, lists
        self._max_headers, self._max_body, self._max_nesting, self._body_timeout_s = max_header_bytes, max_body_bytes, max_nesting, body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > self._max_headers:
            raise _refused("headers", 431, "Headers too large", f"the headers are larger than {self._max_headers} bytes")
        may_repeat = bool(self._lists) and scope["path"].startswith(self._lists)
        twice = None if may_repeat else query_string.repeated(scope.get("query_string", b""))
        if twice is not None:
            raise _refused("repeated", 422, "Invalid input", twice)
        length = next((value for name, value in headers if name == b"content-length"), None)
        if length is None and not any(name == b"transfer-encoding" for name, _ in headers):
            await self._app(scope, receive, send)
            return
        if length is not None and (not length.isdigit() or int(length) > self._max_body):
            raise self._too_large()
        body = await self._read(receive)
        if body is None:
            return
        if deeper(body, self._max_nesting):
            raise _refused("nesting", 422, "Invalid input", f"the body nests deeper than {self._max_nesting} levels")
        wrong = json_text.fault(body) if body.lstrip()[:1] in (b"{", b"[") else None
        if wrong is not None:
            raise _refused("repeated", 422, "Invalid input", f"body: {wrong}")
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the whole body, or None if the client has gone."""
        parts: list[bytes] = []
        total = 0
        try:
            async with asyncio.timeout(self._body_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    total += len(parts[-1])
                    if total > self._max_body:
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise _refused("slow body", 408, "Request timeout", f"the body did not arrive within {self._body_timeout_s:g} s") from None

    def _too_large(self) -> Refusal:
        return _refused("body", 413, "Body too large", f"the body is larger than {self._max_body} bytes")


def deeper(body: bytes, most: int) -> bool:
    """Say whether JSON nests deeper than `most` levels.

    Takes away the innermost brackets `most` times: a few passes in C however the body is made. Unmatched brackets are left to the parser.
    """
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    # Which kind of bracket it is does not matter for the depth.
    brackets = brackets.translate(bytes.maketrans(b"{}", b"[]"))
    for _ in range(most):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return len(brackets) > 0 and (b"[]" in brackets or brackets.count(b"[") > most)


def _refused(why: str, status: int, title: str, detail: str) -> Refusal:
    REFUSED.labels(why).inc()
    return Refusal(status, title, detail, hint="see docs/api.md for the bounds", headers=[] if status == 422 else _CLOSE)


def _replayed(body: bytes, receive: Receive) -> Receive:
    handed = False

    async def replay() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
