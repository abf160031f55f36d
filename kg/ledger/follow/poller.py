"""One thread per process that waits for the ledger to grow, looks at its counters, and notifies the followers of each stream that grew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import select

from kg.errors import LedgerUnavailableError
from kg.ledger.database import Database
from kg.ledger.tables import counters
from kg.ledger.watch import GrowthWait

_RETRY_S = 0.25
_LOOK_S, _QUERY_EVERY_S = 1.0, 5.0
log = structlog.get_logger("ledger")


class LedgerPoller:
    """Follows the streams of a ledger.

    Args:
        database: The ledger.
        poll_s: Shortest time between two looks at its counters.
    """

    def __init__(self, database: Database, *, poll_s: float) -> None:
        self._database = database
        self._growth = GrowthWait(lambda: database.watch(poll_s), poll_s)
        self._listeners: dict[str, Callable[[], None]] = {}
        self._number: int | None = None
        self._next_query = 0.0
        self._seen: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ledger-follower", daemon=True)
        self.up = False
        """Whether the ledger answered when it was last looked at."""

    def follow(self, stream: str, catch_up: Callable[[], None]) -> None:
        """Have `catch_up` called, in this thread, whenever numbers of a stream were given since it was last called.

        Args:
            stream: A name in `counters`.
            catch_up: Reads what is new; what it raises as `LedgerUnavailableError` is tried again.
        """
        self._listeners[stream] = catch_up

    def start(self) -> None:
        """Look once, so that what follows is up to date, and go on looking."""
        self._growth.open()
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._growth.close()
        self._thread.join(10)
        self._growth.release()

    def _work(self) -> None:
        while not self._stop.is_set():
            if self.up:
                self._growth.wait(_LOOK_S)
            else:
                self._stop.wait(_RETRY_S)
            if not self._stop.is_set():
                self._look()

    def _changed(self) -> bool:
        """Say whether the counters are worth a query: when something was appended, and once in a while whatever the sign says."""
        number, now = self._database.change_number(), time.monotonic()
        if self.up and number == self._number and now < self._next_query:
            return False
        self._number, self._next_query = number, now + _QUERY_EVERY_S
        return True

    def _look(self) -> None:
        try:
            if not self._changed():
                return
            with self._database.reading() as connection:
                current = {name: int(value) for name, value in connection.execute(select(counters.c.name, counters.c.value))}
            for stream, catch_up in self._listeners.items():
                if current.get(stream) != self._seen.get(stream):
                    catch_up()
                    self._seen[stream] = current.get(stream, 0)
        except LedgerUnavailableError as error:
            if self.up or not self._thread.is_alive():
                log.error("ledger down", detail=error.message)
            self.up = False
            return
        except Exception as error:
            # A mistake of ours must not end the thread: answers would silently grow old.
            if self.up or not self._thread.is_alive():
                log.error("following the ledger failed", exc_info=error)
            self.up = False
            return
        if not self.up:
            log.info("ledger up")
        self.up = True
