"""Work on several processors, and which texts are held out together: what trainers and readers share."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST = 2
"""Each process holds the training texts: more of them cost memory before they save time."""


def side_by_side(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
    """Yield what `work` makes of each task, in order, from a process per processor.

    Args:
        work: Reaches the processes as it is: they are forked.
        tasks: Can be sent to another process; taken a few at a time, as they are worked on.
    """
    n = max(1, min(_MOST, os.cpu_count() or 1))
    pool = ProcessPoolExecutor(n, mp_context=get_context("fork"), initializer=_begin, initargs=(work,))
    try:
        waiting: deque[Future[R]] = deque()
        for task in tasks:
            waiting.append(pool.submit(_do, task))
            if len(waiting) > 2 * n:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_work: Callable[[Any], Any]


def _begin(work: Callable[[Any], Any]) -> None:
    """Keep, in a process, what it does."""
    global _work
    _work = work


def _do(task: Any) -> Any:
    return _work(task)


def fold_of(text: str, n_folds: int) -> int:
    """Give equal texts one fold, whatever stands around them in the file."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % n_folds
