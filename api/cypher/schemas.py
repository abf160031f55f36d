"""What the calls of Cypher and of the query library take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from api.http.schemas import Answer
from kg.store.read_only import MAX_TEXT

_EXAMPLE: JsonDict = {
    "query": "MATCH (i:Item)-[:HAS_BRAND]->(b:Brand) WHERE b.value = $brand RETURN i.item_id AS item, i.title AS title",
    "parameters": {"brand": "Leafy"},
    "max_rows": 100,
}
Format = Literal["json", "jsonl", "csv"]
Values = dict[Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Any]


class RunBody(BaseModel):
    """Values of a library query's parameters, and how its answer is given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: Values = Field(default={}, max_length=100, description="Values of `$name` in the query; never text of it.")
    format: Format = Field(default="json", description="json: one object. jsonl: a line per row, then one that says how it ended. csv.")
    max_rows: int = Field(default=1000, ge=1, le=100_000, description="More are not fetched, and `truncated` is true.")
    timeout_s: float = Field(default=10.0, gt=0, le=600, description="At most `cypher_timeout_s` of the configuration.")


class CypherBody(RunBody):
    """A query that only reads."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_EXAMPLE]})

    query: str = Field(min_length=1, max_length=MAX_TEXT, description="One Cypher statement: MATCH … RETURN …")


class CypherAnswer(Answer):
    """Rows."""

    request_id: str
    build_id: str | None = Field(description="The build that the graph showed.")
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool = Field(description="Whether there were more rows than may be given.")
    warnings: list[str] = Field(description="Names in the query that the graph does not have.")


class QueryParameter(Answer):
    """What a library query takes."""

    name: str
    type: Literal["text", "integer", "number", "boolean"]
    default: str | int | float | bool | None = Field(description="null: a value must be given.")


class LibraryEntry(Answer):
    """One question of the library."""

    name: str
    title: str
    question: str
    parameters: list[QueryParameter]
    columns: list[str]
    chart: str
    personal: bool = Field(description="It names shoppers: a key needs profile:read too.")
    query: str


class LibraryList(Answer):
    """The query library."""

    request_id: str
    queries: list[LibraryEntry]
