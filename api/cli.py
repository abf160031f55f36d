"""The command `reckon serve`."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Annotated

import typer

from api.serving.background import watching
from api.serving.item_reader import followed
from api.settings import ServeConfig
from kg.config import GraphConfig, load_config
from kg.embedded import EmbeddedGraph, of_settings
from kg.errors import ConfigError, GraphUnavailableError, LockedError
from kg.workspace import Workspace

_REVIVE_S = 2.0
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


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
    from kg.store import Place, backend_of

    opened = Workspace.open(workspace)
    config = load_config(opened.root, os.environ)
    settings, graph = config.section(ServeConfig), config.section(GraphConfig)
    backend, n_workers = backend_of(graph), workers or settings.workers
    _check_address(host or settings.host, settings)
    os.environ[app.WORKSPACE_VARIABLE] = str(opened.root)
    # The workers read the configuration themselves, and divide what they share among as many as there are.
    os.environ["RECKON__SERVE__WORKERS"] = str(n_workers)
    # The workers begin with `python -c`, which would search the current directory first.
    os.environ["PYTHONSAFEPATH"] = "1"
    # Every thread may get an arena of its own, whose free memory the others cannot use; read by the C library when a process starts.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    logs.configure()
    if opened.current_id() is None:
        typer.echo(
            f"no build is published in {opened.root}: every call but health answers 503 until one is\n"
            f"  → run: reckon rebuild -w {opened.root}   (this server takes the build up by itself)",
            err=True,
        )
    with ExitStack() as stack:
        if n_workers > 1:
            os.environ[app.SUPERVISOR_VARIABLE] = str(os.getpid())
            folder = tempfile.mkdtemp(prefix="reckon-metrics-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        if backend.name == "embedded":
            stack.enter_context(_kept_up(of_settings(opened.graph, graph)))
        elif backend.own:
            # Started where it does not run, and kept for as long as it serves.
            stack.enter_context(backend.opened(Place(opened.graph, graph)))
        if settings.follow:
            stack.enter_context(followed(opened.root))
        uvicorn.run(
            "api.app:from_environment",
            factory=True,
            host=host or settings.host,
            port=port or settings.port,
            workers=n_workers,
            http="api.http.limits.connections:BoundedHttp",
            ws="none",
            ssl_certfile=settings.tls_certificate or None,
            ssl_keyfile=settings.tls_key or None,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=10,
        )


def _check_address(host: str, settings: ServeConfig) -> None:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise ConfigError("[serve] has one of tls_certificate and tls_key", hint="give both, or neither")
    for path in filter(None, (settings.tls_certificate, settings.tls_key)):
        if not Path(path).is_file():
            raise ConfigError(f"[serve] {path} does not exist", hint="name PEM files by absolute paths")
    if host not in ("127.0.0.1", "::1", "localhost") and not settings.tls_certificate:
        typer.echo(f"{host} is not loopback and the API speaks plain HTTP: keys travel readable unless a proxy in front speaks TLS", err=True)


def _kept_up(database: EmbeddedGraph) -> AbstractContextManager[None]:
    """Start the graph database, and again when it dies; meanwhile answers come from the artifact, and say that the graph is missing."""

    def watch(stopped: threading.Event) -> None:
        try:
            database.start()
            while not stopped.wait(_REVIVE_S):
                _revived(database)
        except (GraphUnavailableError, LockedError) as error:
            typer.echo(str(error), err=True)
        finally:
            database.stop()

    return watching("graph", watch, wait_s=60)


def _revived(database: EmbeddedGraph) -> None:
    try:
        database.revive()
    except GraphUnavailableError as error:
        typer.echo(str(error), err=True)
