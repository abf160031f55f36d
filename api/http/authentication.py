"""No key, no answer: every request is held to its key, and the key to its rate, before a route or a body is looked at. Pure ASGI."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress

from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.limits.rate_limits import RateLimits
from api.http.metrics import REFUSED
from api.http.problems import Refusal
from api.keys.key_store import ApiKey, KeyStore
from api.keys.sessions import Sessions
from kg.errors import AuthenticationError

HEALTH = "/health/"
CONSOLE = "/console"
SESSION_COOKIE = "reckon_session"
PAGES = ("/docs", "/openapi.json")
_BROWSER = (*PAGES, "/metrics")


class Authentication:
    """Finds the key of each request and counts against its rate.

    A browser cannot send a bearer token with a page, so the pages of the documentation and the metrics also take the key as a Basic password.
    The API itself does not: a browser would send that password along with requests that other sites make.
    For the same reason a session of the console counts below /console alone. There nobody is refused here: who is not signed in gets the page to do
    so.

    Args:
        app: What answers.
        keys: The keys.
        limits: Their rates.
        public_docs: Show the documentation without a key.
        sessions: The sessions of the console; None where it is not served.
    """

    def __init__(self, app: ASGIApp, *, keys: KeyStore, limits: RateLimits, public_docs: bool, sessions: Sessions | None = None) -> None:
        self._app, self._keys, self._limits, self._sessions = app, keys, limits, sessions
        self._open = (HEALTH, *PAGES) if public_docs else (HEALTH,)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and not scope["path"].startswith(self._open):
            if self._sessions is not None and (scope["path"] == CONSOLE or scope["path"].startswith(f"{CONSOLE}/")):
                await self._recognise(scope, self._sessions)
            else:
                await self._admit(scope)
        await self._app(scope, receive, send)

    async def _recognise(self, scope: Scope, sessions: Sessions) -> None:
        cookies = cookie_parser(str(dict(scope["headers"]).get(b"cookie", b""), "latin-1"))
        with suppress(AuthenticationError):
            session = sessions.read(cookies.get(SESSION_COOKIE, ""))
            scope["reckon.session"], scope["reckon.key"] = session, session.key
            await self._count(scope, session.key)

    async def _admit(self, scope: Scope) -> None:
        basic = scope["method"] == "GET" and scope["path"].startswith(_BROWSER)
        try:
            key = self._keys.identify(credential(scope, basic=basic))
        except AuthenticationError as error:
            REFUSED.labels("key").inc()
            challenge = b'Basic realm="Reckon", charset="UTF-8"' if basic else b"Bearer"
            raise Refusal(401, error.title, error.message, hint=error.hint, headers=[(b"www-authenticate", challenge)]) from None
        scope["reckon.key"] = key
        await self._count(scope, key)

    async def _count(self, scope: Scope, key: ApiKey) -> None:
        rate = await self._limits.count(key)
        if rate is None:
            return
        scope["reckon.headers"] = rate.headers()
        if not rate.allowed:
            REFUSED.labels("rate").inc()
            detail = f"this key may make {rate.limit} requests in {rate.window_s} s"
            raise Refusal(429, "Too many requests", detail, hint="try again after Retry-After seconds")


def credential(scope: Scope, *, basic: bool) -> str | None:
    """Return the key that a request carries, in whichever header.

    Args:
        scope: The request.
        basic: Whether a Basic password counts.
    """
    headers = dict(scope["headers"])
    scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return str(rest.strip(), "latin-1")
    if basic and scheme.lower() == b"basic":
        try:
            return str(base64.b64decode(rest, validate=True), "latin-1").partition(":")[2]
        except binascii.Error:
            return None
    given = headers.get(b"x-api-key")
    return None if given is None else str(given, "latin-1")
