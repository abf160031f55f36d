"""Everybody's edited interests, in memory."""

from __future__ import annotations

import threading

from kg.catalog.records import InterestEdit
from kg.ledger.user_store import UserStore


class Interests:
    """The interests that users edited or hid; one row per edit, so few enough to be held whole.

    Args:
        store: The ledger's edits.
    """

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._by_user: dict[str, dict[tuple[str, str], InterestEdit]] = {}
        self._revision = 0

    def of(self, user_id: str) -> tuple[InterestEdit, ...]:
        """Return the edits of a user, by relation and value."""
        with self._lock:
            return tuple(edit for _, edit in sorted(self._by_user.get(user_id, {}).items()))

    def catch_up(self) -> None:
        """Read the edits that are new in the ledger.

        Raises:
            LedgerUnavailableError: It does not answer.
        """
        for edit in self._store.edits_after(self._revision):
            with self._lock:
                if edit.revision <= self._revision:
                    # Another thread was faster, and has read everything up to its number.
                    continue
                of_user = self._by_user.setdefault(edit.user_id, {})
                of_user.pop((edit.relation, edit.value), None)
                if edit.weight != 1:
                    of_user[edit.relation, edit.value] = edit
                if not of_user:
                    del self._by_user[edit.user_id]
                self._revision = edit.revision
