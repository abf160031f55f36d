"""What happens around every request: an id, bounds, metrics and one log line. Pure ASGI, so that it costs microseconds."""

from __future__ import annotations

import secrets
import time

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("reckon_requests_total", "Requests answered", ["route", "method", "status"])
LATENCY = Histogram(
    "reckon_request_seconds",
    "Time from the first byte in to the last byte out",
    ["route"],
    buckets=(0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
MAX_HEADER_BYTES = 16_384
log = structlog.get_logger("api")


class RequestContext:
    """Gives each request an id, counts and times it, and refuses what is too large.

    Args:
        app: What answers.
        max_body_bytes: Largest body.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500
        scope["reckon.request_id"] = request_id = secrets.token_hex(8)

        async def tracked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            refused = self._refusal(scope)
            if refused is not None:
                await _refuse(tracked, refused, request_id)
            else:
                await self._app(scope, self._bounded(receive), tracked)
        finally:
            elapsed = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUESTS.labels(route, scope["method"], status).inc()
            LATENCY.labels(route).observe(elapsed)
            # The path may carry ids of users, so the route's pattern is logged instead.
            log.info("request", route=route, method=scope["method"], status=status, ms=round(elapsed * 1000, 2), request_id=request_id)

    def _refusal(self, scope: Scope) -> int | None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return 431
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        return 413 if not length.isdigit() or int(length) > self._max_body else None

    def _bounded(self, receive: Receive) -> Receive:
        total = 0

        async def bounded() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._max_body:
                # A body without a length that grows beyond the bound: end it as if the client had gone.
                return {"type": "http.disconnect"}
            return message

        return bounded


async def _refuse(send: Send, status: int, request_id: str) -> None:
    title = {413: "Body too large", 431: "Headers too large"}[status]
    body = f'{{"type":"about:blank","title":"{title}","status":{status},"detail":"{title}","request_id":"{request_id}"}}'.encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
