"""`reckon graph`: where the graph database is, what shape the graph is in, and what it is made of."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError, NotFoundError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.config import Config

graph_app = typer.Typer(help="The graph database.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


@graph_app.command("uri")
def graph_uri(workspace: Folder = Path()) -> None:
    """Say how to connect any Bolt tool to the graph."""
    from kg.config import GraphConfig
    from kg.embedded import connection

    opened, config = _open(workspace)
    graph = config.section(GraphConfig)
    if graph.uri:
        typer.echo(f"{graph.uri}  user {graph.user}  password: graph.password or RECKON__GRAPH__PASSWORD")
        return
    running = connection(opened.graph)
    if running is None:
        raise NotFoundError("the embedded graph database does not run", hint="`reckon serve` or `reckon graph run` starts it")
    typer.echo(f"{running.uri}  user {running.user}  database {running.database}  password in {opened.graph / 'password'}")


@graph_app.command("run")
def graph_run(workspace: Folder = Path()) -> None:
    """Keep the embedded graph database up until Ctrl-C."""
    from kg.config import GraphConfig
    from kg.embedded import EmbeddedGraph

    opened, config = _open(workspace)
    graph = config.section(GraphConfig)
    if graph.uri:
        raise InputError(
            f"graph.uri names {graph.uri}; nothing to run", hint="remove it from reckon.toml and the environment to use the embedded database"
        )
    with EmbeddedGraph(opened.graph, heap_mb=graph.heap_mb, port=graph.port) as connection:
        typer.echo(f"{connection.uri}  user {connection.user}  database {connection.database}  password in {opened.graph / 'password'}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            typer.echo("stopping")


@graph_app.command("restore")
def graph_restore(workspace: Folder = Path()) -> None:
    """Make the graph database hold the published build, and nothing of another, where it does not; `reckon follow` does this by itself."""
    from etl.console import Console
    from etl.pipeline.graph_database import GraphDatabase
    from etl.pipeline.runs import locked

    opened, config = _open(workspace)
    current = opened.current_id()
    if current is None:
        raise NotFoundError("no build has been published", hint="run `reckon rebuild`")
    with locked(opened):
        written = GraphDatabase(opened, config, Console()).restore(current)
    typer.echo(f"the graph database holds build {current}" + (" again" if written else ""))


@graph_app.command()
def hygiene(workspace: Folder = Path(), as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print what is cut off, shared by all, missing or says nothing in the published build's graph."""
    opened = Workspace.open(workspace)
    current = opened.current_id()
    path = None if current is None else opened.build(current) / ("hygiene.json" if as_json else "hygiene.md")
    if path is None or not path.is_file():
        raise NotFoundError("there is no hygiene report yet", hint="run `reckon rebuild`")
    typer.echo(path.read_text(encoding="utf-8").rstrip())


@graph_app.command()
def schema() -> None:
    """Print docs/schema.md: labels, keys, properties, relations, meta-paths and example queries."""
    from gnn.explain.sentences import relation_template
    from kg.schema_docs import schema_page

    typer.echo(schema_page(relation_template), nl=False)


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return workspace, load_config(workspace.root, os.environ)
