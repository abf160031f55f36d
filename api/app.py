"""The FastAPI application."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import logs, problems
from api.keys import KeyStore
from api.ledger import ServingLedger
from api.middleware import RequestContext
from api.routes import events, health, recommendations, users
from api.serving import Serving
from api.settings import ServeConfig
from gnn.config import ModelConfig
from kg import children
from kg.config import Config, GraphConfig, load_config
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace

WORKSPACE_VARIABLE = "RECKON_SERVE_WORKSPACE"
SUPERVISOR_VARIABLE = "RECKON_SERVE_SUPERVISOR"
"""Process that forked the workers; without one the application runs in the process that the operator started, whose life is theirs."""
_ABOUT = "Recommendations with their reckoning: every score is an exact sum over paths of a product knowledge graph."


def from_environment() -> FastAPI:
    """Build the application of a worker process: the workspace is named by the environment that `reckon serve` sets."""
    if SUPERVISOR_VARIABLE in os.environ:
        children.end_with_parent()
    workspace = Workspace.open(Path(os.environ[WORKSPACE_VARIABLE]))
    logs.configure()
    return create_app(workspace, load_config(workspace.root, os.environ))


def create_app(workspace: Workspace, config: Config) -> FastAPI:
    """Build the application of one workspace.

    Args:
        workspace: Where builds are published and keys are kept.
        config: Its configuration.
    """
    serve = config.section(ServeConfig)
    ledger = ServingLedger(workspace.ledger, config.section(LedgerConfig))
    serving = Serving(workspace, config.section(GraphConfig), graph_check_s=serve.graph_check_s, ledger=ledger)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        serving.start()
        yield
        serving.stop()

    app = FastAPIOffline(
        title="Reckon", version=version("reckon"), description=_ABOUT, docs_url="/docs", redoc_url=None, static_url="/docs/static", lifespan=lifespan
    )
    app.state.serving, app.state.keys, app.state.config = serving, KeyStore(workspace.keys), serve
    app.state.kinds = config.section(ModelConfig).kinds
    problems.install(app)
    app.add_middleware(RequestContext, max_body_bytes=serve.max_body_bytes)
    app.include_router(recommendations.router)
    app.include_router(events.router)
    app.include_router(users.router)
    app.include_router(health.router)
    return app
