"""What is measured: lists and their effects, each event once, whoever counts and however often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.canary import measurements
from kg.canary.comparison import compared
from kg.canary.measurements import Measurements, Seen
from kg.canary.state import Arm, Canary
from kg.catalog.records import StoredEvent
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.settings import LedgerConfig

CANARY = Canary("20260102T000000-000002", "20260101T000000-000001", 0.1, 1000.0, window_s=60.0)


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventStore]:
    database = Database.open(tmp_path / "ledger.db", LedgerConfig())
    yield EventStore(database)
    database.close()


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measurements:
    # Events count at once: there is one worker.
    monkeypatch.setattr(measurements, "_SETTLED_S", -1.0)
    found = Measurements(tmp_path / "canary.db")
    found.begin(CANARY, 0)
    return found


def show(measured: Measurements, arm: Arm, user_id: str, *item_ids: str, at_s: float | None = None, ms: float = 3.0) -> None:
    seen = Seen()
    seen.list_served(arm, user_id, item_ids, ms / 1000, time.time() if at_s is None else at_s)
    measured.add(CANARY, seen)


def happen(events: EventStore, event_id: str, user_id: str, item_id: str, kind: str = "view") -> None:
    event = StoredEvent(
        seq=0, user_id=user_id, item_id=item_id, kind=kind, time=time.time(), quantity=1.0, value=None, price_cents=None, event_id=event_id
    )
    assert events.append([event])[0].status == "accepted"


def test_lists_of_all_workers_add_up(measured: Measurements) -> None:
    for ms in (3.0, 4.0, 40.0):
        show(measured, "canary", "u", "a", ms=ms)
    show(measured, "control", "v", "a", ms=9000.0)
    seen = Seen()
    seen.failed("canary")
    measured.add(CANARY, seen)
    found = compared(measured.counted(CANARY))
    ours, theirs = found["canary"], found["control"]
    assert (ours["lists"], ours["users"], ours["errors"], ours["error_fraction"]) == (3, 1, 1, 0.25)
    assert (ours["mean_ms"], ours["p95_ms"]) == (pytest.approx(47 / 3, abs=0.01), 50)
    assert (theirs["lists"], theirs["p95_ms"]) == (1, None)


def test_events_after_a_list_count_once(measured: Measurements, events: EventStore) -> None:
    happen(events, "before", "u", "a")
    measured.begin(CANARY, events.last_seq())
    show(measured, "canary", "u", "a", "b")
    show(measured, "control", "v", "a")
    happen(events, "1", "u", "a")
    happen(events, "2", "u", "a", "purchase")
    happen(events, "3", "u", "c")  # was not shown
    happen(events, "4", "w", "a")  # got no list
    happen(events, "5", "v", "a")
    happen(events, "6", "u", "b")
    for _ in range(3):
        measured.count_events(CANARY, events)
    found = compared(measured.counted(CANARY))
    assert found["canary"]["events"] == {"view": 2, "purchase": 1}
    assert found["canary"]["users_with"] == {"view": 1, "purchase": 1}
    assert found["control"]["events"] == {"view": 1}


@pytest.mark.parametrize(("shown_s", "counts"), [([-61.0], 0), ([-59.0], 1), ([-300.0, -61.0], 0), ([-110.0, -70.0], 0), ([-90.0, -40.0], 1)])
def test_an_event_counts_within_the_window_after_a_list(measured: Measurements, events: EventStore, shown_s: list[float], counts: int) -> None:
    for at_s in shown_s:
        show(measured, "canary", "u", "a", at_s=time.time() + at_s)
    happen(events, "1", "u", "a")
    measured.count_events(CANARY, events)
    assert compared(measured.counted(CANARY))["canary"]["events"].get("view", 0) == counts


def test_an_event_before_the_list_is_not_its_effect(measured: Measurements, events: EventStore) -> None:
    happen(events, "1", "u", "a")
    show(measured, "canary", "u", "a", at_s=time.time() + 1)
    measured.count_events(CANARY, events)
    assert compared(measured.counted(CANARY))["canary"]["events"] == {}


def test_young_events_wait_until_all_workers_have_written(tmp_path: Path, events: EventStore) -> None:
    measured = Measurements(tmp_path / "canary.db")
    measured.begin(CANARY, 0)
    happen(events, "1", "u", "a")
    assert measured.count_events(CANARY, events) == 0


def test_what_is_too_old_to_have_an_effect_is_forgotten(measured: Measurements, events: EventStore) -> None:
    show(measured, "canary", "u", "a", at_s=time.time() - 100)
    show(measured, "canary", "u", "b")
    measured.count_events(CANARY, events)
    with measured._writing() as connection:
        assert connection.execute("SELECT item_id FROM shown").fetchall() == [("b",)]


def test_another_canary_begins_with_nothing(measured: Measurements) -> None:
    show(measured, "canary", "u", "a")
    later = Canary(CANARY.build_id, CANARY.published, 0.1, 2000.0)
    measured.begin(later, 0)
    assert measured.counted(CANARY) == measured.counted(later) == {}
    assert (measured._path.stat().st_mode & 0o777) == 0o600
