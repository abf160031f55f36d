"""The process that extracts changed items, kept alive beside the API. Only its command is known here: the doors do not import each other."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

import structlog

from api.serving.background import watching
from kg import processes

_LOOK_S = 0.2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 30.0
_SETTLED_S = 20.0
log = structlog.get_logger("api")


def followed(root: Path) -> AbstractContextManager[None]:
    """Keep `reckon follow` running; it starts again when it dies, at once at first, and after longer and longer pauses if it does not stay up.

    Args:
        root: Folder of the workspace.
    """

    def watch(stopped: threading.Event) -> None:
        pause = _FIRST_PAUSE_S
        while not stopped.is_set():
            started = time.monotonic()
            process = processes.spawn(processes.reckon("follow", "-w", str(root)), log=sys.stderr.buffer)
            _wait(process, stopped)
            if stopped.is_set():
                processes.stop(process)
                return
            pause = _FIRST_PAUSE_S if time.monotonic() - started > _SETTLED_S else min(2 * pause, _LONGEST_PAUSE_S)
            log.warning("reckon follow ended", code=process.returncode, again_in_s=pause)
            stopped.wait(pause)

    return watching("follower", watch, wait_s=30)


def _wait(process: subprocess.Popen[bytes], stopped: threading.Event) -> None:
    while process.poll() is None and not stopped.wait(_LOOK_S):
        pass
