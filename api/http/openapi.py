"""The OpenAPI document: what FastAPI gathers, with the keys and with the problems that every call may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.authentication import HEALTH
from api.http.problems import MEDIA_TYPE
from api.http.schemas import Problem

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Paste the key alone; it is sent as Authorization: Bearer KEY"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "X-API-Key: KEY"},
}
_COMMON = {
    "400": "The body cannot be read",
    "401": "No valid key",
    "403": "The key lacks the scope",
    "404": "Something that the call names does not exist",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "422": "Something given cannot be used",
    "429": "The key's rate is used up; Retry-After says for how long",
    "431": "The headers are too large",
    "503": "Temporarily unavailable; Retry-After says when to try again",
}
_EXAMPLE = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "detail": "item '12' does not exist",
    "hint": "ids are those of the catalogue of the published build",
    "request_id": "6746a1c03f1c9a0b7d2e4f65",
}


def install(app: FastAPI) -> None:
    """Replace the document that FastAPI would make."""
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        document["components"]["securitySchemes"] = _SCHEMES
        document["security"] = [{name: []} for name in _SCHEMES]
        for path, calls in document["paths"].items():
            for call in calls.values():
                _complete(call, path)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(call: dict[str, Any], path: str) -> None:
    if path.startswith(HEALTH):
        call["security"] = []
        return
    answers = call["responses"]
    for status, description in _COMMON.items():
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _EXAMPLE | {"status": int(status)}}}
        given = answers.get(status, {}).get("description")
        answers[status] = {"description": given if given and given not in ("Validation Error", "Error") else description, "content": content}
