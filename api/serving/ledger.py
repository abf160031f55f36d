"""The ledger as a worker holds it: the writer of its own events, the tail of everybody's, and the edited interests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import Counter, Gauge

from kg.catalog.records import InterestEdit, StoredEvent
from kg.errors import LedgerUnavailableError
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.follow.poller import LedgerPoller
from kg.ledger.follow.recent_events import RecentEvents
from kg.ledger.group_commit import GroupWriter
from kg.ledger.interests import Interests
from kg.ledger.settings import LedgerConfig
from kg.ledger.tables import EVENTS, PROFILES
from kg.ledger.user_store import UserStore

OUTCOMES = Counter("reckon_events_total", "Events sent, by what became of them", ["outcome"])
UNKNOWN_ITEMS = Counter("reckon_events_unknown_items_total", "Accepted events about items that the build does not know")
SINCE_BUILD = Gauge("reckon_events_since_build", "Events that the build which answers does not know", multiprocess_mode="max")
LAG = Gauge(
    "reckon_event_lag_seconds",
    "Longest time in the last second from an acknowledgement to the event's being known to a worker",
    multiprocess_mode="max",
)
BYTES = Gauge("reckon_ledger_bytes", "Size of the ledger on disk", multiprocess_mode="max")
WAITING = Gauge("reckon_events_waiting", "Events that wait for the disk", multiprocess_mode="sum")
UP = Gauge("reckon_ledger_up", "Whether the ledger answers", multiprocess_mode="min")
_SIZE_EVERY_S = 10.0


class ServingLedger:
    """The ledger of one worker.

    Args:
        path: File of the embedded default.
        config: The `[ledger]` section.

    Attributes:
        config: The same.
        database: For whoever keeps other tables in it.
        follower: Tells when a stream grew.
        events: Its events.
        people: What users declared and edited.
        interests: The edits, in memory.
        writer: Appends events.
    """

    def __init__(self, path: Path, config: LedgerConfig) -> None:
        self.config = config
        self.database = Database.open(path, config)
        self.events, self.people = EventStore(self.database), UserStore(self.database)
        self.interests = Interests(self.people)
        self._tail = RecentEvents(self.events, max_events=config.tail_events, max_per_user=config.tail_events_per_user)
        self.writer = GroupWriter(self.events, queue_events=config.queue_events, appended=self._tail.offer)
        self.follower = LedgerPoller(self.database, poll_s=config.poll_ms / 1000)
        self.follower.follow(EVENTS, self._tail.catch_up)
        self.follower.follow(PROFILES, self.interests.catch_up)
        self._next_size = 0.0

    def start(self, watermark: int) -> None:
        """Catch up, follow, and take events. A ledger that is down is no reason not to serve.

        Args:
            watermark: `events_seq` of the build that answers.
        """
        self._tail.move(watermark)
        self.follower.start()
        self.writer.start()

    def stop(self) -> None:
        """Write what waits and close."""
        self.writer.stop()
        self.follower.stop()
        self.database.close()

    @property
    def up(self) -> bool:
        """Whether it answered when it was last looked at."""
        return self.follower.up

    def fresh(self, user_id: str, watermark: int) -> Sequence[StoredEvent]:
        """Return what a user did since the build whose `events_seq` this is."""
        return self._tail.fresh(user_id, watermark, ledger_up=self.up)

    def edit(self, edits: Sequence[InterestEdit]) -> None:
        """Store edits of interests; this worker's next answer follows them, the others' within a poll.

        Raises:
            LedgerUnavailableError: The ledger does not answer.
        """
        self.people.edit(edits)
        self.interests.catch_up()

    def look(self, watermark: int) -> None:
        """Keep in step with the build that answers, and measure; called about once a second.

        Args:
            watermark: The build's `events_seq`.
        """
        self._tail.move(watermark)
        SINCE_BUILD.set(max(0, self._tail.last_seq - watermark))
        LAG.set(self._tail.take_lag_s())
        WAITING.set(self.writer.waiting)
        UP.set(self.up)
        if time.monotonic() >= self._next_size and self.up:
            self._next_size = time.monotonic() + _SIZE_EVERY_S
            try:
                BYTES.set(self.database.size_bytes())
            except LedgerUnavailableError:
                return
