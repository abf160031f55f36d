"""The one error tree. Third-party errors are translated into it once, at the door where the library lives.

ReckonError
├── ConfigError               reckon.toml or RECKON__… is wrong
├── InputError                a file the user gave is missing, broken or empty
│   └── RejectedRowsError     rows were rejected and --allow-rejects did not cover them
├── NotFoundError             an item, user, build or request that does not exist
├── AuthenticationError       no key, or a key that is unknown, expired or revoked
├── PermissionDeniedError     a valid key without the scope the call needs
├── ConflictError             the request contradicts what is stored
├── LimitError                a body, header, rate or result beyond its bound
├── QueryError                Cypher that is wrong
│   └── QueryRefusedError     Cypher that would write, or would run outside its bounds
├── UnavailableError          something outside this process does not answer
│   ├── GraphUnavailableError
│   ├── LedgerUnavailableError
│   ├── OverloadedError
│   └── DiskFullError         a disk or a quota is full
├── ArtifactError             a build's files are corrupt, missing or of another schema version
└── BuildError                a stage cannot run: its input is missing, a gate failed
    ├── LockedError           another job holds the workspace
    └── GateError             a quality gate failed; `current` was left untouched
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ReckonError(Exception):
    """Base of every error Reckon raises on purpose.

    Args:
        message: What is wrong, naming the place and the value.
        hint: What to do about it, as one sentence. Empty where the message says it.
    """

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "Reckon failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class ConfigError(ReckonError):
    """The configuration is wrong: an unknown key, a value of the wrong type, a missing section."""

    status, exit_code, title = 500, 2, "Configuration error"


class InputError(ReckonError):
    """Something the user gave cannot be used: a missing file, a missing column, a malformed value."""

    status, exit_code, title = 422, 3, "Invalid input"


class RejectedRowsError(InputError):
    """Rows were rejected; the good ones were loaded."""

    exit_code = 4


class NotFoundError(ReckonError):
    """An item, user, build or stored answer that does not exist."""

    status, exit_code, title = 404, 5, "Not found"


class AuthenticationError(ReckonError):
    """No API key, or one that is unknown, expired or revoked."""

    status, exit_code, title = 401, 6, "Authentication required"


class PermissionDeniedError(ReckonError):
    """The API key is valid but lacks the scope that the call needs."""

    status, exit_code, title = 403, 6, "Permission denied"


class ConflictError(ReckonError):
    """The request contradicts what is stored."""

    status, exit_code, title = 409, 7, "Conflict"


class LimitError(ReckonError):
    """A body, header, rate or result is beyond its bound."""

    status, exit_code, title = 429, 8, "Too many requests"


class QueryError(ReckonError):
    """Cypher that the database cannot read."""

    status, exit_code, title = 400, 9, "Invalid query"


class QueryRefusedError(QueryError):
    """Cypher that would write, or would run outside its bounds."""

    status, exit_code, title = 403, 9, "Query refused"


class UnavailableError(ReckonError):
    """Something outside this process does not answer."""

    status, exit_code, title = 503, 10, "Temporarily unavailable"


class GraphUnavailableError(UnavailableError):
    """The graph database does not answer, or refuses our credentials."""


class LedgerUnavailableError(UnavailableError):
    """The event ledger does not answer."""


class OverloadedError(UnavailableError):
    """The queue is full; the caller should come back later."""


class DiskFullError(UnavailableError):
    """A disk or a quota is full; what was written so far stays whole."""

    exit_code, title = 15, "Disk full"


class ArtifactError(ReckonError):
    """A build's files are corrupt, missing or of another schema version."""

    status, exit_code, title = 503, 11, "Build artifact unusable"


class BuildError(ReckonError):
    """A stage cannot run: its input is missing or another stage must come first."""

    status, exit_code, title = 500, 12, "Build failed"


class LockedError(BuildError):
    """Another job holds the workspace."""

    status, exit_code, title = 409, 13, "Workspace is locked"


class GateError(BuildError):
    """A quality gate failed; the current build was left untouched.

    Args:
        message: Which gates, and by how much.
        hint: How to accept the build.
        gates: What each gate found, for the record of the run.
    """

    exit_code = 14

    def __init__(self, message: str, *, hint: str = "", gates: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.gates = dict(gates or {})
