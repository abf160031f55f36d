"""The commands of this door: `reckon serve` and `reckon keys`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.keys import KeyStore
from kg.config import GraphConfig, load_config
from kg.embedded import EmbeddedGraph
from kg.errors import GraphUnavailableError, InputError
from kg.workspace import Workspace

_REVIVE_S = 2.0
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
keys = typer.Typer(help="API keys: shown once, stored as hashes.", no_args_is_help=True)


@keys.command("create")
def create_key(
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat for several.")],
    workspace: Folder = Path(),
    expires: Annotated[str, typer.Option(help="For example 90d or 12h; never when left out.")] = "",
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a key and print it: it cannot be shown again."""
    typer.echo(KeyStore(Workspace.open(workspace).keys).create(scope, expires_days=_days(expires), name=name))


@keys.command("list")
def list_keys(workspace: Folder = Path()) -> None:
    """List the keys without their secrets."""
    for key in KeyStore(Workspace.open(workspace).keys).list():
        expires = "never" if key.expires_s is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(key.expires_s))
        typer.echo(f"{key.key_id}  {','.join(key.scopes):<30}  expires {expires}  {key.name}")


@keys.command("revoke")
def revoke_key(key_id: str, workspace: Folder = Path()) -> None:
    """Revoke a key; running servers refuse it at once."""
    KeyStore(Workspace.open(workspace).keys).revoke(key_id)
    typer.echo(f"revoked {key_id}")


def serve(
    workspace: Folder = Path(),
    host: Annotated[str, typer.Option(help="Address; the configuration's by default.")] = "",
    port: Annotated[int, typer.Option(help="Port; the configuration's by default.")] = 0,
    workers: Annotated[int, typer.Option(help="Worker processes; the configuration's by default.")] = 0,
) -> None:
    """Serve the REST API, and keep the embedded graph database up beside it."""
    # Imported here: the web stack takes half a second that `reckon keys` need not wait for.
    import uvicorn

    from api import app, logs
    from api.settings import ServeConfig

    opened = Workspace.open(workspace)
    config = load_config(opened.root, os.environ)
    settings, graph = config.section(ServeConfig), config.section(GraphConfig)
    n_workers = workers or settings.workers
    os.environ[app.WORKSPACE_VARIABLE] = str(opened.root)
    logs.configure()
    with ExitStack() as stack:
        if n_workers > 1:
            os.environ[app.SUPERVISOR_VARIABLE] = str(os.getpid())
            folder = tempfile.mkdtemp(prefix="reckon-metrics-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        if not graph.uri:
            try:
                database = EmbeddedGraph(opened.graph, heap_mb=graph.heap_mb, port=graph.port)
                stack.enter_context(database)
                stack.enter_context(_kept_up(database))
            except GraphUnavailableError as error:
                # Answers come from the artifact; health says that the graph is missing.
                typer.echo(str(error), err=True)
        uvicorn.run(
            "api.app:from_environment",
            factory=True,
            host=host or settings.host,
            port=port or settings.port,
            workers=n_workers,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=10,
        )


@contextmanager
def _kept_up(database: EmbeddedGraph) -> Iterator[None]:
    """Start the graph database again when it dies; until then answers come from the artifact."""
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(_REVIVE_S):
            try:
                database.revive()
            except GraphUnavailableError as error:
                typer.echo(str(error), err=True)

    # A daemon: the kernel ends the database with the thread that started it, so this one lives as long as the process.
    thread = threading.Thread(target=watch, name="graph", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(60)


def _days(text: str) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([dhm])", text)
    if match is None:
        raise InputError(f"--expires {text!r} is not a duration", hint="write 90d, 12h or 30m")
    return float(match[1]) * {"d": 1.0, "h": 1 / 24, "m": 1 / 1440}[match[2]]
