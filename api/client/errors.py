"""The errors of the client, by what a caller can do about them. They are its own, so that a shop that calls the API needs nothing of the server.

ReckonError
├── InputError                400, 405, 415, 422: the call cannot be used as it is
├── AuthenticationError       401: no key, or one that is unknown, expired or revoked
├── PermissionDeniedError     403: the key lacks the scope
├── NotFoundError             404: an item, user, rule or answer that does not exist
├── ConflictError             409: the call contradicts what is stored
├── LimitError                413, 429, 431: too large, or too often
└── UnavailableError          408, 502, 503, 504, or no answer at all: try again later
"""

from __future__ import annotations


class ReckonError(Exception):
    """Base of every error of the client; raised as itself for an answer that none of the others fits.

    Args:
        message: What is wrong, as the API says it.
        hint: What to do about it.
        status: HTTP status of the answer; None where there was none.
        request_id: Of the answer: quote it to whoever runs the API.
    """

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.status, self.request_id = message, hint, status, request_id

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class InputError(ReckonError):
    """The call cannot be used as it is."""


class AuthenticationError(ReckonError):
    """There is no key, or it is unknown, expired or revoked."""


class PermissionDeniedError(ReckonError):
    """The key lacks the scope that the call needs."""


class NotFoundError(ReckonError):
    """An item, user, rule or answer does not exist."""


class ConflictError(ReckonError):
    """The call contradicts what is stored."""


class LimitError(ReckonError):
    """The call is too large, or the key's rate is used up."""


class UnavailableError(ReckonError):
    """The API does not answer, or cannot at present."""


_BY_STATUS: dict[int, type[ReckonError]] = {
    400: InputError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: InputError,
    408: UnavailableError,
    409: ConflictError,
    413: LimitError,
    415: InputError,
    422: InputError,
    429: LimitError,
    431: LimitError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


def error_of(status: int) -> type[ReckonError]:
    """Return the class of error that an HTTP status means."""
    return _BY_STATUS.get(status, ReckonError)
