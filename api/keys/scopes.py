"""Which scope a route takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from api.keys.key_store import ApiKey, require_scope


def require(scope: str) -> Callable[[Request], Awaitable[ApiKey]]:
    """Return a dependency that gives the caller's key, or refuses the call.

    Args:
        scope: What the key must carry.
    """

    # Asynchronous, although it waits for nothing: FastAPI would send a plain function to a thread.
    async def key(request: Request) -> ApiKey:
        request.scope["reckon.required"] = scope
        # `Authentication` put it there, or refused the request.
        sent: ApiKey = request.scope["reckon.key"]
        return require_scope(sent, scope)

    return key
