"""A thread that watches something while the API serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watching(name: str, watch: Callable[[threading.Event], None], *, wait_s: float) -> Iterator[None]:
    """Run a function beside what is done within; at the end its event is set, and it is waited for.

    A daemon: the kernel ends a child process with the thread that started it, so the thread lives as long as the process.

    Args:
        name: Of the thread.
        watch: What runs, until the event that it is given is set.
        wait_s: Longest wait for its end.
    """
    stopped = threading.Event()
    thread = threading.Thread(target=watch, args=(stopped,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(wait_s)
