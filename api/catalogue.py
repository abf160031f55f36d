"""The catalogue's changes as a worker holds them: what may be shown at once, what is scored as soon as it has been extracted."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from prometheus_client import Gauge

from gnn.artifact import Artifact
from gnn.fresh.live import LiveItem
from gnn.fresh.overlay import Overlay
from kg.catalogue import ItemChange
from kg.ledger.catalogue import CatalogueStore, LiveRow

LAG = Gauge("reckon_catalogue_lag_seconds", "Age of the oldest change of an item that has not been extracted yet", multiprocess_mode="max")
_PART = 5_000


class CatalogueTail:
    """The changes of items since the build.

    Args:
        store: The ledger's.
    """

    def __init__(self, store: CatalogueStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._watermark = 0
        self._changes: list[ItemChange] = []
        self._rows: dict[str, tuple[LiveRow, LiveItem]] = {}
        self._seq, self._revision, self._extracted = 0, 0, 0
        self.version = 0
        """Grows with every change."""

    def catch_up(self) -> None:
        """Read what is new in the ledger.

        Raises:
            LedgerUnavailableError: It does not answer.
        """
        full = True
        while full:
            part = self._store.after(self._seq, _PART)
            with self._lock:
                # The texts of an item are of no use here, and may be long.
                self._changes += [_brief(change) for change in part if change.seq > self._seq]
                self._seq = max([self._seq, *(change.seq for change in part)])
                self.version += bool(part)
            full = len(part) == _PART
        rows = self._store.live_after(self._revision)
        with self._lock:
            for row in rows:
                self._rows[row.item_id] = row, live_item(row)
                self._revision = max(self._revision, row.revision)
                self._extracted = max(self._extracted, row.seq)
            self.version += bool(rows)
            waiting = [change.received_s for change in self._changes if change.seq > self._extracted]
        LAG.set(max(0.0, time.time() - min(waiting)) if waiting else 0.0)

    @property
    def waiting_s(self) -> float:
        """How long the oldest change has waited to be extracted; 0 where none waits."""
        with self._lock:
            waiting = [change.received_s for change in self._changes if change.seq > max(self._extracted, self._watermark)]
        return max(0.0, time.time() - min(waiting)) if waiting else 0.0

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
                self._changes, self._rows, self._seq, self._revision = [], {}, watermark, 0
            else:
                self._changes = [change for change in self._changes if change.seq > watermark]
                self._rows = {item_id: found for item_id, found in self._rows.items() if found[0].seq > watermark}
                self._seq = max(self._seq, watermark)
            self._watermark = watermark

    def overlay(self, artifact: Artifact, previous: Overlay | None) -> Overlay:
        """Return what changed since a build.

        Args:
            artifact: The build.
            previous: The overlay before this one.
        """
        available, gone = self.standing(artifact)
        with self._lock:
            rows = [found for found in self._rows.values() if found[0].seq > artifact.catalogue_seq]
        items = [item for row, item in rows if not row.deleted and item.item_id not in gone]
        return Overlay.of(artifact, items, available=available, gone=gone, previous=previous)

    def standing(self, artifact: Artifact) -> tuple[dict[str, bool], set[str]]:
        """Return which items may be shown, where changes since a build say so, and which are deleted."""
        with self._lock:
            return standing([change for change in self._changes if change.seq > artifact.catalogue_seq])


def standing(changes: Sequence[ItemChange]) -> tuple[dict[str, bool], set[str]]:
    """Return which items may be shown, where changes say so, and which are deleted."""
    available: dict[str, bool] = {}
    gone: set[str] = set()
    for change in changes:
        if change.operation == "delete":
            gone.add(change.item_id)
        elif change.operation == "put":
            gone.discard(change.item_id)
            available[change.item_id] = change.fields.get("available") is not False
        elif "available" in change.fields:
            available[change.item_id] = change.fields["available"] is not False
    return available, gone


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


def _brief(change: ItemChange) -> ItemChange:
    fields = {"available": change.fields["available"]} if "available" in change.fields else {}
    return ItemChange(change.seq, change.item_id, change.operation, fields, change.received_s)
