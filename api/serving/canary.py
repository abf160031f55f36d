"""A canary in one worker: whose lists it answers, what is measured of it, and its end where it fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from prometheus_client import Gauge

from api.serving.served_build import ServedBuild
from kg.canary import state
from kg.canary.comparison import ARMS, compared, due
from kg.canary.measurements import Measurements, Seen
from kg.canary.state import Arm, Canary
from kg.errors import LedgerUnavailableError
from kg.ledger.event_store import EventStore
from kg.workspace import Workspace

_NAMES = {"lists": "Lists answered", "errors": "Requests that failed", "users": "Users who got lists", "p95_ms": "Milliseconds of 95 % of the lists"}
GAUGES = {
    name: Gauge(f"reckon_canary_{name}", f"{about}, of the canary and of its control group", ["arm"], multiprocess_mode="mostrecent")
    for name, about in _NAMES.items()
}
USERS_WITH = Gauge("reckon_canary_users_with", "Users who did this after a list", ["arm", "kind"], multiprocess_mode="mostrecent")
SHARE = Gauge("reckon_canary_share", "Share of the users whom the canary answers; 0 where none runs", multiprocess_mode="mostrecent")
_WRITE_S = 1.0
_MOST_WAITING = 200_000
log = structlog.get_logger("api")


class ServingCanary:
    """The canary of one worker.

    Args:
        workspace: Where it is declared.
        events: The ledger's, from which its effects are counted.
        load: Prepares a build; None where its artifact cannot be used.
        join: Has a build answer by a function that exchanges it.
    """

    def __init__(
        self,
        workspace: Workspace,
        events: EventStore,
        load: Callable[[str], ServedBuild | None],
        join: Callable[[ServedBuild, Callable[[], None]], None],
    ) -> None:
        self._workspace, self._events, self._load, self._join = workspace, events, load, join
        self._measurements = Measurements(workspace.canary)
        # Exchanged together: who reads it once has a canary and the build that belongs to it.
        self._running: tuple[Canary, ServedBuild] | None = None
        self._seen, self._lock = Seen(), threading.Lock()
        self._next_write = 0.0

    @property
    def served(self) -> ServedBuild | None:
        """The build that is tried out."""
        running = self._running
        return None if running is None else running[1]

    def of(self, user_id: str) -> ServedBuild | None:
        """Return the build that is tried out where it answers this user."""
        running = self._running
        return running[1] if running is not None and running[0].arm(user_id) == "canary" else None

    def look(self) -> None:
        """Begin and end as the workspace says; called several times a second."""
        try:
            wanted, running = state.running(self._workspace), self._running
        except OSError as error:
            log.error("canary not read", detail=str(error))
            return
        if running is not None and (wanted is None or wanted.canary_id != running[0].canary_id):
            self._write(running[0])
            self._running = running = None
            SHARE.set(0)
            log.info("canary ended")
        if wanted is not None and running is None:
            self._begin(wanted)
        if running is not None and time.monotonic() >= self._next_write:
            self._next_write = time.monotonic() + _WRITE_S
            self._write(running[0])
            self._judge(running[0])

    def stop(self) -> None:
        """Write what is left."""
        if self._running is not None:
            self._write(self._running[0])

    def list_served(self, user_id: str, build_id: str, item_ids: Sequence[str], took_s: float) -> None:
        """Note a list, where its user is of an arm."""
        arm = self._arm(user_id, build_id)
        if arm:
            with self._lock:
                if len(self._seen.shown) < _MOST_WAITING:
                    self._seen.list_served(arm, user_id, item_ids, took_s, time.time())

    def failed(self, user_id: str, build_id: str) -> None:
        """Note a request that was answered with an error of ours."""
        arm = self._arm(user_id, build_id)
        if arm:
            with self._lock:
                self._seen.failed(arm)

    def _arm(self, user_id: str, build_id: str) -> Arm:
        """Return the arm of a user whom a build answered: of somebody whom another build answered, in between, nothing is measured."""
        running = self._running
        if running is None:
            return ""
        canary, arm = running[0], running[0].arm(user_id)
        return arm if build_id == {"canary": canary.build_id, "control": canary.published}.get(arm) else ""

    def _begin(self, canary: Canary) -> None:
        try:
            served = self._load(canary.build_id)
        except Exception as error:
            # Whatever is wrong with it, the published build goes on, and so does this thread.
            log.error("canary not prepared", build_id=canary.build_id, exc_info=error)
            served = None
        if served is None:
            self._withdraw(canary, "its artifact cannot be used")
            return
        with self._lock:
            self._seen = Seen()

        def exchange() -> None:
            self._running = canary, served

        self._join(served, exchange)
        SHARE.set(canary.share)
        log.info("canary answers", build_id=canary.build_id, share=canary.share)

    def _write(self, canary: Canary) -> None:
        with self._lock:
            seen, self._seen = self._seen, Seen()
        try:
            self._measurements.add(canary, seen)
            with suppress(LedgerUnavailableError):
                self._measurements.count_events(canary, self._events)
        except (OSError, sqlite3.Error) as error:
            # Answers go on; what was seen in this second is lost.
            log.error("canary not measured", detail=str(error))

    def _judge(self, canary: Canary) -> None:
        try:
            comparison = compared(self._measurements.counted(canary))
        except sqlite3.Error as error:
            log.error("canary not measured", detail=str(error))
            return
        for arm in ARMS:
            for name, gauge in GAUGES.items():
                gauge.labels(arm).set(comparison[arm][name] if comparison[arm][name] is not None else float("nan"))
            for kind, n in comparison[arm]["users_with"].items():
                USERS_WITH.labels(arm, kind).set(n)
        what, why = due(canary, comparison)
        if what == "withdraw":
            self._withdraw(canary, why)

    def _withdraw(self, canary: Canary, why: str) -> None:
        try:
            ended = state.end(self._workspace, canary.canary_id, "withdrawn", why)
        except OSError as error:
            log.error("canary not withdrawn", build_id=canary.build_id, detail=str(error))
            return
        if ended:
            log.error("canary withdrawn", build_id=canary.build_id, detail=why)
