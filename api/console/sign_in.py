"""Signing in and out, the language, and the files that pages load."""

from __future__ import annotations

import hmac
import re
import secrets

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.assets import asset
from api.console.registry import PAGES
from api.console.rendering import languages, render
from api.console.visit import LANGUAGE_COOKIE, ConsoleRoute, SignedIn, form_of, same_site, scope_of, signed_in, words_of
from api.http.authentication import CONSOLE, SESSION_COOKIE
from api.keys.audit import AuditLog
from api.keys.sessions import Sessions
from kg.errors import AuthenticationError, PermissionDeniedError

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False, prefix=CONSOLE)
_FORM_COOKIE = "reckon_form"
_LOCAL = re.compile(r"/console(?:[/?][\x21-\x7e]*)?")
_NOT_KEPT = {"Cache-Control": "no-store"}
_YEAR_S = 31_536_000


@router.get("")
async def home(request: Request) -> Response:
    """Lead to the first page that the key may see, or to the sign-in page."""
    session = request.scope.get("reckon.session")
    if session is None:
        return RedirectResponse(f"{CONSOLE}/sign-in", status_code=303, headers=_NOT_KEPT)
    first = next((page.name for page in PAGES if session.key.allows(page.scope)), None)
    if first is None:
        raise PermissionDeniedError("this key may see no page of the console", hint="sign in with one that carries recommend:read or graph:read")
    return RedirectResponse(f"{CONSOLE}/{first}", status_code=303, headers=_NOT_KEPT)


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "") -> Response:
    """Show the sign-in page."""
    return _page(request, next, wrong="")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Exchange a key for a session."""
    sessions: Sessions = request.app.state.console_sessions
    fields = {name: values[-1] for name, values in (await form_of(request)).items()}
    nonce = request.cookies.get(_FORM_COOKIE, "")
    if not same_site(request) or not nonce or not hmac.compare_digest(fields.get("csrf", "").encode(), sessions.form_token(nonce).encode()):
        return _page(request, fields.get("next", ""), wrong="stale", status=403)
    try:
        cookie, session = sessions.open(fields.get("key", "").strip())
    except AuthenticationError as error:
        return _page(request, fields.get("next", ""), wrong="expired" if "expired" in error.message else "unknown", status=401)
    _note(request, session.key.key_id, "console sign-in")
    response = RedirectResponse(_local(fields.get("next", "")), status_code=303, headers=_NOT_KEPT)
    _keep(request, response, SESSION_COOKIE, cookie, int(sessions.lifetime_s))
    response.delete_cookie(_FORM_COOKIE, path=CONSOLE)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, visit: SignedIn) -> Response:
    """End the session."""
    sessions: Sessions = request.app.state.console_sessions
    sessions.close(visit.session)
    _note(request, visit.key.key_id, "console sign-out")
    response = RedirectResponse(f"{CONSOLE}/sign-in", status_code=303, headers={**_NOT_KEPT, "Clear-Site-Data": '"storage"'})
    response.delete_cookie(SESSION_COOKIE, path=CONSOLE)
    return response


@router.post("/language")
async def choose_language(request: Request, visit: SignedIn) -> Response:
    """Keep the language that somebody reads the console in."""
    response = RedirectResponse(_local(visit.field("next")), status_code=303, headers=_NOT_KEPT)
    chosen = visit.field("language")
    if chosen in languages().names:
        _keep(request, response, LANGUAGE_COOKIE, chosen, _YEAR_S)
    return response


@router.get("/static/{version}/{name:path}")
async def static(version: str, name: str) -> Response:
    """Give a file that pages load; its address changes with its bytes."""
    result = asset(name)
    return Response(result.body, media_type=result.media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def include_pages(router: APIRouter) -> None:
    """Put the registered pages below the console: none is seen without a session whose key carries its scope."""
    for page in PAGES:
        router.include_router(page.router, prefix=f"/{page.name}", dependencies=[Depends(signed_in), Depends(scope_of(page.scope))])


def _page(request: Request, leads_to: str, *, wrong: str, status: int = 200) -> Response:
    sessions: Sessions = request.app.state.console_sessions
    nonce = secrets.token_urlsafe(16)
    context = {"csrf": sessions.form_token(nonce), "next": _local(leads_to), "wrong": wrong, "shop": request.app.state.console_shop}
    response = HTMLResponse(render("sign_in.html", words_of(request), **context), status_code=status, headers=_NOT_KEPT)
    _keep(request, response, _FORM_COOKIE, nonce, 3600)
    return response


def _keep(request: Request, response: Response, name: str, value: str, lifetime_s: int) -> None:
    """Set a cookie that no script reads, that no other site makes a browser send, and that goes over TLS alone where this page did."""
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=lifetime_s, path=CONSOLE, httponly=True, samesite="strict", secure=secure)


def _local(address: str) -> str:
    """Return where to go on: a page of the console, whatever was asked for."""
    return address if _LOCAL.fullmatch(address) and ".." not in address and "\\" not in address else CONSOLE


def _note(request: Request, key_id: str, action: str) -> None:
    audit: AuditLog | None = request.app.state.query_audit
    if audit is not None:
        audit.write(key_id, action)
