"""Events are stored once each, in the order of their numbers, and tell what became of them."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pydantic import SecretStr

from kg.catalog.records import InterestEdit, StoredEvent
from kg.errors import ConfigError, LedgerUnavailableError
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.settings import LedgerConfig
from kg.ledger.tables import METADATA, counters, events
from kg.ledger.user_store import UserStore
from tests.ledgers import sent_event


def event(number: int, user: str = "u", item: str = "1", kind: str = "view") -> StoredEvent:
    return sent_event(f"e{number}", user, item, kind, 1000.0 + number)


def test_an_event_is_stored_once_and_says_so(database: Database) -> None:
    store = EventStore(database)
    assert [(one.status, one.seq) for one in store.append([event(1), event(2), event(1)])] == [("accepted", 1), ("accepted", 2), ("duplicate", 1)]
    assert [(one.status, one.seq) for one in store.append([event(2), event(3), event(1, item="9")])] == [
        ("duplicate", 2),
        ("accepted", 3),
        ("conflict", 1),
    ]
    assert [found.seq for found in store.after(0, 10)[0]] == [1, 2, 3]
    assert store.last_seq() == 3


def test_everything_sent_is_read_back(database: Database) -> None:
    store = EventStore(database)
    sent = sent_event("e", "Ünï/ 1", None, "search", 1.5, 2.0, 4.5, 1999, {"query": "tea 🍵", "deep": [1, {"a": None}]})
    store.append([sent, event(2, user="v")])
    (stored,) = store.of_user("Ünï/ 1")
    assert replace(stored, seq=0, received_s=0.0) == sent
    assert [[part.seq for part in parts] for parts in store.scan(2, size=1)] == [[1], [2]]
    assert [found.seq for found in store.of_user_after("v", 0, 5)] == [2]


def test_pages_of_a_user_are_latest_first(database: Database) -> None:
    store = EventStore(database)
    store.append([event(n, user="uv"[n % 2]) for n in range(10)])
    first = store.of_user("u", limit=3)
    then = store.of_user("u", before=first[-1].seq, limit=3)
    assert [found.seq for found in (*first, *then)] == [9, 7, 5, 3, 1]


def test_numbers_follow_commits_whoever_appends(database: Database) -> None:
    """A reader that has seen number n never finds a smaller one later: the tail of every worker rests on this."""
    store, done = EventStore(database), threading.Event()
    seen: list[Any] = []

    def append(worker: int) -> None:
        for n in range(12):
            store.append([event(worker * 1000 + n * 2), event(worker * 1000 + n * 2 + 1)])

    def follow() -> None:
        while not done.is_set():
            seen.extend(found.seq for found in store.after(seen[-1] if seen else 0, 1000)[0])

    store.last_seq()
    reader, writers = threading.Thread(target=follow), [threading.Thread(target=append, args=(worker,)) for worker in range(4)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    while len(seen) < 96 and reader.is_alive():
        done.wait(0.01)
    done.set()
    reader.join()
    assert seen == list(range(1, 97))


def test_declarations_and_edits(database: Database) -> None:
    people = UserStore(database)
    assert people.put({"u": {"city": ["Oslo"], "likes": ["tea", "jazz"]}, "v": {}}) == 2
    assert people.put({"u": {"city": ["Bergen"]}}) == 3
    assert people.declared("u") == {"city": ["Bergen"]}
    assert people.declared("nobody") == {}
    assert dict(people.all_declared()) == {"u": {"city": ["Bergen"]}, "v": {}}
    people.edit([InterestEdit("u", "has_brand", "Leafy", 0.0), InterestEdit("u", "has_category", "Tea", 0.5)])
    people.edit([InterestEdit("u", "has_brand", "Leafy", 1.0)])
    assert [(edit.value, edit.weight, edit.revision) for edit in people.edits_after(0)] == [("Tea", 0.5, 2), ("Leafy", 1.0, 3)]
    assert [edit.value for edit in people.edits_after(2)] == ["Leafy"]


def test_migrations_make_the_declared_tables(database: Database) -> None:
    with database.reading() as connection:
        inspector = sqlalchemy.inspect(connection)
        for table in METADATA.sorted_tables:
            assert {column["name"] for column in inspector.get_columns(table.name)} == {column.name for column in table.columns}
            assert {index["name"] for index in inspector.get_indexes(table.name) if not index.get("duplicates_constraint")} == {
                index.name for index in table.indexes
            }
        assert set(connection.scalars(sqlalchemy.select(counters.c.name))) >= {"events", "users", "profiles"}


def test_workers_that_start_at_once_migrate_once(ledger_url: str, tmp_path: Path) -> None:
    databases = [Database.open(tmp_path / "ledger.db", LedgerConfig(url=SecretStr(ledger_url))) for _ in range(4)]
    errors = []

    def start(database: Database) -> None:
        try:
            EventStore(database).append([event(1)])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert EventStore(databases[0]).last_seq() == 1
    for database in databases:
        database.close()


def test_a_ledger_of_a_newer_reckon_is_refused(database: Database, tmp_path: Path, ledger_url: str) -> None:
    with database.writing() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = '9999'"))
    later = Database.open(tmp_path / "ledger.db", LedgerConfig(url=SecretStr(ledger_url)))
    with pytest.raises(LedgerUnavailableError, match="9999"):
        EventStore(later).last_seq()
    later.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = Database.open(path, LedgerConfig())
    EventStore(database).append([event(1)])
    assert {stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()} == {0o600}
    with database.reading() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
    database.close()


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "nonsense secret", "sqlite://"])
def test_another_kind_of_database_is_refused_without_showing_the_secret(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Database.open(tmp_path / "ledger.db", LedgerConfig(url=SecretStr(url)))
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "x", LedgerConfig(url=SecretStr("postgres://u:secret@127.0.0.1:1/none")))
    with pytest.raises(LedgerUnavailableError) as caught:
        EventStore(database).last_seq()
    assert "secret" not in str(caught.value)
    assert database.shown_url == "postgresql+psycopg://u:***@127.0.0.1:1/none"
    with pytest.raises(LedgerUnavailableError, match="cannot be opened"):
        EventStore(Database.open(tmp_path / "none" / "ledger.db", LedgerConfig())).last_seq()


def test_events_are_counted_by_the_hour_in_which_they_came(database: Database) -> None:
    store = EventStore(database)
    assert store.received_by_hour(0, 3) == [0, 0, 0]
    store.append([event(number) for number in range(1, 41)])
    with database.writing() as connection:
        # Every ten minutes one, from ten past midnight on.
        connection.execute(sqlalchemy.update(events).values(received_s=events.c.seq * 600.0))
    assert store.received_by_hour(0, 8) == [5, 6, 6, 6, 6, 6, 5, 0]
    assert store.received_by_hour(3, 2) == [6, 6]
    assert store.received_by_hour(9, 2) == [0, 0]
