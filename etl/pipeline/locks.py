"""One writer: the lock of a workspace, and who holds it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from filelock import FileLock, Timeout

from kg.errors import LockedError
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """Be the one who writes builds; readers never wait.

    The kernel gives the lock of a dead process back. `.lock.json` says who holds it, so that a holder on another machine that shares the folder is
    seen as well.

    Raises:
        LockedError: Somebody alive holds it; the message says who, where, and since when.
    """
    holder = workspace.lock.with_suffix(".json")
    try:
        with FileLock(workspace.lock, timeout=0):
            _refuse_elsewhere(holder_of(workspace), workspace)
            write_json(holder, _ourselves())
            try:
                yield
            finally:
                with suppress(OSError):
                    holder.unlink(missing_ok=True)
    except Timeout:
        raise LockedError(f"{said(holder_of(workspace))} holds {workspace.root}", hint="wait for it, or stop it") from None


@contextmanager
def following(workspace: Workspace) -> Iterator[None]:
    """Be the one process that follows the workspace's changes.

    Raises:
        LockedError: Another one does.
    """
    try:
        with FileLock(workspace.root / ".follow.lock", timeout=0):
            yield
    except Timeout:
        raise LockedError(f"another process follows the changes of {workspace.root}", hint="`reckon serve` runs one") from None


def holder_of(workspace: Workspace) -> dict[str, Any]:
    """Return who writes builds: user, host, pid, command and since when; empty where nobody does."""
    return read_json(workspace.lock.with_suffix(".json"))


def running(workspace: Workspace) -> dict[str, Any]:
    """Return who writes builds, if they are alive as far as can be seen from here."""
    holder = holder_of(workspace)
    return holder if holder and (holder.get("host") != socket.gethostname() or _alive(holder)) else {}


def said(holder: dict[str, Any]) -> str:
    """Return who holds the lock, in words."""
    if not holder:
        return "another job"
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(float(holder.get("since_s", 0))))
    return f"`{holder.get('command')}` of {holder.get('user')} on {holder.get('host')} (process {holder.get('pid')}, since {since})"


def _ourselves() -> dict[str, Any]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    command = " ".join(["reckon", *sys.argv[1:3]])
    started = psutil.Process().create_time()
    return {"user": user, "host": socket.gethostname(), "pid": os.getpid(), "process_s": started, "command": command, "since_s": time.time()}


def _refuse_elsewhere(holder: dict[str, Any], workspace: Workspace) -> None:
    """See that no process of another machine holds a folder that both share: locks of files do not always reach over a network."""
    other = holder.get("host")
    if not other or other == socket.gethostname():
        return
    raise LockedError(
        f"{said(holder)} holds {workspace.root}",
        hint=f"wait for it; where that process is gone, remove {workspace.lock.with_suffix('.json')}",
    )


def _alive(holder: dict[str, Any]) -> bool:
    """Say whether the process is the one that took the lock, and not another one with its number."""
    try:
        return abs(psutil.Process(int(holder["pid"])).create_time() - float(holder["process_s"])) < 1
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False
