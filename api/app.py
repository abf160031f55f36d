"""The FastAPI application."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import threadpoolctl
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from api import logs
from api.answers import routes as answers_routes
from api.console.headers import SecurityHeaders
from api.console.install import install as install_console
from api.cypher import routes as cypher_routes
from api.cypher.provider import GraphQueries
from api.events import routes as events_routes
from api.health import routes as health_routes
from api.http import openapi, problems, tracing
from api.http.authentication import CONSOLE, HEALTH, Authentication
from api.http.limits.concurrency import ConcurrencyLimit
from api.http.limits.connections import BoundedHttp
from api.http.limits.rate_limits import RateLimits
from api.http.limits.request_limits import RequestLimits
from api.http.request_context import RequestContext
from api.http.tracing import Tracing
from api.items import routes as items_routes
from api.keys.audit import AuditLog
from api.keys.key_store import KeyStore
from api.keys.sessions import Sessions
from api.recommendations import explanation_routes, item_routes, replay_routes
from api.recommendations import routes as recommendations_routes
from api.recommendations.replay_store import ReplayStore
from api.recommendations.response_cache import ResponseCache
from api.risk import routes as risk_routes
from api.rules import routes as rules_routes
from api.search import routes as search_routes
from api.search.provider import SearchProvider
from api.serving.item_state import ItemStates
from api.serving.ledger import ServingLedger
from api.serving.rules import ServingRules
from api.serving.snapshot_server import Serving
from api.settings import ServeConfig
from api.users import profile_routes
from api.users import routes as users_routes
from gnn.answers.opening import ranker
from gnn.config import ModelConfig
from gnn.explain.messages.languages import Languages
from kg import processes
from kg.config import Config, GraphConfig, ShopConfig, load_config
from kg.ledger.item_store import ItemStore
from kg.ledger.risk import DecisionStore
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

WORKSPACE_VARIABLE = "RECKON_SERVE_WORKSPACE"
SUPERVISOR_VARIABLE = "RECKON_SERVE_SUPERVISOR"
"""Process that forked the workers; without one the application runs in the process that the operator started, whose life is theirs."""
_ABOUT = (
    "Recommendations with their reasons: every score is an exact sum over paths of a product knowledge graph.\n\n"
    "Every call takes an API key: press **Authorize**, paste it below *bearer*, then **Try it out** on any call. "
    "`reckon keys create` prints a key; that of `reckon demo` is in `demo.key` of its folder."
)


def from_environment() -> FastAPI:
    """Build the application of a worker process: the workspace is named by the environment that `reckon serve` sets."""
    if SUPERVISOR_VARIABLE in os.environ:
        processes.end_with_parent(int(os.environ[SUPERVISOR_VARIABLE]))
    # Workers share the processors: the threads of a matrix product of one would only wait for those of another.
    threadpoolctl.threadpool_limits(limits=1, user_api="blas")
    workspace = Workspace.open(Path(os.environ[WORKSPACE_VARIABLE]))
    logs.configure()
    config = load_config(workspace.root, os.environ)
    serve = config.section(ServeConfig)
    BoundedHttp.bound(serve.max_header_bytes, serve.header_timeout_s)
    return create_app(workspace, config)


def create_app(workspace: Workspace, config: Config) -> FastAPI:
    """Build the application of one workspace.

    Args:
        workspace: Where builds are published and keys are kept.
        config: Its configuration.
    """
    serve = config.section(ServeConfig)
    ledger = ServingLedger(workspace.ledger, config.section(LedgerConfig))
    rules = ServingRules(config.rules, ledger.database, ledger.follower)
    serving = Serving(workspace, config.section(GraphConfig), graph_check_s=serve.graph_check_s, ledger=ledger, rules=rules)
    limits = RateLimits(serve.rate_limit, storage=serve.rate_limit_storage.get_secret_value(), workers=serve.workers)

    store = ReplayStore(workspace.answers, keep_s=serve.answers_keep_s, max_bytes=serve.answers_max_mb * 2**20)

    spans = tracing.provider(serve.otlp_endpoint) if serve.otlp_endpoint else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        serving.start()
        store.start()
        yield
        store.stop()
        app.state.graph_queries.close()
        serving.stop()
        await limits.close()
        if spans is not None:
            spans.shutdown()

    app = FastAPIOffline(
        title="Reckon", version=version("reckon"), description=_ABOUT, docs_url="/docs", redoc_url=None, static_url="/docs/static", lifespan=lifespan
    )
    app.state.serving, app.state.config = serving, serve
    app.state.items = ItemStates(workspace, ItemStore(ledger.database), lambda: serving.artifact)
    app.state.languages = Languages.of(config.section(ShopConfig).language, workspace.messages)
    app.state.replies = ResponseCache(store, cache_bytes=serve.cache_mb * 2**20)
    app.state.risk_decisions, app.state.risk_reports = DecisionStore(ledger.database), workspace.reports
    app.state.kinds = config.section(ModelConfig).kinds
    bounds = {"at_a_time": serve.cypher_concurrent, "max_bytes": serve.cypher_max_mb * 2**20}
    app.state.graph_queries = GraphQueries(workspace, config.section(GraphConfig), **bounds)
    app.state.query_audit = AuditLog(workspace.audit) if serve.audit else None
    app.state.search = SearchProvider(workspace, config.section(ShopConfig).language)
    # Read when first asked: a damaged model of one capability must not keep the others from starting.
    app.state.ranker = functools.cache(functools.partial(ranker, workspace.root))
    problems.install(app)
    openapi.install(app)
    keys = KeyStore(workspace.keys)
    sessions = _sessions(workspace, keys, serve) if serve.console else None
    _wrap(app, keys, sessions, serve, limits, spans)
    app.include_router(explanation_routes.router)
    app.include_router(recommendations_routes.router)
    app.include_router(replay_routes.router)
    app.include_router(item_routes.router)
    app.include_router(events_routes.router)
    app.include_router(profile_routes.router)
    app.include_router(users_routes.router)
    app.include_router(rules_routes.router)
    app.include_router(risk_routes.router)
    app.include_router(search_routes.router)
    app.include_router(cypher_routes.router)
    app.include_router(answers_routes.router)
    # After all calls below an item: the id of an item may hold a slash, so this one takes every path under /items.
    app.include_router(items_routes.router)
    app.include_router(health_routes.router)
    if sessions is not None:
        install_console(app, workspace, sessions=sessions, shop=config.section(ShopConfig).name, audit=app.state.query_audit)
    return app


def _sessions(workspace: Workspace, keys: KeyStore, serve: ServeConfig) -> Sessions:
    folder = workspace.console
    return Sessions(keys, secret=folder / "secret", ended=folder / "signed-out", lifetime_s=serve.console_session_h * 3600)


def _wrap(app: FastAPI, keys: KeyStore, sessions: Sessions | None, serve: ServeConfig, limits: RateLimits, spans: TracerProvider | None) -> None:
    """Put around the routes what every request passes. The last one added is the outermost: the first that a request meets."""
    app.add_middleware(
        ConcurrencyLimit,
        max_concurrent=serve.max_concurrent,
        max_queue=serve.max_queue,
        queue_timeout_s=serve.queue_timeout_s,
        request_timeout_s=serve.request_timeout_s,
        free=(HEALTH,),
    )
    app.add_middleware(
        RequestLimits,
        max_header_bytes=serve.max_header_bytes,
        max_body_bytes=serve.max_body_bytes,
        max_nesting=serve.max_nesting,
        body_timeout_s=serve.request_timeout_s,
        lists=f"{CONSOLE}/" if sessions is not None else "",
    )
    app.add_middleware(Authentication, keys=keys, limits=limits, public_docs=serve.public_docs, sessions=sessions)
    app.add_middleware(RequestContext, audit=app.state.query_audit)
    if sessions is not None:
        app.add_middleware(SecurityHeaders)
    if spans is not None:
        app.add_middleware(Tracing, spans=spans)
    if serve.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(serve.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy"],
        )
