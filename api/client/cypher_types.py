"""Types of the answers of Cypher and of the query library, for the client."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class CypherAnswer(TypedDict):
    """Rows."""

    request_id: str
    build_id: str | None
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool
    warnings: list[str]


class QueryParameter(TypedDict):
    """What a library query takes."""

    name: str
    type: Literal["text", "integer", "number", "boolean"]
    default: str | int | float | bool | None


class LibraryEntry(TypedDict):
    """One question of the library."""

    name: str
    title: str
    question: str
    parameters: list[QueryParameter]
    columns: list[str]
    chart: str
    personal: bool
    query: str


class LibraryList(TypedDict):
    """The query library."""

    request_id: str
    queries: list[LibraryEntry]
