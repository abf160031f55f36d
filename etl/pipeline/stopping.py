"""SIGTERM and Ctrl-C: a run stops at the next safe point. Every point is safe, so where native code does not come back in time, it ends there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED_EXIT = 130
WITHIN_S = 8.0


@contextmanager
def stopping(within_s: float = WITHIN_S) -> Iterator[None]:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, and end the process if it is still there after `within_s`.

    What a stage had written by then is left as a kill leaves it: the next run goes on from the last whole stage.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    timers: list[threading.Timer] = []

    def stop(number: int, frame: FrameType | None) -> None:
        timers.append(threading.Timer(within_s, os._exit, (STOPPED_EXIT,)))
        timers[-1].daemon = True
        timers[-1].start()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
