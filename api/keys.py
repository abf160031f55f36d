"""API keys: shown once, stored as hashes with their scopes, read again whenever the file changes."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from kg.errors import AuthenticationError, ConfigError, InputError, NotFoundError, PermissionDeniedError

SCOPES = ("recommend:read", "events:write", "catalog:write", "profile:read", "graph:read", "admin")
_PREFIX = "rk"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key; the secret itself is not.

    Attributes:
        key_id: Public part, safe to log.
        digest: SHA-256 of the secret part, hex. The secret carries 256 random bits, so a slow password hash would add nothing.
        scopes: What the key may do.
        created_s: Unix seconds.
        expires_s: Unix seconds after which it is refused, or None.
        name: What its owner calls it.
    """

    key_id: str
    digest: str
    scopes: tuple[str, ...]
    created_s: float
    expires_s: float | None = None
    name: str = ""

    def allows(self, scope: str) -> bool:
        """Say whether the key carries `scope`; `admin` carries all."""
        return scope in self.scopes or "admin" in self.scopes


class KeyStore:
    """The keys of one workspace.

    Args:
        path: Their file; it is created with mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def create(self, scopes: Iterable[str], *, expires_days: float | None = None, name: str = "") -> str:
        """Make a key and return its text, the only time it can be read.

        Args:
            scopes: Any of `SCOPES`.
            expires_days: Days until it is refused; None never expires.
            name: What its owner calls it.

        Raises:
            InputError: No scope, an unknown one, or an expiry that is not in the future.
        """
        chosen = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in chosen if scope not in SCOPES]
        if unknown or not chosen:
            raise InputError(f"unknown scope {unknown[0]!r}" if unknown else "a key needs a scope", hint=f"scopes are {', '.join(SCOPES)}")
        if expires_days is not None and expires_days <= 0:
            raise InputError(f"a key cannot expire in {expires_days} days", hint="give a positive number of days, or leave it out")
        key_id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), time.time()
        expires_s = None if expires_days is None else now + expires_days * 86_400
        with self._locked():
            self._write([*self.list(), ApiKey(key_id, _digest(secret), chosen, now, expires_s, name)])
        return f"{_PREFIX}_{key_id}_{secret}"

    def list(self) -> list[ApiKey]:
        """Return all keys, oldest first."""
        self._refresh()
        return sorted(self._keys.values(), key=lambda key: key.created_s)

    def revoke(self, key_id: str) -> None:
        """Forget a key.

        Raises:
            NotFoundError: No key has this id.
        """
        with self._locked():
            keys = self.list()
            if key_id not in self._keys:
                raise NotFoundError(f"no key has the id {key_id!r}", hint="`reckon keys list` shows them")
            self._write([key for key in keys if key.key_id != key_id])

    def authenticate(self, text: str | None, scope: str) -> ApiKey:
        """Return the key whose text this is.

        Raises:
            AuthenticationError: There is none, or it has expired.
            PermissionDeniedError: It does not carry `scope`.
        """
        parts = (text or "").split("_", 2)
        self._refresh()
        key = self._keys.get(parts[1]) if len(parts) == 3 and parts[0] == _PREFIX else None
        # The digest is computed and compared for unknown ids too, so that the answer takes as long.
        matches = hmac.compare_digest(_digest(parts[-1]), key.digest if key else "0" * 64)
        if key is None or not matches:
            raise AuthenticationError("no valid API key was given", hint="send `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        if key.expires_s is not None and key.expires_s <= time.time():
            raise AuthenticationError("the API key has expired", hint="make another with `reckon keys create`")
        if not key.allows(scope):
            raise PermissionDeniedError(f"the API key lacks the scope {scope}", hint=f"make one with `reckon keys create --scope {scope}`")
        return key

    def _locked(self) -> FileLock:
        return FileLock(self._path.with_suffix(".lock"), timeout=10, mode=0o600)

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._keys, self._stamp = {}, None
            return
        stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if stamp == self._stamp:
            return
        try:
            rows = json.loads(self._path.read_text())
            self._keys = {row["key_id"]: ApiKey(**{**row, "scopes": tuple(row["scopes"])}) for row in rows}
        except (ValueError, TypeError, KeyError):
            raise ConfigError(f"{self._path} is damaged", hint="restore it, or delete it and make new keys") from None
        self._stamp = stamp

    def _write(self, keys: Iterable[ApiKey]) -> None:
        temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump([asdict(key) for key in keys], file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
