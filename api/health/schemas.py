"""The answers of the health checks."""

from __future__ import annotations

from typing import Literal

from api.http.schemas import Answer


class Live(Answer):
    """The process answers."""

    status: Literal["live"]


class Ready(Answer):
    """Whether requests can be answered, and why not."""

    status: Literal["ready", "not ready"]
    build_id: str | None
    degraded: list[str]
    reasons: list[str]
