"""What a run measures: how much memory all processes needed, and whether a disk is full."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from kg.embedded import server_pid
from kg.errors import DiskFullError
from kg.workspace import Workspace

_SAMPLE_S = 0.25
_NO_ROOM = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large", "database or disk is full", "not enough space on the disk")
"""As libraries and databases put it that pass on no error number."""


class MemoryWatch:
    """Samples the memory of this process, its children, and the workspace's graph database.

    What processes share (mapped files, the interpreter's own pages) counts once per process: the sum is an upper bound.

    Args:
        workspace: Whose graph database counts.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._graph = workspace.graph
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak_mib(self) -> float:
        """Return the peak since the last call, MiB."""
        self._peak = max(self._peak, self._resident())
        peak, self._peak = self._peak, 0
        return peak / 2**20

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            self._peak = max(self._peak, self._resident())

    def _resident(self) -> int:
        own = psutil.Process()
        pids = {own.pid, *(child.pid for child in own.children(recursive=True))}
        server = server_pid(self._graph)
        total = 0
        for pid in pids | ({server} if server else set()):
            try:
                total += psutil.Process(pid).memory_info().rss
            except psutil.Error:
                continue
        return total


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Say of what fails because a disk is full that it is full, whatever library ran into it, and how it put it.

    Raises:
        DiskFullError: The error says so, or the disk of `folder` has no room left.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        full = _full(error)
        if full is None and shutil.disk_usage(folder).free >= _NO_ROOM:
            raise
        what = full or f"the disk of {folder} is full"
        raise DiskFullError(what, hint=f"free some space (`reckon builds prune` removes old builds), then run it again: {folder}") from error


def _full(error: BaseException | None) -> str | None:
    """Return what is full if an error, or one that it came from, says that a disk, a quota or a file-size limit is reached."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        text = str(error)
        if (isinstance(error, OSError) and error.errno in _FULL) or any(sign in text for sign in _FULL_TEXTS):
            name = getattr(error, "filename", None)
            return f"{name or 'the disk'}: {os.strerror(error.errno) if isinstance(error, OSError) and error.errno else 'no space left on the disk'}"
        error = error.__cause__ or error.__context__
    return None


def now() -> str:
    """Return the time as the first half of a build id, UTC."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime())
