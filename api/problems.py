"""Errors as RFC 9457 problem documents: one shape for ours, FastAPI's and the unexpected."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from api.responses import request_id
from kg.errors import AuthenticationError, ReckonError, UnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
log = structlog.get_logger("api")

_TITLES = {400: "Bad request", 404: "Not found", 405: "Method not allowed", 413: "Body too large", 422: "Invalid input", 500: "Internal error"}


def problem(request: Request, status: int, title: str, detail: str, *, hint: str = "", **members: Any) -> Response:
    """Build one problem response.

    Args:
        request: What it answers.
        status: HTTP status.
        title: The kind of problem.
        detail: What is wrong here.
        hint: What to do about it.
        **members: Further members of the document.
    """
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": request_id(request), **members}
    if hint:
        body["hint"] = hint
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ReckonError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, ReckonError):
        return await _unexpected(request, error)
    response = problem(request, error.status, error.title, error.message, hint=error.hint)
    if isinstance(error, UnavailableError):
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, AuthenticationError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status >= 500:
        log.error("failed", detail=error.message, request_id=request_id(request))
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    # The value is not echoed: it may be a secret that was put into the wrong field.
    told = [{"where": ".".join(str(part) for part in e["loc"]), "why": e["msg"]} for e in errors]
    detail = "; ".join(f"{e['where']}: {e['why']}" for e in told[:3])
    return problem(request, 422, "Invalid input", detail, hint="see /docs for what the call takes", errors=told)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return problem(request, status, _TITLES.get(status, "Error"), detail, hint="see /docs for the calls there are" if status == 404 else "")


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected", request_id=request_id(request), exc_info=error)
    return problem(request, 500, "Internal error", "something went wrong on our side", hint="quote the request_id when you report it")
