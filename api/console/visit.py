"""One request of somebody who is signed in: who it is, in which language, what the API answers them, and the page that shows it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from markupsafe import Markup

from api.console.registry import PAGES
from api.console.rendering import languages, render
from api.console.rest import Call, CallError, Query, Rest, get
from api.http.authentication import CONSOLE
from api.http.language import ACCEPT
from api.http.problems import Refusal
from api.http.request_context import refusal_of
from api.http.schemas import request_id
from api.keys.key_store import ApiKey, require_scope
from api.keys.sessions import Session
from api.serving.snapshot_server import Serving
from gnn.explain.messages.catalogue import Catalogue
from kg.errors import PermissionDeniedError
from kg.validation import messages

LANGUAGE_COOKIE = "reckon_language"
_SAFE = ("GET", "HEAD")
_MOST_FIELDS = 2_000


class SignInNeededError(Exception):
    """Nobody is signed in."""


class Visit:
    """A request of somebody who is signed in.

    Args:
        request: The request.
        session: Whose it is.
        fields: What its form holds.
    """

    def __init__(self, request: Request, session: Session, fields: Mapping[str, list[str]]) -> None:
        self.request, self.session, self.fields = request, session, fields
        self.calls: list[Call] = []

    @property
    def key(self) -> ApiKey:
        """The key of who is signed in."""
        return self.session.key

    @property
    def serving(self) -> Serving:
        """What the API answers from."""
        serving: Serving = self.request.app.state.serving
        return serving

    @cached_property
    def words(self) -> Catalogue:
        """The words of the reader's language."""
        return words_of(self.request)

    @property
    def by(self) -> str:
        """What corrections and queries note as who made them: the key's name and id, never the key."""
        return f"{self.key.name or 'key'} ({self.key.key_id})"

    def field(self, name: str, default: str = "") -> str:
        """Return a field of the form, or of the query string, without blanks around it."""
        given = self.fields.get(name) or self.request.query_params.getlist(name)
        return given[-1].strip() if given else default

    def several(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value.strip() for value in self.fields.get(name) or self.request.query_params.getlist(name) if value.strip()]

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a field as a whole number within bounds; what is none is the default."""
        text = self.field(name)
        return min(max(int(text), least), most) if text.isdecimal() and len(text) < 10 else default

    def require(self, scope: str) -> None:
        """Refuse who lacks a scope; what needs more than reading is noted in the audit log."""
        self.request.scope["reckon.required"] = scope
        require_scope(self.key, scope)

    async def get(self, path: str, query: Query | None = None) -> Any:
        """Return what the API answers to a GET."""
        return await self.call(get(path, query, language=self.words.language))

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the API answers to a call with a body."""
        return await self.call(Call(method, path, body, self.words.language))

    async def call(self, call: Call) -> Any:
        """Make a call of the API; the page may show it as curl."""
        self.calls.append(call)
        rest: Rest = self.request.app.state.console_rest
        return await rest.call(call, self.key, self.request.receive)

    def curl(self, call: Call) -> str:
        """Return a call as a line for a shell."""
        return call.curl(str(self.request.base_url).rstrip("/"))

    def page(self, template: str, page: str, /, **context: Any) -> Response:
        """Answer with a whole page.

        Args:
            template: Its template.
            page: The registered page that it is part of.
            **context: What it shows.
        """
        return HTMLResponse(render(template, self.words, page=page, **self._frame(), **context), headers=_NOT_KEPT)

    def part(self, template: str, /, **context: Any) -> Response:
        """Answer with a part of a page; a browser without scripts, which asks for it as a page, gets it as one."""
        part = render(template, self.words, csrf=self.session.csrf, key=self.key, **context)
        if is_part(self.request):
            return HTMLResponse(part, headers=_NOT_KEPT)
        # Escaped already: it comes from a template.
        return self.page("plain.html", "", part=Markup(part))  # noqa: S704

    def _frame(self) -> dict[str, Any]:
        language = self.words.language
        navigation = [(each.name, each.titles.get(language, each.titles["en"])) for each in PAGES if self.key.allows(each.scope)]
        return {
            "csrf": self.session.csrf,
            "key": self.key,
            "navigation": navigation,
            "build_id": self.serving.build_id,
            "languages": languages().names,
            "here": _here(self.request),
            "shop": self.request.app.state.console_shop,
        }


_NOT_KEPT = {"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"}


def words_of(request: Request) -> Catalogue:
    """Return the words of the language that the reader chose, or that the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    spoken = languages()
    return spoken[chosen] if chosen in spoken.names else spoken[spoken.negotiated(", ".join(request.headers.getlist(ACCEPT)))]


async def form_of(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form that was sent."""
    if request.method in _SAFE:
        return {}
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refusal(400, "Bad request", "the form cannot be read", hint="load the page again") from None


async def signed_in(request: Request) -> Visit:
    """Return who is signed in; a form must carry the token of their session, which other sites cannot know."""
    session: Session | None = request.scope.get("reckon.session")
    if session is None:
        raise SignInNeededError
    fields = await form_of(request)
    if request.method not in _SAFE:
        sent = request.headers.get("x-csrf-token") or (fields.get("csrf") or [""])[-1]
        if not same_site(request) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
            raise PermissionDeniedError("the form does not belong to this session", hint="load the page again and send it once more")
    return Visit(request, session, fields)


SignedIn = Annotated[Visit, Depends(signed_in)]


def same_site(request: Request) -> bool:
    """Say whether a request comes from a page of this server, as far as the browser says so."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def scope_of(scope: str) -> Callable[[Visit], Coroutine[Any, Any, None]]:
    """Return a dependency that refuses keys without a scope."""

    async def check(visit: SignedIn) -> None:
        require_scope(visit.key, scope)

    return check


class ConsoleRoute(APIRoute):
    """A route whose errors are pages, or parts of one where a part was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        usual = super().get_route_handler()

        async def handler(request: Request) -> Response:
            request.scope["reckon.route"] = _pattern(request, self.path)
            try:
                return await usual(request)
            except SignInNeededError:
                return _to_sign_in(request)
            except CallError as error:
                return _error_page(request, error.status, error.title, error.detail, error.hint)
            except RequestValidationError as error:
                wrong = "; ".join(f"{messages.place(each)}: {messages.reason(each)}" for each in error.errors()[:3])
                return _error_page(request, 422, "Invalid input", wrong, "")
            except Exception as error:
                refusal = refusal_of(error, request_id(request))
                return _error_page(request, refusal.status, refusal.title, refusal.detail, refusal.hint)

        return handler


def _pattern(request: Request, path: str) -> str:
    """Return the whole pattern of a route, for logs: a page's routes know their address below the page alone."""
    return path if path.startswith(CONSOLE) else f"{CONSOLE}/{request.url.path.split('/')[2]}{path}"


def page_router() -> APIRouter:
    """Return a router for a page."""
    return APIRouter(route_class=ConsoleRoute, include_in_schema=False)


def is_part(request: Request) -> bool:
    """Say whether a part of a page is asked for."""
    return request.headers.get("hx-request") == "true"


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _to_sign_in(request: Request) -> Response:
    address = f"{CONSOLE}/sign-in?{urlencode({'next': _here(request) if request.method in _SAFE else CONSOLE})}"
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": f"{CONSOLE}/sign-in", **_NOT_KEPT})
    # A browser keeps the session's cookie back when a link of another site leads here; a page that leads on to itself gets it.
    if request.method in _SAFE and request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(render("forward.html", words_of(request), address=_here(request)), headers=_NOT_KEPT)
    return RedirectResponse(address, status_code=303, headers=_NOT_KEPT)


def _error_page(request: Request, status: int, title: str, detail: str, hint: str) -> Response:
    context = {"status": status, "title": title, "detail": detail, "hint": hint, "request_id": request_id(request)}
    session: Session | None = request.scope.get("reckon.session")
    headers = dict(_NOT_KEPT)
    if is_part(request):
        return HTMLResponse(render("error_part.html", words_of(request), **context), status_code=status, headers=headers)
    if request.headers.get("accept", "").startswith("application/json"):
        return JSONResponse(context, status_code=status, headers=headers)
    if session is None:
        return HTMLResponse(render("error_outside.html", words_of(request), **context), status_code=status, headers=headers)
    page = Visit(request, session, {}).page("error.html", "", **context)
    page.status_code = status
    return page
