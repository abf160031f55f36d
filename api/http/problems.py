"""Errors as RFC 9457 problem documents: one shape for ours, FastAPI's and the unexpected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from api.http import key_page
from api.http.schemas import request_id
from kg.errors import AuthenticationError, ReckonError, UnavailableError
from kg.validation import messages

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_MAX_SHOWN = 20
log = structlog.get_logger("api")

_TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Body too large", 422: "Invalid input", 500: "Internal error"}


class Refusal(Exception):
    """A request that is answered with a problem before any route sees it.

    Args:
        status: HTTP status.
        title: The kind of problem.
        detail: What is wrong here.
        hint: What to do about it.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, title: str, detail: str, *, hint: str = "", headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.hint, self.headers = status, title, detail, hint, tuple(headers)


def busy(detail: str, *, retry_after_s: int = RETRY_AFTER_S) -> Refusal:
    """Return the refusal of a request that could be answered later."""
    return Refusal(
        503, "Temporarily unavailable", detail, hint="try again after Retry-After seconds", headers=[(b"retry-after", str(retry_after_s).encode())]
    )


def translated(error: ReckonError, request_id: str) -> Refusal:
    """Return one of our errors as a refusal; what only the operator can mend is logged, not sent."""
    headers: list[tuple[bytes, bytes]] = []
    if isinstance(error, UnavailableError):
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    if isinstance(error, AuthenticationError):
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status >= 500:
        log.error("failed", error=type(error).__name__, detail=error.message, request_id=request_id)
    if error.status == 500:
        return Refusal(500, error.title, "the operator has to mend this; the log says what", hint="quote the request_id when you report it")
    return Refusal(error.status, error.title, error.message, hint=error.hint, headers=headers)


def document(refusal: Refusal, request_id: str, **members: Any) -> bytes:
    """Return the problem document of a refusal."""
    body = {"type": "about:blank", "title": refusal.title, "status": refusal.status, "detail": refusal.detail, "request_id": request_id, **members}
    if refusal.hint:
        body["hint"] = refusal.hint
    return orjson.dumps(body)


async def send(send: Send, refusal: Refusal, request_id: str, *, scope: Scope | None = None) -> None:
    """Answer with a problem from outside the routes; a browser that lacks a key gets a page."""
    as_page = scope is not None and refusal.status == 401 and key_page.wanted(scope)
    body = key_page.page(request_id) if as_page else document(refusal, request_id)
    headers = [
        (b"content-type", key_page.MEDIA_TYPE if as_page else MEDIA_TYPE.encode()),
        (b"vary", b"Accept"),
        (b"content-length", str(len(body)).encode()),
        *refusal.headers,
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def install(app: FastAPI) -> None:
    """Register the handlers of what routes raise; the unexpected is answered by `RequestContext`."""
    app.add_exception_handler(ReckonError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, ReckonError):
        raise error
    return _response(translated(error, request_id(request)), request)


async def _invalid(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    shown = [{"where": messages.place(e), "why": messages.reason(e)} for e in errors[:_MAX_SHOWN]]
    detail = "; ".join(f"{e['where']}: {e['why']}" for e in shown[:3])
    return _response(Refusal(422, "Invalid input", detail, hint="see /docs for what the call takes"), request, errors=shown)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    given = (error.headers or {}) if isinstance(error, HTTPException) else {}
    headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    hint = "see /docs for the calls there are" if status == 404 else ""
    return _response(Refusal(status, _TITLES.get(status, "Error"), detail, hint=hint, headers=headers), request)


def _response(refusal: Refusal, request: Request, **members: Any) -> Response:
    headers = {name.decode(): value.decode() for name, value in refusal.headers}
    return Response(document(refusal, request_id(request), **members), status_code=refusal.status, media_type=MEDIA_TYPE, headers=headers)
