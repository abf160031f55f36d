"""The events since the build that answers, in memory: what every worker adds to what the build knows of a shopper."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from sys import intern

from kg.catalog.records import StoredEvent
from kg.errors import LedgerUnavailableError
from kg.ledger.event_store import EventStore

_PART = 20_000


class RecentEvents:
    """Events above a watermark, by user.

    Memory is bounded: beyond `max_events` the oldest leave it, and their users' events are read from the ledger when they are asked for.

    Args:
        store: The ledger's events.
        max_events: Events kept in memory.
        max_per_user: Latest events of one user that are given.
    """

    def __init__(self, store: EventStore, *, max_events: int, max_per_user: int) -> None:
        self._store, self._max_events, self._max_per_user = store, max_events, max_per_user
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._order: deque[StoredEvent] = deque()
        self._by_user: dict[str, deque[StoredEvent]] = {}
        self._spilled: set[str] = set()
        self._floor = self._watermark = self._last = 0
        self._ready = False
        self._lag_s = 0.0

    @property
    def last_seq(self) -> int:
        """Number of the last event seen."""
        return self._last

    @property
    def watermark(self) -> int:
        """Events up to this number are forgotten: the build knows them."""
        return self._watermark

    def take_lag_s(self) -> float:
        """Return the longest time between an acknowledgement and its event's being here, since this was last asked."""
        lag, self._lag_s = self._lag_s, 0.0
        return lag

    def __len__(self) -> int:
        return len(self._order)

    def fresh(self, user_id: str, watermark: int, *, ledger_up: bool = True) -> tuple[StoredEvent, ...]:
        """Return the events of a user above a watermark, in order, at most the latest `max_per_user`.

        Args:
            user_id: Who.
            watermark: That of the build which answers; the tail's own may lag behind it for a moment.
            ledger_up: Whether to ask the ledger for what has left the memory; while it is down a request must not wait for it.
        """
        with self._lock:
            events = self._by_user.get(user_id, ())
            latest = tuple(islice(events, max(0, len(events) - self._max_per_user), None))
            complete = user_id not in self._spilled
        if not complete and ledger_up:
            # If it is down, what is in memory is better than nothing; the answer says that it is down.
            with suppress(LedgerUnavailableError):
                latest = tuple(self._store.of_user_after(user_id, watermark, self._max_per_user))
        if latest and latest[0].seq <= watermark:
            latest = tuple(event for event in latest if event.seq > watermark)
        return latest

    def offer(self, events: Sequence[StoredEvent]) -> None:
        """Take events that this process has just appended, so that its next answer knows them; those of others before them are read first."""
        if not events:
            return
        with self._lock:
            follows = self._ready and events[0].seq == self._last + 1 and events[-1].seq == self._last + len(events)
            if follows:
                self._add(events)
        if not follows:
            # They are durable already: if the ledger goes down now, the follower reads them when it is back.
            with suppress(LedgerUnavailableError):
                self.catch_up()

    def catch_up(self) -> None:
        """Read what is new in the ledger.

        Raises:
            LedgerUnavailableError: It does not answer.
        """
        # One thread at a time: what was read before a rollback must not be added after it.
        with self._reading:
            begins = not self._ready
            if begins:
                self._begin()
            full = True
            while full:
                part, received_s = self._store.after(self._last, _PART)
                with self._lock:
                    self._add(event for event in part if event.seq > self._last)
                    self._lag_s = max(self._lag_s, time.time() - received_s)
                full = len(part) == _PART
            if begins:
                # How long ago the old events came says nothing of this worker.
                self._lag_s = 0.0

    def move(self, watermark: int) -> None:
        """Forget what a build knows: events up to its watermark. Called again and again: what the ledger could not tell is read when it can.

        Args:
            watermark: The build's `events_seq`; a lower one than before (a rollback) has everything above it read again.
        """
        with self._lock:
            if watermark < self._watermark or watermark > self._last:
                self._ready = False
            self._watermark = watermark
            while self._order and self._order[0].seq <= watermark:
                self._forget()
            if watermark >= self._floor:
                self._spilled.clear()
        if not self._ready:
            with suppress(LedgerUnavailableError):
                self.catch_up()

    def _begin(self) -> None:
        """Start from the watermark; of a long backlog only the users of its older part are noted."""
        # A ledger that was exchanged for an empty one must not give numbers that the build believes it knows.
        last = self._store.raise_to(self._watermark)
        floor = max(self._watermark, last - self._max_events)
        spilled = self._store.users_between(self._watermark, floor) if floor > self._watermark else set()
        with self._lock:
            self._order.clear()
            self._by_user.clear()
            self._spilled, self._floor, self._last, self._ready = spilled, floor, floor, True

    def _add(self, events: Iterable[StoredEvent]) -> None:
        for event in events:
            self._last = event.seq
            if event.seq <= self._watermark:
                continue
            user_id = intern(event.user_id)
            self._order.append(event)
            self._by_user.setdefault(user_id, deque()).append(event)
            if len(self._order) > self._max_events:
                gone = self._forget()
                self._spilled.add(gone.user_id)
                self._floor = gone.seq

    def _forget(self) -> StoredEvent:
        oldest = self._order.popleft()
        of_user = self._by_user[oldest.user_id]
        of_user.popleft()
        if not of_user:
            del self._by_user[oldest.user_id]
        return oldest
