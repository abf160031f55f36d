"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_ORPHANED_EXIT = 70
_START = Path(__file__).resolve().parents[1] / "reckon_start.py"


def reckon(*arguments: str) -> list[str]:
    """Return the command that runs `reckon` of this very installation, whatever lies in the current directory or is called `etl` elsewhere."""
    return [sys.executable, "-P", str(_START), *arguments]


def spawn(
    command: Sequence[str],
    *,
    log: IO[bytes] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that gets SIGTERM when this process dies, however it dies.

    The child has a session of its own, so Ctrl-C reaches it through its parent, in order. On Linux the kernel delivers the signal
    (prctl PR_SET_PDEATHSIG) when the thread that called this ends: call it from the main thread. Elsewhere a parent killed with SIGKILL
    leaves its children to be found and stopped by the next start.

    Args:
        command: Program and arguments.
        log: Where its output goes; nowhere when None.
        cwd: Its working directory.
        env: Its environment; ours when None.
    """
    return subprocess.Popen(  # noqa: S603 - the command is ours, no shell reads it
        command,
        stdin=subprocess.DEVNULL,
        stdout=log or subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=None if env is None else dict(env),
        start_new_session=True,
        preexec_fn=_die_with_parent(os.getpid()),
    )


def stop(process: subprocess.Popen[bytes], *, timeout_s: float = 20) -> None:
    """Ask a child to end, wait, and kill it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_with_parent(parent: int | None = None) -> None:
    """Make this process get SIGTERM when its parent dies; for processes that a library started for us.

    Args:
        parent: Process id of that parent: where it is dead by now, this process ends at once.
    """
    set_signal = _die_with_parent(os.getppid() if parent is None else parent)
    if set_signal is not None:
        set_signal()


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded here, before the fork: between fork and exec only async-signal-safe work is allowed.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        # The kernel sends no signal for a parent that died before this was requested.
        if os.getppid() != parent:
            os._exit(_ORPHANED_EXIT)

    return set_signal
