"""The console as a part of the application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from api.console import sign_in
from api.console.commands import Commands
from api.console.rest import Rest
from api.keys.audit import AuditLog
from api.keys.sessions import Sessions
from kg.workspace import Workspace


def install(app: FastAPI, workspace: Workspace, *, sessions: Sessions, shop: str, audit: AuditLog | None) -> None:
    """Add the console's routes; `api.http.authentication` knows its sessions.

    Args:
        app: The application, with all routes of the API.
        workspace: Whose console.
        sessions: Who is signed in.
        shop: What the shop calls itself.
        audit: Where writes are noted, if anywhere.
    """
    app.state.console_sessions, app.state.console_shop, app.state.workspace = sessions, shop, workspace
    app.state.console_rest, app.state.console_commands = Rest(app, audit), Commands(workspace)
    router = APIRouter(include_in_schema=False)
    sign_in.include_pages(router)
    app.include_router(sign_in.router)
    app.include_router(router, prefix="/console")
