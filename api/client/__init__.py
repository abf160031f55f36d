"""The Python client: `Client` and, with the same calls as coroutines, `AsyncClient`.

It is also a distribution of its own, `reckon-client`, whose import name is `reckon_client`: a shop that calls the API installs that one, and its own
package `api` stays its own. So nothing here imports anything of the server, and imports within this package are relative.
"""

from .client import AsyncClient, Client
from .errors import (
    AuthenticationError,
    ConflictError,
    InputError,
    LimitError,
    NotFoundError,
    PermissionDeniedError,
    ReckonError,
    UnavailableError,
)

__all__ = [
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "InputError",
    "LimitError",
    "NotFoundError",
    "PermissionDeniedError",
    "ReckonError",
    "UnavailableError",
]
