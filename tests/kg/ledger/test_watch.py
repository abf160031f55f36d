"""What waits for the ledger is told of every write of another connection, and of nothing else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from kg.catalog.records import InterestEdit
from kg.ledger.database import Database
from kg.ledger.settings import LedgerConfig
from kg.ledger.user_store import UserStore
from kg.ledger.watch import FileWatch, GrowthWait, PollWatch, Watch
from tests.ledgers import DATABASES, ledger_url_of

LONG_S = 30.0


@pytest.mark.parametrize("database", DATABASES)
def test_a_write_ends_the_wait(database: str, tmp_path: Path) -> None:
    with ledger_url_of(database) as url:
        watching, writing = (Database.open(tmp_path / "ledger.db", LedgerConfig(url=SecretStr(url))) for _ in range(2))
        people = UserStore(writing)
        people.edit([InterestEdit("u", "has_brand", "Leafy", 0.5)])
        watch = watching.watch(0.01)
        assert not watch.wait(0.0)
        people.edit([InterestEdit("u", "has_brand", "Leafy", 1.0)])
        assert watch.wait(LONG_S)
        watch.close()
        watching.close()
        writing.close()


def test_other_files_of_the_folder_end_no_wait(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path / "ledger.db")
    (tmp_path / "audit.jsonl").write_text("{}\n")
    assert not watch.wait(0.05)
    (tmp_path / "ledger.db-wal").write_bytes(b"x")
    assert watch.wait(LONG_S)
    watch.close()


def test_a_wait_can_be_ended_from_outside(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path / "ledger.db")
    ended = threading.Event()
    thread = threading.Thread(target=lambda: ended.set() if watch.wait(LONG_S) is not None else None)
    thread.start()
    watch.wake()
    assert ended.wait(LONG_S / 2)
    thread.join()
    watch.close()


def test_a_watch_that_cannot_be_had_is_tried_again(tmp_path: Path) -> None:
    made: list[Watch] = []

    def make() -> Watch:
        if not made:
            made.append(PollWatch(0.001))
            raise OSError("down")
        made.append(PollWatch(0.001))
        return made[-1]

    growth = GrowthWait(make, 0.001)
    assert not growth.open()
    growth.wait(0.01)
    assert len(made) == 2
    started = time.monotonic()
    growth.close()
    growth.wait(LONG_S)
    assert time.monotonic() - started < LONG_S
    growth.release()
    made[0].close()
