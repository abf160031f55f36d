"""Types that the requests and responses of all routes share."""

from __future__ import annotations

from fastapi import Request
from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of all answers: no member that is not declared."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    hint: str | None = None


def request_id(request: Request) -> str:
    """Return the id that was given to a request when it arrived."""
    return str(request.scope.get("reckon.request_id", ""))
