"""Waiting for a ledger to grow without asking it over and over: the kernel, or PostgreSQL, says when something was written.

A file: inotify on its folder, where the log that SQLite appends to lies. PostgreSQL: LISTEN on a channel that every writing transaction
notifies. Where neither is to be had (another system, a pooler that passes no notifications on), the wait ends after the time that the caller
gives.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

CHANNEL = "reckon_ledger"
_IN_MODIFY, _IN_CREATE = 0x2, 0x100
_IN_NONBLOCK = 0o4000
_HEAD = struct.Struct("iIII")
_COMMITTED_WITHIN_S = 1.0


class Watch(Protocol):
    """Something that says when a ledger may have grown."""

    early: bool
    """It speaks before what was written can be read."""

    def wait(self, seconds: float) -> bool:
        """Return when the ledger may have grown, when `wake` was called, or after this time; say whether it may have grown."""

    def wake(self) -> None:
        """End a wait that another thread is in, or the next one."""

    def close(self) -> None:
        """Let go of what it holds."""


class _Waiting:
    """A wait that another thread can end."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)

    def wake(self) -> None:
        """End a wait that another thread is in, or the next one."""
        with suppress(OSError):
            os.write(self._write, b".")

    def close(self) -> None:
        """Let go of what it holds."""
        os.close(self._read)
        os.close(self._write)

    def _wait(self, seconds: float) -> set[int]:
        """Return the descriptors that have something to say."""
        ready = {descriptor for descriptor, _ in self._poll.poll(1000 * max(0.0, seconds))}
        if self._read in ready:
            with suppress(OSError):
                os.read(self._read, 4096)
        return ready


class PollWatch(_Waiting):
    """Knows nothing of the ledger: every wait is a short one.

    Args:
        poll_s: How long.
    """

    early = False

    def __init__(self, poll_s: float) -> None:
        super().__init__()
        self._poll_s = poll_s

    def wait(self, seconds: float) -> bool:
        """Return after the poll's time, or earlier when woken."""
        self._wait(min(seconds, self._poll_s))
        return True


class FileWatch(_Waiting):
    """Watches the log of a SQLite file. A transaction is written there before it is committed.

    Args:
        path: The file; its folder exists.

    Raises:
        OSError: This system has no inotify, or no more of it.
    """

    early = True

    def __init__(self, path: Path) -> None:
        if sys.platform != "linux":
            raise OSError("inotify is Linux's")
        super().__init__()
        library = ctypes.CDLL(None, use_errno=True)
        self._names = {os.fsencode(path.name), os.fsencode(path.name + "-wal")}
        self._inotify = int(library.inotify_init1(_IN_NONBLOCK | os.O_CLOEXEC))
        if self._inotify < 0 or library.inotify_add_watch(self._inotify, os.fsencode(path.absolute().parent), _IN_MODIFY | _IN_CREATE) < 0:
            error = ctypes.get_errno()
            self.close()
            raise OSError(error, os.strerror(error), str(path))
        self._poll.register(self._inotify, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Return when the ledger's file or log was written, when woken, or after this time."""
        end = time.monotonic() + seconds
        while True:
            ready = self._wait(end - time.monotonic())
            # Other files of the folder are written as well: those are no reason to return.
            if self._inotify not in ready:
                return False
            if self._ours(os.read(self._inotify, 65536)):
                return True

    def close(self) -> None:
        """Let go of what it holds."""
        if self._inotify >= 0:
            os.close(self._inotify)
        super().close()

    def _ours(self, content: bytes) -> bool:
        place = 0
        while place < len(content):
            watch, _, _, length = _HEAD.unpack_from(content, place)
            place += _HEAD.size + length
            # A watch of -1 says that the queue ran over: then anything may have happened.
            if watch < 0 or content[place - length : place].rstrip(b"\0") in self._names:
                return True
        return False


class PostgresWatch(_Waiting):
    """Listens for what writing transactions notify.

    Args:
        connection: A psycopg connection in autocommit mode, which this takes over.
    """

    early = False

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._connection = connection
        connection.execute(f"LISTEN {CHANNEL}")
        self._poll.register(connection.fileno(), select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """Return when something was notified, when woken, or after this time.

        Raises:
            psycopg.Error: The connection is broken.
        """
        if self._connection.fileno() not in self._wait(seconds):
            return False
        for _ in self._connection.notifies(timeout=0):
            continue
        return True

    def close(self) -> None:
        """Let go of what it holds."""
        with suppress(Exception):
            self._connection.close()
        super().close()


class GrowthWait:
    """Waits for a ledger to grow, and goes on by looking ever again where nothing says when it does.

    Args:
        watch: Makes what says so; it raises while the ledger is down.
        poll_s: Shortest time between two looks.
    """

    def __init__(self, watch: Callable[[], Watch], poll_s: float) -> None:
        self._make, self._poll_s = watch, poll_s
        self._watch: Watch | None = None
        self._looks_until = 0.0
        self._lock = threading.Lock()
        self._closed = False

    def open(self) -> bool:
        """Begin to watch, if the ledger can be watched; say whether that is new: then what came before must be looked for."""
        with self._lock:
            if self._watch is not None or self._closed:
                return False
            with suppress(Exception):
                self._watch = self._make()
            return self._watch is not None

    def wait(self, seconds: float) -> None:
        """Return when the ledger may have grown, or after this time."""
        if self.open():
            return
        watch, started = self._watch, time.monotonic()
        if watch is None:
            time.sleep(0.0 if self._closed else min(seconds, self._poll_s))
            return
        try:
            grown = watch.wait(min(seconds, self._poll_s) if started < self._looks_until else seconds)
        except Exception:
            self._drop()
            return
        now = time.monotonic()
        if not grown:
            return
        if watch.early:
            # Looked for again until the transaction has been committed, which may take the disk a while.
            self._looks_until = now + _COMMITTED_WITHIN_S
        # A ledger that is written without a pause is looked at no more often than it would be by polling.
        time.sleep(max(0.0, min(self._poll_s, seconds) - (now - started)))

    def close(self) -> None:
        """End a wait, and watch no more."""
        with self._lock:
            self._closed = True
            if self._watch is not None:
                self._watch.wake()

    def release(self) -> None:
        """Let go of everything; nobody waits any more."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
