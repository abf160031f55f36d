"""Sessions of the console: an API key is exchanged for a signed cookie that names the key, never holds it, and expires.

Nothing is kept of a session but, until it expires, that somebody signed out of it: every worker checks the signature with the secret of the
workspace and looks the key up as for any request, so a key that is revoked, expired or given other scopes counts from the next page on.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from api.keys.key_store import ApiKey, KeyStore
from kg.errors import AuthenticationError
from kg.files.atomic import write_text

_COOKIE = re.compile(r"([0-9a-f]{12})\.([0-9]{1,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")
_AGAIN = "sign in again"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        key: The API key that was exchanged, as it is now.
        session_id: Random; tells the sessions of a key apart.
        expires_s: Unix seconds.
        csrf: What every form that changes something must carry: other sites cannot know it.
    """

    key: ApiKey
    session_id: str
    expires_s: int
    csrf: str


class Sessions:
    """The sessions of one workspace.

    Args:
        keys: Its keys.
        secret: File of the secret that cookies are signed with; made with mode 0600 when first needed.
        ended: File of the sessions that were signed out of.
        lifetime_s: How long a session lasts.
    """

    def __init__(self, keys: KeyStore, *, secret: Path, ended: Path, lifetime_s: float) -> None:
        self._keys, self._secret_path, self._ended_path, self.lifetime_s = keys, secret, ended, lifetime_s
        self._secret = b""
        self._stamp: tuple[int, int] | None = None
        self._ended: dict[str, int] = {}

    def open(self, text: str) -> tuple[str, Session]:
        """Exchange the text of a key for a cookie.

        Raises:
            AuthenticationError: There is no such key, or it has expired.
        """
        key = self._keys.identify(text)
        expires_s = time.time() + self.lifetime_s
        if key.expires_s is not None:
            expires_s = min(expires_s, key.expires_s)
        head = f"{key.key_id}.{int(expires_s)}.{secrets.token_urlsafe(16)}"
        cookie = f"{head}.{self._signature(head, key)}"
        return cookie, self.read(cookie)

    def read(self, cookie: str) -> Session:
        """Return the session of a cookie.

        Raises:
            AuthenticationError: It is none of ours, has expired or was signed out of, or its key is no more.
        """
        match = _COOKIE.fullmatch(cookie)
        if match is None:
            raise AuthenticationError("there is no session", hint=_AGAIN)
        key_id, expires, session_id, signature = match.groups()
        key = next((key for key in self._keys.list() if key.key_id == key_id), None)
        if key is None or not hmac.compare_digest(signature, self._signature(cookie.rpartition(".")[0], key)):
            raise AuthenticationError("the session is not valid", hint=_AGAIN)
        now = time.time()
        if int(expires) <= now or (key.expires_s is not None and key.expires_s <= now):
            raise AuthenticationError("the session has expired", hint=_AGAIN)
        if session_id in self._signed_out():
            raise AuthenticationError("this session was signed out of", hint=_AGAIN)
        return Session(key, session_id, int(expires), self.form_token(session_id))

    def close(self, session: Session) -> None:
        """End a session, in every worker."""
        self._ended_path.parent.mkdir(mode=0o700, exist_ok=True)
        with FileLock(self._ended_path.with_suffix(".lock"), timeout=10, mode=0o600):
            now = time.time()
            lasting = {name: ends for name, ends in self._signed_out().items() if ends > now}
            write_text(self._ended_path, "".join(f"{name} {ends}\n" for name, ends in {**lasting, session.session_id: session.expires_s}.items()))

    def form_token(self, text: str) -> str:
        """Return the token of forms that belong to a session, or to a sign-in page, by its random id."""
        return hmac.new(self._key_bytes(), b"form\0" + text.encode(), hashlib.sha256).hexdigest()

    def _signature(self, head: str, key: ApiKey) -> str:
        return hmac.new(self._key_bytes(), f"session\0{head}\0{key.digest}".encode(), hashlib.sha256).hexdigest()

    def _key_bytes(self) -> bytes:
        if not self._secret:
            self._secret = self._stored_secret()
        return self._secret

    def _stored_secret(self) -> bytes:
        self._secret_path.parent.mkdir(mode=0o700, exist_ok=True)
        with FileLock(self._secret_path.with_suffix(".lock"), timeout=10, mode=0o600):
            with suppress(FileNotFoundError):
                return bytes.fromhex(self._secret_path.read_text(encoding="ascii"))
            descriptor = os.open(self._secret_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            secret = secrets.token_bytes(32)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secret.hex())
            return secret

    def _signed_out(self) -> dict[str, int]:
        try:
            stat = self._ended_path.stat()
        except FileNotFoundError:
            return {}
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self._stamp:
            rows = (line.split() for line in self._ended_path.read_text(encoding="ascii").splitlines())
            self._ended, self._stamp = {name: int(ends) for name, ends in rows}, stamp
        return self._ended
