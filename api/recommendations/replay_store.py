"""Past answers, found again by request id: from any worker and after a restart, exactly as they were given.

Requests only put an answer into a queue. A thread writes the queue in batches to a SQLite file in the workspace that all workers share; equal
bodies are kept once. What is older than the configured time, or beyond the configured size, goes. An answer is readable within a quarter of a
second, on a busy machine within a few: who asks for one that is as young as that waits for it. A worker that is killed takes what it has not yet
written with it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Counter

from api.http.request_ids import age_s

DROPPED = Counter("reckon_answers_not_kept_total", "Answers that could not be kept for replay")
_FLUSH_S, _PRUNE_S = 0.1, 30.0
_LATE_S = 5.0
_MOST_WAITING = 50_000
_ROW_BYTES = 120
"""What an answer takes beside its body, index included."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS bodies (digest BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    n INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, key_id TEXT NOT NULL, made_s REAL NOT NULL,
    language TEXT NOT NULL DEFAULT 'en'
);
CREATE INDEX IF NOT EXISTS answers_by_digest ON answers (digest);
"""
log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given.

    Attributes:
        key_id: The key that it was given to.
        made_s: When, Unix seconds.
        body: Its JSON without the request id.
        language: The language of its sentences.
    """

    key_id: str
    made_s: float
    body: bytes
    language: str


class ReplayStore:
    """The past answers of a workspace.

    Args:
        path: The file; it is created with mode 0600.
        keep_s: How long they are kept; 0 keeps none.
        max_bytes: How large the file may grow, roughly.
    """

    def __init__(self, path: Path, *, keep_s: float, max_bytes: int) -> None:
        self._path, self._keep_s, self._max_bytes = path, keep_s, max_bytes
        self._waiting: deque[tuple[str, str, float, bytes, str]] = deque()
        self._stop, self._filled = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="answers", daemon=True)

    def start(self) -> None:
        """Begin to write what is put in."""
        if self._keep_s:
            self._path.touch(mode=0o600)
            self._add_language()
            self._thread.start()

    def stop(self) -> None:
        """Write what is left and end."""
        self._stop.set()
        self._filled.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def put(self, request_id: str, key_id: str, body: bytes, language: str = "en") -> None:
        """Keep an answer; costs the request nothing but the queue.

        Args:
            request_id: By which it is found.
            key_id: To whom it was given.
            body: Its JSON without the request id.
            language: The language of its sentences.
        """
        if not self._keep_s:
            return
        if len(self._waiting) >= _MOST_WAITING:
            DROPPED.inc()
            return
        self._waiting.append((request_id, key_id, time.time(), body, language))
        if not self._filled.is_set():
            self._filled.set()

    def get(self, request_id: str) -> StoredAnswer | None:
        """Return an answer, or None where there is none or it is too old.

        Args:
            request_id: Which; of a young one some worker may be about to write the answer, which is waited for.
        """
        deadline = time.monotonic() + min(_LATE_S, _LATE_S - age_s(request_id))
        while self._keep_s:
            entry = self._find(request_id)
            if entry is not None:
                return entry if entry.made_s >= time.time() - self._keep_s else None
            if time.monotonic() >= deadline:
                break
            time.sleep(_FLUSH_S / 2)
        return None

    def _find(self, request_id: str) -> StoredAnswer | None:
        query = "SELECT key_id, made_s, body, language FROM answers JOIN bodies USING (digest) WHERE request_id = ?"
        with self._connected() as database:
            row = database.execute(query, (request_id,)).fetchone()
        return None if row is None else StoredAnswer(row[0], row[1], zlib.decompress(row[2]), row[3])

    def _write_on(self) -> None:
        next_prune = time.monotonic() + _PRUNE_S
        while True:
            # Nothing to do costs nothing; what comes is collected for a moment and written together.
            self._filled.wait(max(0.0, next_prune - time.monotonic()))
            self._filled.clear()
            ending = self._stop.wait(_FLUSH_S)
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                if batch:
                    self._write(batch)
                if time.monotonic() >= next_prune:
                    next_prune = time.monotonic() + _PRUNE_S
                    self.prune()
            except sqlite3.Error as error:
                # Answers go on; only their replay is lost.
                DROPPED.inc(len(batch))
                log.error("answers not kept", count=len(batch), detail=str(error))
            if ending:
                return

    def _add_language(self) -> None:
        """Bring the file of an earlier release, whose answers are all English, to the present form."""
        # Workers start together: who comes second finds the column there.
        with self._connected() as database, suppress(sqlite3.OperationalError):
            database.execute("ALTER TABLE answers ADD COLUMN language TEXT NOT NULL DEFAULT 'en'")

    def _write(self, batch: list[tuple[str, str, float, bytes, str]]) -> None:
        digests = {body: hashlib.blake2b(body, digest_size=16).digest() for *_, body, _ in batch}
        with self._connected() as database, database:
            known = {digest for digest in digests.values() if database.execute("SELECT 1 FROM bodies WHERE digest = ?", (digest,)).fetchone()}
            new = [(digest, zlib.compress(body, 1)) for body, digest in digests.items() if digest not in known]
            database.executemany("INSERT OR IGNORE INTO bodies VALUES (?, ?)", new)
            rows = [(request_id, digests[body], key_id, made_s, language) for request_id, key_id, made_s, body, language in batch]
            database.executemany("INSERT OR IGNORE INTO answers (request_id, digest, key_id, made_s, language) VALUES (?, ?, ?, ?, ?)", rows)

    def prune(self) -> None:
        """Forget what is too old, and the oldest where there is too much."""
        with self._connected() as database, database:
            database.execute("DELETE FROM answers WHERE made_s < ?", (time.time() - self._keep_s,))
            while (size := self._size(database)) > self._max_bytes:
                first, last = database.execute("SELECT min(n), max(n) FROM answers").fetchone()
                if first is None:
                    break
                # The share that is too much and a tenth more, so that this is not done at every look.
                part = 1 - 0.9 * self._max_bytes / size
                database.execute("DELETE FROM answers WHERE n <= ?", (first + int((last - first) * part),))
                database.execute("DELETE FROM bodies WHERE digest NOT IN (SELECT digest FROM answers)")
            database.execute("DELETE FROM bodies WHERE digest NOT IN (SELECT digest FROM answers)")

    def _size(self, database: sqlite3.Connection) -> int:
        n_answers = database.execute("SELECT count(*) FROM answers").fetchone()[0]
        return int(n_answers * _ROW_BYTES + (database.execute("SELECT sum(length(body)) FROM bodies").fetchone()[0] or 0))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=5)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_SCHEMA)
            yield database
