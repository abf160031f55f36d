"""The tail: what every worker knows beyond the build, in bounded memory; the writer: one transaction for many, and a bounded queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from kg.catalog.records import InterestEdit, StoredEvent
from kg.errors import LedgerUnavailableError, OverloadedError
from kg.ledger.database import Database
from kg.ledger.event_store import Appended, EventStore
from kg.ledger.follow.poller import LedgerPoller
from kg.ledger.follow.recent_events import RecentEvents
from kg.ledger.group_commit import GroupWriter
from kg.ledger.interests import Interests
from kg.ledger.settings import LedgerConfig
from kg.ledger.user_store import UserStore
from tests.ledgers import sent_event


def events(first: int, last: int, users: str = "uv") -> list[StoredEvent]:
    return [sent_event(f"e{n}", users[n % len(users)], "1", "view", float(n)) for n in range(first, last)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    database = Database.open(tmp_path / "ledger.db", LedgerConfig())
    yield EventStore(database)
    database.close()


def seqs(tail: RecentEvents, user: str, watermark: int = 0) -> list[int]:
    return [event.seq for event in tail.fresh(user, watermark)]


def test_a_tail_holds_what_is_above_the_watermark(store: EventStore) -> None:
    store.append(events(0, 6))
    tail = RecentEvents(store, max_events=1_000, max_per_user=100)
    tail.move(2)
    assert (seqs(tail, "u", 2), seqs(tail, "v", 2), seqs(tail, "w", 2)) == ([3, 5], [4, 6], [])
    # A build that knows more answers already; the tail follows in a moment.
    assert seqs(tail, "u", 3) == [5]
    tail.move(5)
    assert (seqs(tail, "u", 5), seqs(tail, "v", 5), len(tail)) == ([], [6], 1)
    # A rollback makes events fresh again.
    tail.move(0)
    assert seqs(tail, "u") == [1, 3, 5]


def test_beyond_its_memory_it_asks_the_ledger(store: EventStore) -> None:
    tail = RecentEvents(store, max_events=4, max_per_user=100)
    tail.move(0)
    store.append(events(0, 10))
    tail.catch_up()
    assert len(tail) == 4
    assert seqs(tail, "u") == [1, 3, 5, 7, 9]
    assert [event.seq for event in tail.fresh("u", 0, ledger_up=False)] == [7, 9]
    assert RecentEvents(store, max_events=4, max_per_user=2).fresh("u", 0) == ()
    late = RecentEvents(store, max_events=4, max_per_user=3)
    late.move(0)
    assert (len(late), seqs(late, "u"), seqs(late, "v")) == (4, [5, 7, 9], [6, 8, 10])
    tail.move(8)
    assert [event.seq for event in tail.fresh("u", 8, ledger_up=False)] == [9]


def test_what_this_process_appends_is_there_without_asking(store: EventStore) -> None:
    tail = RecentEvents(store, max_events=1_000, max_per_user=100)
    tail.move(0)
    writer = GroupWriter(store, queue_events=1_000, appended=tail.offer)
    writer.start()
    # Another process appends in between: its events come first.
    assert writer.submit(events(0, 1)).result(10)[0].seq == 1
    EventStore(store._database).append(events(1, 3))
    assert writer.submit(events(3, 4)).result(10)[0].seq == 4
    assert (seqs(tail, "u"), seqs(tail, "v")) == ([1, 3], [2, 4])
    writer.stop()


def test_a_younger_ledger_numbers_above_the_build(store: EventStore) -> None:
    """Of a ledger that was exchanged for an empty one, new events must not have numbers that the build believes it knows."""
    tail = RecentEvents(store, max_events=1_000, max_per_user=100)
    tail.move(1_000)
    store.append(events(0, 2))
    tail.catch_up()
    assert (seqs(tail, "u", 1_000), seqs(tail, "v", 1_000)) == ([1_001], [1_002])


class Slow(EventStore):
    """A store whose disk is held until it is let go: the real one behind a gate."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.gate, self.entered = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def append(self, new: Sequence[StoredEvent]) -> list[Appended]:
        self.sizes.append(len(new))
        self.entered.set()
        assert self.gate.wait(30)
        return super().append(new)


def test_what_waits_becomes_one_transaction_and_the_queue_is_bounded(tmp_path: Path) -> None:
    slow = Slow(Database.open(tmp_path / "ledger.db", LedgerConfig()))
    writer = GroupWriter(slow, queue_events=30, appended=lambda _: None)
    writer.start()
    first = writer.submit(events(0, 10))
    assert slow.entered.wait(10)
    second, third = writer.submit(events(10, 20)), writer.submit(events(20, 30))
    with pytest.raises(OverloadedError):
        writer.submit(events(30, 31))
    # Somebody who does not wait any longer: nothing of it is written.
    assert third.cancel()
    slow.gate.set()
    assert [one.seq for one in (*first.result(10), *second.result(10))] == list(range(1, 21))
    with pytest.raises(CancelledError):
        third.result(10)
    writer.stop()
    assert writer.waiting == 0
    assert (slow.sizes, slow.last_seq()) == ([10, 10], 20)
    slow._database.close()


def test_one_bad_request_of_a_group_fails_alone(database: Database) -> None:
    slow = Slow(database)
    writer = GroupWriter(slow, queue_events=1_000, appended=lambda _: None)
    writer.start()
    held = writer.submit(events(0, 1))
    assert slow.entered.wait(10)
    bad = writer.submit([sent_event("bad", "u", "1", "view", 0.0, price_cents=2**70)])
    good = writer.submit(events(1, 2))
    slow.gate.set()
    assert [one.status for one in (*held.result(10), *good.result(10))] == ["accepted", "accepted"]
    assert bad.exception(10) is not None
    writer.stop()


def test_a_writer_whose_ledger_is_down_tells_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    store = EventStore(Database.open(folder / "ledger.db", LedgerConfig()))
    writer = GroupWriter(store, queue_events=1_000, appended=lambda _: None)
    writer.start()
    with pytest.raises(LedgerUnavailableError):
        writer.submit(events(0, 1)).result(10)
    folder.mkdir()
    assert writer.submit(events(0, 1)).result(10)[0].status == "accepted"
    writer.stop()
    store._database.close()


def test_a_follower_tells_of_every_stream(database: Database) -> None:
    people, changed = UserStore(database), threading.Event()
    interests = Interests(people)
    follower = LedgerPoller(database, poll_s=0.005)

    def catch_up() -> None:
        interests.catch_up()
        changed.set()

    follower.follow("profiles", catch_up)
    follower.start()
    assert follower.up
    changed.clear()
    people.edit([InterestEdit("u", "has_brand", "Leafy", 0.0)])
    assert changed.wait(10)
    assert [edit.value for edit in interests.of("u")] == ["Leafy"]
    people.edit([InterestEdit("u", "has_brand", "Leafy", 1.0)])
    while interests.of("u"):
        assert changed.wait(10)
        changed.clear()
    follower.stop()
