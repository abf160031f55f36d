"""Any sequence of sending, sending again, restarting and publishing leaves the ledger and its tail as a simple model has it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kg.catalog.records import StoredEvent
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.follow.recent_events import RecentEvents
from kg.ledger.group_commit import GroupWriter
from kg.ledger.settings import LedgerConfig
from tests.ledgers import sent_event

EVENT_IDS = st.integers(0, 30).map(lambda n: f"e{n}")
USERS = st.sampled_from(["u", "v", "w"])
EVENTS = st.builds(sent_event, EVENT_IDS, USERS, st.sampled_from(["1", "2", None]), st.sampled_from(["search", "view"]), st.just(1.0))
MAX_EVENTS, MAX_PER_USER = 6, 5


class Process:
    """One worker: a store, its tail and its writer, on the common file."""

    def __init__(self, path: Path, watermark: int) -> None:
        self.database = Database.open(path, LedgerConfig(synchronous="normal"))
        self.store = EventStore(self.database)
        self.tail = RecentEvents(self.store, max_events=MAX_EVENTS, max_per_user=MAX_PER_USER)
        self.tail.move(watermark)
        self.writer = GroupWriter(self.store, queue_events=1_000, appended=self.tail.offer)
        self.writer.start()

    def stop(self) -> None:
        self.writer.stop()
        self.database.close()


class LedgerModel(RuleBasedStateMachine):
    """The model is a list of events in the order of their acknowledgement."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-model-"))
        self.watermark = 0
        self.model: list[Any] = []
        self.processes = [Process(self.folder / "ledger.db", 0) for _ in range(2)]

    @rule(worker=st.integers(0, 1), sent=st.lists(EVENTS, min_size=1, max_size=6))
    def send(self, worker: int, sent: list[StoredEvent]) -> None:
        outcomes = self.processes[worker].writer.submit(sent).result(30)
        for event, outcome in zip(sent, outcomes, strict=True):
            places = {kept.event_id: seq for seq, kept in enumerate(self.model, start=1)}
            if event.event_id not in places:
                self.model.append(event)
                assert (outcome.status, outcome.seq) == ("accepted", len(self.model))
            else:
                kept = self.model[places[event.event_id] - 1]
                same = (kept.user_id, kept.item_id, kept.kind) == (event.user_id, event.item_id, event.kind)
                assert (outcome.status, outcome.seq) == ("duplicate" if same else "conflict", places[event.event_id])
        # Read your writes: this worker knows them now, the other one after its next look.
        self._check(self.processes[worker])
        self.processes[1 - worker].tail.catch_up()

    @rule(worker=st.integers(0, 1))
    def restart(self, worker: int) -> None:
        self.processes[worker].stop()
        self.processes[worker] = Process(self.folder / "ledger.db", self.watermark)

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        self.watermark = data.draw(st.integers(0, len(self.model)))
        for process in self.processes:
            process.tail.move(self.watermark)

    @invariant()
    def agrees(self) -> None:
        for process in self.processes:
            self._check(process)
        stored = [replace(row, seq=0, received_s=0.0) for part in self.processes[0].store.scan(1_000, size=4) for row in part]
        assert stored == self.model

    def _check(self, process: Process) -> None:
        assert len(process.tail) <= MAX_EVENTS
        for user in ("u", "v", "w"):
            expected = [seq for seq, event in enumerate(self.model, start=1) if event.user_id == user and seq > self.watermark][-MAX_PER_USER:]
            assert [event.seq for event in process.tail.fresh(user, self.watermark)] == expected

    def teardown(self) -> None:
        for process in self.processes:
            process.stop()
        shutil.rmtree(self.folder)


TestLedgerModel = LedgerModel.TestCase
TestLedgerModel.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
