"""Rows of a query on the terminal and in files."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

from etl.export.exporters import ExportOptions
from etl.export.row_formats import ROW_FORMATS, RowFormat, as_text
from kg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kg.store import QueryResult, RowSink

TABLE, JSON = "table", "json"
"""What is printed of a result that is in memory; every other format writes row by row."""


def formats() -> list[str]:
    """Return the formats that a result is printed or written in."""
    return [TABLE, JSON, *ROW_FORMATS.names()]


def write_result(result: QueryResult, file_format: str, out: Path | None) -> None:
    """Print a result, or write it to a file; what is to be known beside the rows goes to stderr.

    Raises:
        InputError: There is no such format, or it cannot be printed, or cannot hold the rows.
    """
    from kg.files.atomic import write_text

    if file_format in (TABLE, JSON):
        text = _json(result) if file_format == JSON else _table(result, width=None if out is None else 200)
        if out is None:
            typer.echo(text, nl=False)
        else:
            write_text(out, text)
    else:
        _write_rows(result, row_format(file_format), out)
    say_beside(result)
    if result.truncated:
        typer.echo(f"only the first {len(result.rows)} rows; raise --max-rows for more, or use `reckon export --query`", err=True)


def say_beside(result: QueryResult) -> None:
    """Print what a query names and the graph does not have."""
    for warning in result.warnings:
        typer.echo(warning, err=True)


def row_format(name: str) -> RowFormat:
    """Return the format of rows of a name.

    Raises:
        InputError: There is none.
    """
    if name not in ROW_FORMATS.names():
        raise InputError(f"there is no format {name[:40]!r}", hint=f"use one of {', '.join(formats())}")
    return ROW_FORMATS.get(name)


@contextmanager
def rows_into(out: Path, form: RowFormat, options: ExportOptions) -> Iterator[RowSink]:
    """Give a sink that writes rows to a file, which is there when all are."""
    from kg.files.atomic import whole_file

    with whole_file(out) as path, path.open("w+b") as file, form.writer(file, options) as sink:
        yield sink


def _write_rows(result: QueryResult, form: RowFormat, out: Path | None) -> None:
    if out is not None:
        with rows_into(out, form, ExportOptions()) as sink:
            _give(result, sink)
        return
    if not form.text:
        raise InputError(f"{form.name} goes into a file", hint=f"add --out FILE.{form.name}")
    file: IO[bytes] = io.BytesIO()
    with form.writer(file, ExportOptions()) as sink:
        _give(result, sink)
    file.seek(0)
    typer.echo(file.read().decode(), nl=False)


def _give(result: QueryResult, sink: RowSink) -> None:
    sink.begin(result.columns)
    for row in result.rows:
        sink.row(row)


def _json(result: QueryResult) -> str:
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return json.dumps({"build_id": result.build_id, "truncated": result.truncated, "rows": rows}, ensure_ascii=False, indent=1) + "\n"


def _table(result: QueryResult, width: int | None) -> str:
    """Return a table that cuts nothing off: cells break over lines."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not result.rows:
        # Some databases do not name the columns of nothing.
        return "\n".join([*filter(None, [" | ".join(result.columns)]), "0 rows\n"])
    table = Table(*(escape(name) for name in result.columns))
    for column in table.columns:
        column.overflow = "fold"
    for row in result.rows:
        table.add_row(*(escape(_shown(value)) for value in row))
    sink = io.StringIO()
    Console(file=sink, width=width or max(Console().width, 20), color_system=None).print(table)
    return sink.getvalue()


def _shown(value: Any) -> str:
    """Return a cell of a table: nodes, edges and paths as Cypher draws them, all else as text."""
    match value:
        case {"id": str() | None as node_id, "labels": _, "properties": {**properties}}:
            title = properties.get("title")
            return f"({node_id or '?'}{'' if title is None else f' {title}'})"
        case {"type": str(kind), "start": start, "end": end, "properties": _}:
            return f"({start or '?'})-[:{kind}]->({end or '?'})"
        case {"nodes": [first, *nodes], "relationships": [*edges]}:
            steps = (_step(edge, node) for edge, node in zip(edges, nodes, strict=True))
            return "".join([_shown(first), *steps])
        case list() if any(isinstance(each, dict) and "properties" in each for each in value):
            return ", ".join(map(_shown, value))
        case _:
            return as_text(value)


def _step(edge: dict[str, Any], node: dict[str, Any]) -> str:
    backwards = edge["end"] != node["id"]
    return f"{'<-' if backwards else '-'}[:{edge['type']}]{'-' if backwards else '->'}{_shown(node)}"
