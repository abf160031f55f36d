"""Which changes of items say whether they may be shown, and how long the oldest has waited. Bounded, however often items change."""

from __future__ import annotations

from collections import deque

from kg.catalog.records import ItemChange

_RESOLUTION_S = 0.1


class AvailabilityLog:
    """Which items may be shown and which are deleted, after any of the changes: of each item only the last that says so is held."""

    def __init__(self) -> None:
        # item_id → (seq, deleted), and item_id → (seq, available)
        self._kept: dict[str, tuple[int, bool]] = {}
        self._available: dict[str, tuple[int, bool]] = {}

    def __len__(self) -> int:
        return len(self._kept) + len(self._available)

    def add(self, change: ItemChange) -> None:
        """Take the next change."""
        if change.operation in ("put", "upsert", "delete"):
            self._kept[change.item_id] = change.seq, change.operation == "delete"
        if change.operation == "put" or (change.operation in ("patch", "upsert") and "available" in change.fields):
            self._available[change.item_id] = change.seq, change.fields.get("available") is not False

    def forget(self, seq: int) -> None:
        """Forget what changes up to this one said."""
        self._kept = {item_id: entry for item_id, entry in self._kept.items() if entry[0] > seq}
        self._available = {item_id: entry for item_id, entry in self._available.items() if entry[0] > seq}

    def after(self, seq: int) -> tuple[dict[str, bool], set[str]]:
        """Return which items may be shown, where changes after this one say so, and which are deleted."""
        available = {item_id: now for item_id, (at, now) in self._available.items() if at > seq}
        return available, {item_id for item_id, (at, deleted) in self._kept.items() if deleted and at > seq}


class Waiting:
    """The changes that wait to be extracted, to a tenth of a second: those that come close on one another count as one."""

    def __init__(self) -> None:
        self._since: deque[tuple[int, float]] = deque()
        self._done = 0

    def add(self, change: ItemChange) -> None:
        """Take the next change."""
        if change.seq <= self._done:
            return
        if self._since and change.received_s - self._since[-1][1] < _RESOLUTION_S:
            self._since[-1] = change.seq, self._since[-1][1]
        else:
            self._since.append((change.seq, change.received_s))

    def again(self) -> None:
        """Begin anew: the changes will be added again."""
        self._since.clear()

    def done(self, seq: int) -> None:
        """Note that changes up to this one wait no more."""
        self._done = max(self._done, seq)
        while self._since and self._since[0][0] <= self._done:
            self._since.popleft()

    @property
    def since_s(self) -> float | None:
        """When the oldest came that waits, Unix seconds; None where none waits."""
        return self._since[0][1] if self._since else None
