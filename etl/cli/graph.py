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
    from kg.store import Backend, Place

graph_app = typer.Typer(help="The graph database.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


@graph_app.command("uri")
def graph_uri(workspace: Folder = Path()) -> None:
    """Say how to connect any Bolt tool to the graph."""
    backend, place = _database(workspace)
    typer.echo(backend.address(place))


@graph_app.command("run")
def graph_run(workspace: Folder = Path()) -> None:
    """Keep the embedded graph database up until Ctrl-C."""
    backend, place = _database(workspace)
    if not backend.own:
        raise InputError(
            f"the graph database is {backend.summary} ({place.settings.uri or backend.name}); nothing to run",
            hint="remove graph.uri and graph.backend from reckon.toml and the environment to use the embedded database",
        )
    with backend.opened(place):
        typer.echo(backend.address(place))
        try:
            signal.pause()
        except KeyboardInterrupt:
            typer.echo("stopping")


@graph_app.command("restore")
def graph_restore(workspace: Folder = Path()) -> None:
    """Make the graph database show the published build where it does not; `reckon follow` does this by itself."""
    from etl.console import Console
    from etl.pipeline.graph_database import PublishedGraph
    from etl.pipeline.locks import locked

    opened, config = _open(workspace)
    opened.published_id()
    with locked(opened):
        written = PublishedGraph(opened, config, Console()).restore_published()
    typer.echo(f"the graph database holds build {opened.current_id()}" + (" again" if written else ""))


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


def _database(folder: Path) -> tuple[Backend, Place]:
    from kg.config import GraphConfig
    from kg.store import Place, backend_of

    opened, config = _open(folder)
    settings = config.section(GraphConfig)
    return backend_of(settings), Place(opened.graph, settings)


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return workspace, load_config(workspace.root, os.environ)
