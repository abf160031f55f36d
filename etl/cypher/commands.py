"""The commands `reckon cypher` and `reckon query …`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cypher.output import write_result
from kg.errors import InputError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.store import GraphDatabase

query = typer.Typer(help="The query library: questions that a shop's analysts ask.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
Values = Annotated[list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="Value of $NAME; may be repeated.")]
Format = Annotated[str, typer.Option("--format", help="table, json, csv, jsonl, parquet or graphml.")]
Out = Annotated[Path | None, typer.Option(help="File to write; parquet needs one.")]
MaxRows = Annotated[int, typer.Option(min=1, max=100_000, help="More rows are cut off, and it says so.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=600, help="Longest time.")]


def cypher(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="One statement that reads; leave out with --file.")] = "",
    param: Values = None,
    file: Annotated[Path | None, typer.Option(help="Read the query from a file.")] = None,
    file_format: Format = "table",
    out: Out = None,
    workspace: Folder = Path(),
    max_rows: MaxRows = 100,
    timeout_s: Timeout = 30,
) -> None:
    """Run a Cypher query that only reads, and print its rows. A parameter is read as JSON where it is JSON: -p n=5, -p 'item="844165"'."""
    if bool(text) == (file is not None):
        raise InputError("give a query or --file", hint='reckon cypher "MATCH (i:Item) RETURN count(i)"')
    statement = text if file is None else _text_of(file)
    parameters = _parameters(param or [])
    with _graph(workspace) as store:
        result = store.query(statement, parameters, max_rows=max_rows, timeout_s=timeout_s)
    write_result(result, file_format, out)


@query.command("list")
def list_(word: Annotated[str, typer.Argument(help="Only questions that hold this word.")] = "") -> None:
    """List the questions of the library."""
    from kg.store.library import library

    shown = [one for one in library().values() if word.lower() in f"{one.name} {one.title} {one.question}".lower()]
    width = max((len(one.name) for one in shown), default=0)
    for one in shown:
        typer.echo(f"{one.name:<{width}}  {one.question}")
    typer.echo(f"{len(shown)} queries" + ("" if shown else f"; none holds {word[:40]!r}"))


@query.command()
def show(name: str) -> None:
    """Show a query of the library: what it takes, what it gives, and its Cypher."""
    from kg.store.library import library_query

    one = library_query(name)
    typer.echo(f"{one.title}\n{one.question}")
    for parameter in one.parameters:
        default = "" if parameter.default is None else f" = {json.dumps(parameter.default)}"
        typer.echo(f"  -p {parameter.name}=…  {parameter.type}{default}")
    typer.echo(f"  gives {', '.join(one.columns)}" + ("; names shoppers" if one.personal else ""))
    typer.echo(f"\n{one.text}")


@query.command()
def run(
    name: str,
    param: Values = None,
    file_format: Format = "table",
    out: Out = None,
    workspace: Folder = Path(),
    max_rows: MaxRows = 1000,
    timeout_s: Timeout = 30,
) -> None:
    """Run a query of the library."""
    from kg.store import Bounds
    from kg.store.library import library_query
    from kg.store.library_answers import ask_library

    one = library_query(name)
    values = one.values(one.read(param or []))
    with _graph(workspace) as store:
        result = ask_library(store, one, values, Bounds(timeout_s, max_rows))
    write_result(result, file_format, out)


@contextmanager
def _graph(folder: Path) -> Iterator[GraphDatabase]:
    from etl.console import Console
    from etl.pipeline.graph_database import PublishedGraph
    from kg.config import load_config

    workspace = Workspace.open(folder)
    with PublishedGraph(workspace, load_config(workspace.root, os.environ), Console()).reading() as store:
        yield store


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}", hint="name a file that can be read") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 at byte {error.start}", hint="save it as UTF-8") from None


def _parameters(texts: list[str]) -> dict[str, Any]:
    from kg.store.library import pair
    from kg.validation import json_text

    values: dict[str, Any] = {}
    for name, value in map(pair, texts):
        wrong = json_text.fault(value)
        if wrong is not None:
            raise InputError(f"-p {name}: {wrong}")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values
