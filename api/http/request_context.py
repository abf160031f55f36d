"""What happens around every request: an id, one log line, metrics, and errors as problems. Pure ASGI, so that it costs microseconds."""

from __future__ import annotations

import re
import time
import traceback

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import metrics, problems
from api.http.problems import Refusal
from api.http.request_ids import new_id
from api.keys.audit import AuditLog
from kg.errors import ReckonError

_CALLER_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger("api")


class RequestContext:
    """Gives each request an id, counts, times and logs it, and answers whatever was raised below with a problem.

    The id is ours, because past answers are found again by it; a well-formed X-Request-ID of the caller is logged beside it.

    Args:
        app: What answers.
        audit: Where writes and admin actions are noted, if anywhere.
    """

    def __init__(self, app: ASGIApp, *, audit: AuditLog | None) -> None:
        self._app, self._audit = app, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        scope["reckon.request_id"] = request_id = new_id()

        async def tracked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode()), *scope.get("reckon.headers", ())]
            await send(message)

        try:
            await self._app(scope, receive, tracked)
        except Exception as error:
            refusal = refusal_of(error, request_id)
            if not status:
                await problems.send(tracked, refusal, request_id, scope=scope)
        finally:
            self._note(scope, status or 499, time.perf_counter() - started, request_id)

    def _note(self, scope: Scope, status: int, elapsed_s: float, request_id: str) -> None:
        # The path and the query may carry ids of users, so the route's pattern is logged instead.
        route = str(scope.get("reckon.route") or getattr(scope.get("route"), "path", "unmatched"))
        method = scope["method"] if scope["method"] in metrics.METHODS else "OTHER"
        key = scope.get("reckon.key")
        metrics.request(route, method, status, elapsed_s, scope.get("reckon.strategy", ""))
        facts = {"key_id": key.key_id if key else None, "caller_request_id": _caller_id(scope)}
        known = {name: value for name, value in facts.items() if value}
        log.info("request", route=route, method=method, status=status, ms=round(elapsed_s * 1000, 2), request_id=request_id, **known)
        changes = method not in _SAFE and scope.get("reckon.required", "recommend:read") != "recommend:read"
        if self._audit is not None and key is not None and changes:
            self._audit.write(key.key_id, f"{method} {route}", request_id=request_id, status=status)


def refusal_of(error: Exception, request_id: str) -> Refusal:
    """Return what is answered to an error; one that nobody expected is logged with where it happened."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ReckonError):
        return problems.translated(error, request_id)
    # The message of a foreign error may carry what a caller sent: where it happened is enough to find it.
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]]
    log.error("unexpected", error=type(error).__name__, frames=frames, request_id=request_id)
    return Refusal(500, "Internal error", "something went wrong on our side", hint="quote the request_id when you report it")


def _caller_id(scope: Scope) -> str | None:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if _CALLER_ID.fullmatch(given) else None
