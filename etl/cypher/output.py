"""Rows of a query on the terminal and in files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kg.errors import InputError

if TYPE_CHECKING:
    from kg.store import QueryResult

FORMATS = ("table", "json", "csv", "parquet")


def write_result(result: QueryResult, file_format: str, out: Path | None) -> None:
    """Print a result, or write it to a file; what is to be known beside the rows goes to stderr.

    Raises:
        InputError: There is no such format, or parquet without a file.
    """
    from kg.files.atomic import write_whole

    match file_format:
        case "table":
            text = _table(result, width=None if out is None else 200)
        case "json":
            rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
            text = json.dumps({"build_id": result.build_id, "truncated": result.truncated, "rows": rows}, ensure_ascii=False, indent=1) + "\n"
        case "csv":
            text = _csv(result)
        case "parquet":
            if out is None:
                raise InputError("parquet goes into a file", hint="add --out FILE.parquet")
            write_whole(out, lambda path: _write_parquet(result, path))
            text = ""
        case _:
            raise InputError(f"there is no format {file_format[:40]!r}", hint=f"use one of {', '.join(FORMATS)}")
    if text and out is not None:
        write_whole(out, lambda path: path.write_text(text, encoding="utf-8"))
    elif text:
        typer.echo(text, nl=False)
    for warning in result.warnings:
        typer.echo(warning, err=True)
    if result.truncated:
        typer.echo(f"only the first {len(result.rows)} rows; raise --max-rows for more", err=True)


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


def _csv(result: QueryResult) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows([_shown(value) if isinstance(value, list | dict | bool) else value for value in row] for row in result.rows)
    return text.getvalue()


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write_parquet(result: QueryResult, path: Path) -> None:
    """Write columns of one type as they are, and those of several, of lists or maps as JSON text."""
    import polars as pl

    columns: dict[str, list[Any]] = {name: [row[n] for row in result.rows] for n, name in enumerate(result.columns)}
    frame: dict[str, pl.Series] = {}
    for name, values in columns.items():
        types = {type(value) for value in values if value is not None}
        if types <= {int, float} or (len(types) == 1 and types <= {str, bool}):
            numbers = [None if value is None else float(value) for value in values] if types == {int, float} else values
            frame[name] = pl.Series(name, numbers)
        else:
            frame[name] = pl.Series(name, [None if value is None else json.dumps(value, ensure_ascii=False) for value in values], dtype=pl.String)
    pl.DataFrame(frame).write_parquet(path)
