"""API keys: shown once, stored as hashes with their scopes, read again whenever the file changes."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from api.settings import RATE_PATTERN
from kg.errors import AuthenticationError, ConfigError, InputError, NotFoundError, PermissionDeniedError

SCOPES = ("recommend:read", "events:write", "catalog:write", "profile:read", "graph:read", "metrics:read", "risk:read", "risk:decide", "admin")
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
        rate: Its own rate limit, such as "600/minute"; empty takes the configured one.
    """

    key_id: str
    digest: str
    scopes: tuple[str, ...]
    created_s: float
    expires_s: float | None = None
    name: str = ""
    rate: str = ""

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

    def create(self, scopes: Iterable[str], *, expires_days: float | None = None, name: str = "", rate: str = "") -> str:
        """Make a key and return its text, the only time it can be read.

        Args:
            scopes: Any of `SCOPES`.
            expires_days: Days until it is refused; None never expires.
            name: What its owner calls it.
            rate: Its own rate limit; empty takes the configured one.

        Raises:
            InputError: No scope, an unknown one, an expiry that is not in the future, or a rate that cannot be read.
        """
        chosen = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in chosen if scope not in SCOPES]
        if unknown or not chosen:
            raise InputError(f"unknown scope {unknown[0]!r}" if unknown else "a key needs a scope", hint=f"scopes are {', '.join(SCOPES)}")
        if expires_days is not None and expires_days <= 0:
            raise InputError(f"a key cannot expire in {expires_days} days", hint="give a positive number of days, or leave it out")
        if not re.fullmatch(RATE_PATTERN, rate):
            raise InputError(f"{rate!r} is not a rate", hint="write 600/minute; the units are second, minute, hour and day")
        now = time.time()
        text, key = _new_key(chosen, now, None if expires_days is None else now + expires_days * 86_400, name, rate)
        with self._locked():
            self._write([*self.list(), key])
        return text

    def rotate(self, key_id: str, *, grace_s: float = 0.0) -> str:
        """Make a key that replaces another one, and return its text.

        The new key has the scopes, name, rate and lifetime of the old one, which is refused from now on, or after the grace.

        Args:
            key_id: The key to replace.
            grace_s: Seconds in which the old key still works.

        Raises:
            NotFoundError: No key has this id.
            InputError: The grace is negative.
        """
        if grace_s < 0:
            raise InputError(f"a grace of {grace_s} seconds", hint="give 0 or more, such as 1h")
        with self._locked():
            old = self._existing(key_id)
            now = time.time()
            lifetime_s = None if old.expires_s is None else old.expires_s - old.created_s
            text, key = _new_key(old.scopes, now, None if lifetime_s is None else now + lifetime_s, old.name, old.rate)
            ends = now + grace_s if old.expires_s is None else min(old.expires_s, now + grace_s)
            kept = [replace(each, expires_s=ends) if each.key_id == key_id else each for each in self.list()]
            self._write([*(each for each in kept if grace_s or each.key_id != key_id), key])
        return text

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
            self._existing(key_id)
            self._write([key for key in self.list() if key.key_id != key_id])

    def identify(self, text: str | None) -> ApiKey:
        """Return the key whose text this is. The file is looked at every time (a `stat`, 2 µs), so a change counts from the next request on.

        Raises:
            AuthenticationError: There is none, or it has expired.
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
        return key

    def authenticate(self, text: str | None, scope: str) -> ApiKey:
        """Return the key whose text this is, if it carries `scope`.

        Raises:
            AuthenticationError: There is none, or it has expired.
            PermissionDeniedError: It does not carry `scope`.
        """
        return require_scope(self.identify(text), scope)

    def _existing(self, key_id: str) -> ApiKey:
        self._refresh()
        if key_id not in self._keys:
            raise NotFoundError(f"no key has the id {key_id!r}", hint="`reckon keys list` shows them")
        return self._keys[key_id]

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


def require_scope(key: ApiKey, scope: str) -> ApiKey:
    """Return the key if it carries `scope`.

    Raises:
        PermissionDeniedError: It does not.
    """
    if not key.allows(scope):
        raise PermissionDeniedError(f"the API key lacks the scope {scope}", hint=f"make one with `reckon keys create --scope {scope}`")
    return key


def _new_key(scopes: tuple[str, ...], now: float, expires_s: float | None, name: str, rate: str) -> tuple[str, ApiKey]:
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return f"{_PREFIX}_{key_id}_{secret}", ApiKey(key_id, _digest(secret), scopes, now, expires_s, name, rate)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
