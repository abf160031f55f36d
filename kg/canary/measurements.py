"""What is measured of a canary and of its control group: one SQLite file in the workspace that all workers write to.

Workers add up what they see and write it about once a second. Who was shown what is kept for as long as an event may follow, so that events are
counted from the ledger, each once: the number up to which they were counted is written in the same transaction.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kg.canary.state import Arm, Canary
from kg.ledger.event_store import EventStore

BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_SLOWER = "slower"
_SETTLED_S = 3.0
"""An event counts when it is this old: by then every worker has written whom it showed what."""
_PART = 5_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS counts (canary TEXT, arm TEXT, measure TEXT, value REAL NOT NULL, PRIMARY KEY (canary, arm, measure)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (
    canary TEXT, user_id TEXT, item_id TEXT, arm TEXT NOT NULL, first_s REAL NOT NULL, last_s REAL NOT NULL, PRIMARY KEY (canary, user_id, item_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS users (canary TEXT, user_id TEXT, arm TEXT, did TEXT, PRIMARY KEY (canary, user_id, arm, did)) WITHOUT ROWID;
"""
# Times of one item lie close on one another as long as they are in one row: then whatever happened in between happened soon after a list.
_SHOW = """
INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    arm = excluded.arm, first_s = CASE WHEN excluded.first_s > last_s + ? THEN excluded.first_s ELSE MIN(first_s, excluded.first_s) END,
    last_s = MAX(last_s, excluded.last_s)
"""
_ADD = "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
_SEQ = "events_seq"


@dataclass
class Seen:
    """What a worker has seen since it last wrote.

    Attributes:
        counts: (arm, measure) → how much.
        shown: (user, item) → arm, first and last time.
        users: (user, arm) who got lists.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: dict[tuple[str, str], tuple[str, float, float]] = field(default_factory=dict)
    users: set[tuple[str, str]] = field(default_factory=set)

    def list_served(self, arm: Arm, user_id: str, item_ids: Sequence[str], took_s: float, now: float) -> None:
        """Add a list."""
        self.counts[arm, "lists"] += 1
        self.counts[arm, "ms"] += 1000 * took_s  # type: ignore[assignment]  # a sum of times
        self.counts[arm, bucket(1000 * took_s)] += 1
        self.users.add((user_id, arm))
        for item_id in item_ids:
            before = self.shown.get((user_id, item_id))
            self.shown[user_id, item_id] = arm, now if before is None else before[1], now

    def failed(self, arm: Arm) -> None:
        """Add a request that was answered with an error of ours."""
        self.counts[arm, "errors"] += 1


def bucket(ms: float) -> str:
    """Return the measure that counts lists which took about this long.

    >>> bucket(3.2), bucket(99999)
    ('5', 'slower')
    """
    return next((str(limit) for limit in BUCKETS_MS if ms <= limit), _SLOWER)


class Measurements:
    """The measurements of a workspace's canaries.

    Args:
        path: The file; it is made when something is written, with mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, canary: Canary, events_seq: int) -> None:
        """Forget the canaries before this one.

        Args:
            canary: The one that begins.
            events_seq: Events up to this one happened before.
        """
        with self._writing() as connection:
            for table in ("counts", "shown", "users"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - of the names above
            connection.execute(_ADD, (canary.canary_id, "", _SEQ, events_seq))

    def add(self, canary: Canary, seen: Seen) -> None:
        """Add what a worker has seen."""
        name = canary.canary_id
        with self._writing() as connection:
            connection.executemany(_ADD, [(name, arm, measure, value) for (arm, measure), value in seen.counts.items()])
            rows = [(name, user, item, arm, first, last, canary.window_s) for (user, item), (arm, first, last) in seen.shown.items()]
            connection.executemany(_SHOW, rows)
            connection.executemany("INSERT OR IGNORE INTO users VALUES (?, ?, ?, 'list')", [(name, user, arm) for user, arm in sorted(seen.users)])

    def count_events(self, canary: Canary, events: EventStore) -> int:
        """Count what users did after their lists, each event once, whoever calls this and however often; return how many events were looked at.

        Raises:
            LedgerUnavailableError: The ledger does not answer; nothing was counted.
        """
        name, until, looked = canary.canary_id, time.time() - _SETTLED_S, 0
        with self._writing() as connection:
            start = connection.execute("SELECT value FROM counts WHERE canary = ? AND arm = '' AND measure = ?", (name, _SEQ)).fetchone()
            if start is None:
                return 0
            for event in events.received_after(int(start[0]), _PART):
                if event.received_s > until:
                    break
                looked += 1
                row = connection.execute(
                    "SELECT arm FROM shown WHERE canary = ? AND user_id = ? AND item_id = ? AND first_s <= ? AND ? <= last_s + ?",
                    (name, event.user_id, event.item_id, event.received_s, event.received_s, canary.window_s),
                ).fetchone()
                if row is not None:
                    connection.execute(_ADD, (name, row[0], f"event {event.kind}", 1))
                    connection.execute("INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?)", (name, event.user_id, row[0], event.kind))
                last = event.seq
            if looked:
                connection.execute(_ADD, (name, "", _SEQ, last - int(start[0])))
            if looked < _PART:
                connection.execute("DELETE FROM shown WHERE canary = ? AND last_s < ?", (name, until - canary.window_s - _SETTLED_S))
        return looked

    def counted(self, canary: Canary) -> dict[str, dict[str, float]]:
        """Return arm → measure → value, with "users" (who got lists) and "users KIND" (who did that after one) among the measures."""
        if not self._path.is_file():
            return {}
        measures: dict[str, dict[str, float]] = {}
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=10)) as connection:
            for arm, measure, value in connection.execute("SELECT arm, measure, value FROM counts WHERE canary = ?", (canary.canary_id,)):
                measures.setdefault(arm, {})[measure] = value
            query = "SELECT arm, did, count(*) FROM users WHERE canary = ? GROUP BY arm, did"
            for arm, did, n in connection.execute(query, (canary.canary_id,)):
                measures.setdefault(arm, {})["users" if did == "list" else f"users {did}"] = n
        measures.pop("", None)
        return measures

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
