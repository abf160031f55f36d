"""The catalogue's changes as a worker holds them: what may be shown at once, what is scored as soon as it has been extracted."""

from __future__ import annotations

import threading
import time

from prometheus_client import Gauge

from api.serving.availability import AvailabilityLog, Waiting
from gnn.artifact.artifact import Artifact
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from kg.ledger.item_store import ItemStore, LiveRow

LAG = Gauge("reckon_catalogue_lag_seconds", "Age of the oldest change of an item that has not been extracted yet", multiprocess_mode="max")
_PART = 5_000


class RecentChanges:
    """The changes of items since the build.

    Args:
        store: The ledger's.
    """

    def __init__(self, store: ItemStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._watermark = 0
        self._changes = AvailabilityLog()
        self._waiting = Waiting()
        self._rows: dict[str, tuple[LiveRow, LiveItem]] = {}
        self._seq, self._revision = 0, 0

    def catch_up(self) -> None:
        """Read what is new in the ledger.

        Raises:
            LedgerUnavailableError: It does not answer.
        """
        full = True
        while full:
            part = self._store.after(self._seq, _PART)
            with self._lock:
                for change in part:
                    if change.seq > self._seq:
                        self._changes.add(change)
                        self._waiting.add(change)
                        self._seq = change.seq
            full = len(part) == _PART
        rows = self._store.live_after(self._revision)
        with self._lock:
            for row in rows:
                self._rows[row.item_id] = row, live_item(row)
                self._revision = max(self._revision, row.revision)
                self._waiting.done(row.seq)
        LAG.set(self.waiting_s)

    @property
    def waiting_s(self) -> float:
        """How long the oldest change has waited to be extracted; 0 where none waits."""
        with self._lock:
            since = self._waiting.since_s
        return 0.0 if since is None else max(0.0, time.time() - since)

    @property
    def watermark(self) -> int:
        """Changes up to this one are not held."""
        return self._watermark

    def move(self, watermark: int) -> None:
        """Forget what a build knows.

        Args:
            watermark: The build's `catalogue_seq`; after a rollback it is lower than before, and everything above it is read again.
        """
        with self._lock:
            if watermark < self._watermark:
                self._changes, self._rows, self._seq, self._revision = AvailabilityLog(), {}, watermark, 0
                self._waiting.again()
            else:
                self._changes.forget(watermark)
                self._waiting.done(watermark)
                self._rows = {item_id: row for item_id, row in self._rows.items() if row[0].seq > watermark}
                self._seq = max(self._seq, watermark)
            self._watermark = watermark

    def overlay(self, artifact: Artifact, previous: Overlay | None) -> Overlay:
        """Return what changed since a build.

        Args:
            artifact: The build.
            previous: The overlay before this one.
        """
        available, gone = self.availability(artifact)
        with self._lock:
            rows = [row for row in self._rows.values() if row[0].seq > artifact.catalogue_seq]
        items = [item for row, item in rows if not row.deleted and item.item_id not in gone]
        return Overlay.of(artifact, items, available=available, gone=gone, previous=previous)

    def availability(self, artifact: Artifact) -> tuple[dict[str, bool], set[str]]:
        """Return which items may be shown, where changes since a build say so, and which are deleted."""
        with self._lock:
            return self._changes.after(artifact.catalogue_seq)


def live_item(row: LiveRow) -> LiveItem:
    """Return an item of the ledger as the overlay takes it."""
    facts: dict[tuple[str, str, str], list[str]] = {}
    for fact in row.facts:
        facts.setdefault(("item", fact["relation"], fact["node_type"]), []).append(fact["value"])
    price = row.fields.get("price_cents")
    return LiveItem(
        row.item_id,
        row.fields.get("title") or row.item_id,
        {edge_type: tuple(sorted(values)) for edge_type, values in facts.items()},
        float("nan") if price is None else float(price),
    )
