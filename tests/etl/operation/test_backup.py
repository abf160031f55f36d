"""What a backup holds comes back, and gives equal answers; nothing else comes out of one."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from etl.operation.backup import backup, restore
from etl.operation.doctor import examine
from etl.operation.status import as_metrics, as_text, status
from etl.published import published_recommender
from kg.config import load_config
from kg.errors import ConflictError, InputError, LedgerUnavailableError, NotFoundError
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.settings import LedgerConfig
from kg.workspace import Workspace
from tests.ledgers import ledger_url_of, sent_event
from tests.small_shop import built_small_shop, key_of


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Rebuilt by the command, with a graph database that is down: the build is published all the same."""
    workspace = built_small_shop(tmp_path_factory.mktemp("backup") / "shop", {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:1"})
    key_of(workspace, "recommend:read")
    return workspace


def answers(workspace: Workspace) -> list[tuple[str, list[tuple[str, float, list[str]]]]]:
    recommender = published_recommender(workspace)
    lists = {user: recommender.recommend(user, k=5).items for user in recommender.artifact.user_ids}
    return [(user, [(i.item_id, i.score, [reason.sentence for reason in i.reasons]) for i in items]) for user, items in lists.items()]


def test_a_backup_while_events_arrive_comes_back_with_equal_answers(shop: Workspace, tmp_path: Path) -> None:
    done = threading.Event()
    acknowledged = 0

    def write() -> None:
        nonlocal acknowledged
        with closing(Database.open(shop.ledger, LedgerConfig())) as ledger:
            store = EventStore(ledger)
            while not done.is_set():
                store.append([sent_event(f"backup{acknowledged}", "u", "1", "view", 1.7e9)])
                acknowledged += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while acknowledged < 5:
            done.wait(0.01)
        before = acknowledged
        held = backup(shop, load_config(shop.root, {}), tmp_path / "shop.tar.gz")
        after = acknowledged
    finally:
        done.set()
        writer.join()
    assert (tmp_path / "shop.tar.gz").stat().st_mode & 0o777 == 0o600
    assert held.build_id == shop.current_id()
    assert {"reckon.toml", "keys.json", "ledger.db"} <= set(held.files)
    restored = restore(tmp_path / "shop.tar.gz", tmp_path / "again")
    assert restored.files == held.files
    again = Workspace.open(tmp_path / "again")
    assert answers(again) == answers(shop)
    assert again.keys.read_bytes() == shop.keys.read_bytes()
    with closing(Database.open(again.ledger, LedgerConfig())) as ledger:
        assert before <= EventStore(ledger).last_seq() <= after + 1


def test_it_goes_into_an_empty_folder_only(shop: Workspace, tmp_path: Path) -> None:
    backup(shop, load_config(shop.root, {}), tmp_path / "shop.tar.gz")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(ConflictError, match="is not empty"):
        restore(tmp_path / "shop.tar.gz", tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "shop.tar.gz", tmp_path / "empty")
    with pytest.raises(NotFoundError):
        restore(tmp_path / "none.tar.gz", tmp_path / "new")


def test_a_damaged_backup_leaves_nothing(shop: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "shop.tar.gz"
    backup(shop, load_config(shop.root, {}), path)
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])
    with pytest.raises(InputError, match="damaged"):
        restore(path, tmp_path / "new")
    assert [each.name for each in tmp_path.iterdir()] == ["shop.tar.gz"]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "workspace/../../outside"])
def test_nothing_comes_out_beside_the_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, body in ((name, b"x"), ("manifest.json", json.dumps({"format": 1, "files": {}, "build_id": None}).encode())):
            entry = tarfile.TarInfo(member)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    with pytest.raises(InputError, match="no backup of ours"):
        restore(path, tmp_path / "new")
    assert [each.name for each in tmp_path.iterdir()] == ["evil.tar.gz"]


def test_the_state_of_a_sound_workspace(shop: Workspace) -> None:
    found = status(shop, load_config(shop.root, {}))
    assert found["build"]["build_id"] == shop.current_id()
    assert found["running"] == {}
    assert found["last"]["status"] == "finished"
    assert found["builds"]["n"] == 1
    assert [warning for warning in found["warnings"] if "disk" not in warning] == []
    text = as_text(found)
    assert f"published   {shop.current_id()}" in text
    metrics = as_metrics(found)
    assert "reckon_rebuild_last_failed 0\n" in metrics
    assert all(line.startswith(("#", "reckon_rebuild_")) for line in metrics.splitlines())


def test_a_stale_build_is_warned_of(shop: Workspace) -> None:
    found = status(shop, load_config(shop.root, {"RECKON__REBUILD__STALE_AFTER_H": "0.0000001"}))
    assert any("hours old" in warning for warning in found["warnings"])


def test_the_doctor_finds_what_is_wrong_and_says_the_fix(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad() -> dict[str, str]:
        return {each.what: each.fix for each in examine(shop.root) if not each.ok and each.what not in ("memory", "disk")}

    assert bad() == {}
    monkeypatch.setenv("RECKON__GRAPH__URI", "bolt://127.0.0.1:1")
    assert "RECKON__GRAPH__URI" in bad()["graph database"]
    monkeypatch.delenv("RECKON__GRAPH__URI")
    shop.keys.chmod(0o644)
    assert bad() == {"rights": f"chmod 600 {shop.keys}"}
    shop.keys.chmod(0o600)
    broken = shop.build(str(shop.current_id())) / "attributes.parquet"
    body = broken.read_bytes()
    broken.write_bytes(body[:-1] + b"?")
    assert bad() == {"build": "run `reckon rebuild`; it mends it"}
    broken.write_bytes(body)
    monkeypatch.setenv("RECKON__SHPO__NAME", "x")
    assert "configuration" in bad()


def test_a_ledger_in_postgresql_is_dumped_and_comes_back(shop: Workspace, tmp_path: Path) -> None:
    dump, put_back = shutil.which("pg_dump"), shutil.which("pg_restore")
    if dump is None or put_back is None:
        pytest.skip("the PostgreSQL client tools are not installed")
    with ledger_url_of("postgresql") as url:
        with closing(Database.open(shop.ledger, LedgerConfig(url=SecretStr(url)))) as ledger:
            EventStore(ledger).append([sent_event("in postgresql", "u", "1", "view", 1.7e9)])
        held = backup(shop, load_config(shop.root, {"RECKON__LEDGER__URL": url}), tmp_path / "shop.tar.gz")
        assert "ledger.pgdump" in held.files
        restore(tmp_path / "shop.tar.gz", tmp_path / "again")
        script = subprocess.run([put_back, "--file=-", str(tmp_path / "again" / "ledger.pgdump")], capture_output=True, text=True, check=True).stdout
        assert "in postgresql" in script
        down = {"RECKON__LEDGER__URL": "postgresql+psycopg://nobody:hush@127.0.0.1:1/none"}
        with pytest.raises(LedgerUnavailableError, match="pg_dump failed") as raised:
            backup(shop, load_config(shop.root, down), tmp_path / "other.tar.gz")
        assert "hush" not in str(raised.value)
        assert not (tmp_path / "other.tar.gz").exists()
