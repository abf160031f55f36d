"""Group commit: what many requests bring while the disk is busy becomes durable together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from kg.catalog.records import StoredEvent
from kg.errors import LedgerUnavailableError, OverloadedError
from kg.ledger.event_store import Appended, EventStore

GROUP_EVENTS = 5_000
Outcomes = list[Appended]


@dataclass(frozen=True, slots=True)
class _Request:
    events: Sequence[StoredEvent]
    answer: Future[Outcomes] = field(default_factory=Future)


class GroupWriter:
    """Appends events of many callers in few transactions, from one thread.

    Args:
        store: Where they go.
        queue_events: Events that may wait; a request beyond that is refused at once.
        appended: Called with the accepted events of each transaction, after the commit and before any caller has its answer.
    """

    def __init__(self, store: EventStore, *, queue_events: int, appended: Callable[[Sequence[StoredEvent]], None]) -> None:
        self._store, self._limit, self._appended = store, queue_events, appended
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._count = threading.Lock()
        self._waiting = 0
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._queue.put(None)
        self._thread.join(30)

    @property
    def waiting(self) -> int:
        """Events that wait for the disk."""
        return self._waiting

    def submit(self, events: Sequence[StoredEvent]) -> Future[Outcomes]:
        """Queue events; the future has what became of each once they are durable. Cancelled before its turn, nothing of it is written.

        Raises:
            OverloadedError: Too many events wait already.
        """
        request = _Request(events)
        with self._count:
            if self._waiting and self._waiting + len(events) > self._limit:
                raise OverloadedError(f"{self._waiting:,} events wait for the ledger", hint="send them again in a moment, with the same event ids")
            self._waiting += len(events)
        self._queue.put(request)
        return request.answer

    def _work(self) -> None:
        while (group := self._group()) is not None:
            live = [request for request in group if request.answer.set_running_or_notify_cancel()]
            self._write(live)
            with self._count:
                self._waiting -= sum(len(request.events) for request in group)

    def _group(self) -> list[_Request] | None:
        """Wait for a request and return it with all that wait behind it, up to the size of a group; None at the end."""
        first = self._queue.get()
        if first is None:
            return None
        group, size = [first], len(first.events)
        while size < GROUP_EVENTS:
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                break
            if request is None:
                self._queue.put(None)
                break
            group.append(request)
            size += len(request.events)
        return group

    def _write(self, group: Sequence[_Request]) -> None:
        events = [event for request in group for event in request.events]
        try:
            outcomes = self._store.append(events)
            # The tail needs neither ids nor properties, and holds many events in memory.
            pairs = zip(events, outcomes, strict=True)
            accepted = [replace(event, seq=outcome.seq, event_id="", properties=None) for event, outcome in pairs if outcome.status == "accepted"]
            self._appended(accepted)
        except LedgerUnavailableError as error:
            for request in group:
                request.answer.set_exception(error)
            return
        except Exception as error:
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            # One request of the group holds something that the database refuses: the others must not suffer.
            for request in group:
                self._write([request])
            return
        start = 0
        for request in group:
            request.answer.set_result(outcomes[start : start + len(request.events)])
            start += len(request.events)
