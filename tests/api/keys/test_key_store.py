from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.keys.cli import keys as commands
from api.keys.key_store import KeyStore
from kg.errors import AuthenticationError, ConfigError, InputError, NotFoundError, PermissionDeniedError
from kg.workspace import Workspace
from tests.conftest import write_shop


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys.json")


def test_a_key_is_accepted_for_its_scopes_only(keys: KeyStore) -> None:
    text = keys.create(["recommend:read"])
    assert keys.authenticate(text, "recommend:read").scopes == ("recommend:read",)
    with pytest.raises(PermissionDeniedError, match="graph:read"):
        keys.authenticate(text, "graph:read")


def test_admin_carries_every_scope(keys: KeyStore) -> None:
    text = keys.create(["admin"])
    assert keys.authenticate(text, "catalog:write")


def test_the_secret_is_not_stored_and_the_file_is_private(keys: KeyStore, tmp_path: Path) -> None:
    text = keys.create(["recommend:read"])
    file = tmp_path / "keys.json"
    assert text.split("_", 2)[2] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [None, "", "rk", "rk_a_b", "rk_000000000000_secret", "Bearer x", "rk__", "x" * 10_000])
def test_anything_else_is_refused(keys: KeyStore, text: str | None) -> None:
    keys.create(["recommend:read"])
    with pytest.raises(AuthenticationError) as caught:
        keys.authenticate(text, "recommend:read")
    assert not text or len(text) < 4 or text not in str(caught.value)


def test_the_right_id_with_a_wrong_secret_is_refused(keys: KeyStore) -> None:
    text = keys.create(["recommend:read"])
    with pytest.raises(AuthenticationError):
        keys.authenticate(text[:-1] + ("a" if text[-1] != "a" else "b"), "recommend:read")


def test_an_expired_key_is_refused(keys: KeyStore, tmp_path: Path) -> None:
    text = keys.create(["recommend:read"], expires_days=1)
    file = tmp_path / "keys.json"
    rows = json.loads(file.read_text())
    rows[0]["expires_s"] = 1.0
    file.write_text(json.dumps(rows))
    with pytest.raises(AuthenticationError, match="expired"):
        keys.authenticate(text, "recommend:read")


def test_a_revoked_key_is_refused_by_another_process_at_once(keys: KeyStore, tmp_path: Path) -> None:
    text = keys.create(["recommend:read"])
    elsewhere = KeyStore(tmp_path / "keys.json")
    assert elsewhere.authenticate(text, "recommend:read")
    keys.revoke(text.split("_")[1])
    with pytest.raises(AuthenticationError):
        elsewhere.authenticate(text, "recommend:read")
    with pytest.raises(NotFoundError):
        keys.revoke(text.split("_")[1])


@pytest.mark.parametrize("scopes", [[], ["everything"]])
def test_scopes_are_checked(keys: KeyStore, scopes: list[str]) -> None:
    with pytest.raises(InputError, match="scope"):
        keys.create(scopes)


def test_a_damaged_file_is_named(keys: KeyStore, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("[{]")
    with pytest.raises(ConfigError, match=r"keys\.json is damaged"):
        keys.list()


def test_the_command_line_makes_rotates_and_revokes_and_notes_it(tmp_path: Path) -> None:
    workspace = Workspace.open(write_shop(tmp_path / "shop"))
    folder = ["-w", str(workspace.root)]
    runner = CliRunner()
    first = runner.invoke(commands, ["create", "--scope", "recommend:read", "--rate", "60/minute", *folder]).stdout.strip()
    second = runner.invoke(commands, ["rotate", first.split("_")[1], "--grace", "1h", *folder]).stdout.strip()
    assert {key.rate for key in KeyStore(workspace.keys).list()} == {"60/minute"}
    listed = runner.invoke(commands, ["list", *folder]).stdout
    assert first.split("_", 2)[2] not in listed
    assert second.split("_")[1] in listed
    assert "revoked" in runner.invoke(commands, ["revoke", first.split("_")[1], *folder]).stdout
    for wrong in (["create", "--scope", "recommend:read", "--rate", "fast"], ["rotate", second.split("_")[1], "--grace", "soon"]):
        assert isinstance(runner.invoke(commands, [*wrong, *folder]).exception, InputError)
    noted = [json.loads(line) for line in workspace.audit.read_text().splitlines()]
    assert [(line["actor"], line["action"]) for line in noted] == [("command line", f"keys {what}") for what in ("create", "rotate", "revoke")]
    assert first.split("_", 2)[2] not in workspace.audit.read_text()
