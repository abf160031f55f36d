"""Who may call what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api.keys import ApiKey, KeyStore

_bearer = HTTPBearer(auto_error=False, description="Authorization: Bearer KEY")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="X-API-Key: KEY")


def require(scope: str) -> Callable[..., ApiKey]:
    """Return a dependency that gives the caller's key, or refuses the call.

    Args:
        scope: What the key must carry.
    """

    def key(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        header: Annotated[str | None, Depends(_header)],
    ) -> ApiKey:
        keys: KeyStore = request.app.state.keys
        return keys.authenticate(bearer.credentials if bearer else header, scope)

    return key
