"""Rows as JSON, as JSON lines and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from api.cypher.schemas import Format
from kg.store import QueryResult

_AT_ONCE = 500


def rendered(result: QueryResult, request_id: str, form: Format) -> Response:
    """Return the answer of a query.

    Args:
        result: Its rows.
        request_id: Of the request.
        form: How they are written.
    """
    about = {"request_id": request_id, "build_id": result.build_id, "columns": list(result.columns)}
    end = {"truncated": result.truncated, "warnings": list(result.warnings)}
    headers = {"X-Truncated": str(result.truncated).lower()}
    match form:
        case "json":
            return Response(_json({**about, "rows": result.rows, **end}), media_type="application/json", headers=headers)
        case "jsonl":
            return StreamingResponse(_lines(result, {**about, **end}), media_type="application/x-ndjson", headers=headers)
        case "csv":
            return StreamingResponse(_csv(result), media_type="text/csv; charset=utf-8", headers=headers)


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def _lines(result: QueryResult, end: dict[str, Any]) -> Iterator[bytes]:
    """Give an object per row, then {"end": …}: who does not get that line has not got everything."""
    names = _unique(result.columns)
    for first in range(0, len(result.rows), _AT_ONCE):
        yield b"".join(_json(dict(zip(names, row, strict=True))) + b"\n" for row in result.rows[first : first + _AT_ONCE])
    yield _json({"end": {**end, "rows": len(result.rows)}}) + b"\n"


def _csv(result: QueryResult) -> Iterator[str]:
    for first in range(0, max(1, len(result.rows)), _AT_ONCE):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if first == 0:
            writer.writerow(result.columns)
        writer.writerows([_cell(value) for value in row] for row in result.rows[first : first + _AT_ONCE])
        yield text.getvalue()


def _cell(value: Any) -> Any:
    return _json(value).decode() if isinstance(value, list | dict | bool) else value


def _unique(columns: tuple[str, ...]) -> list[str]:
    return list(columns) if len(set(columns)) == len(columns) else [f"{name}_{n}" for n, name in enumerate(columns)]
