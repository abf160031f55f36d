from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from api.keys.key_store import KeyStore
from api.keys.sessions import Sessions
from kg.errors import AuthenticationError


def sessions_of(folder: Path, lifetime_s: float = 3600) -> tuple[KeyStore, Sessions]:
    keys = KeyStore(folder / "keys.json")
    return keys, Sessions(keys, secret=folder / "console" / "secret", ended=folder / "console" / "signed-out", lifetime_s=lifetime_s)


def test_a_key_becomes_a_cookie_that_does_not_hold_it(tmp_path: Path) -> None:
    keys, sessions = sessions_of(tmp_path)
    text = keys.create(["recommend:read"], name="ann")
    cookie, session = sessions.open(text)
    assert session.key.name == "ann"
    assert text.split("_", 2)[2] not in cookie
    assert session.key.digest not in cookie
    assert sessions.read(cookie) == session
    assert session.expires_s == pytest.approx(time.time() + 3600, abs=30)
    assert stat.S_IMODE((tmp_path / "console" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "console").stat().st_mode) == 0o700


def test_another_worker_reads_it_and_another_workspace_does_not(tmp_path: Path) -> None:
    keys, sessions = sessions_of(tmp_path)
    text = keys.create(["admin"])
    cookie, session = sessions.open(text)
    _, other_worker = sessions_of(tmp_path)
    assert other_worker.read(cookie).csrf == session.csrf
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "keys.json").write_bytes((tmp_path / "keys.json").read_bytes())
    with pytest.raises(AuthenticationError, match="not valid"):
        sessions_of(tmp_path / "other")[1].read(cookie)


@pytest.mark.parametrize("place", range(4))
def test_a_changed_cookie_is_none_of_ours(tmp_path: Path, place: int) -> None:
    keys, sessions = sessions_of(tmp_path)
    keys.create(["admin"])
    parts = sessions.open(keys.create(["recommend:read"]))[0].split(".")
    other = [keys.list()[0].key_id, str(int(parts[1]) + 9), "A" * 22, "0" * 64]
    parts[place] = other[place]
    with pytest.raises(AuthenticationError):
        sessions.read(".".join(parts))
    for text in ("", "x", "a.b.c.d", "0" * 4096):
        with pytest.raises(AuthenticationError):
            sessions.read(text)


def test_it_ends_with_its_time_its_key_and_its_sign_out(tmp_path: Path) -> None:
    keys, short = sessions_of(tmp_path, lifetime_s=0)
    text = keys.create(["recommend:read"])
    with pytest.raises(AuthenticationError, match="expired"):
        short.open(text)
    _, sessions = sessions_of(tmp_path)
    cookie, session = sessions.open(text)
    again, _ = sessions.open(text)
    sessions.close(session)
    for worker in (sessions, sessions_of(tmp_path)[1]):
        with pytest.raises(AuthenticationError, match="signed out"):
            worker.read(cookie)
        # Only this session ended, not the others of the key.
        assert worker.read(again)
    keys.revoke(text.split("_")[1])
    with pytest.raises(AuthenticationError):
        sessions.read(again)


def test_a_session_never_outlives_its_key(tmp_path: Path) -> None:
    keys, sessions = sessions_of(tmp_path)
    _, session = sessions.open(keys.create(["recommend:read"], expires_days=0.01))
    assert session.expires_s <= time.time() + 0.01 * 86_400
