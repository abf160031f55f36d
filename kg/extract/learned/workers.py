"""Work on several processors, and which texts are held out together: what all trainers share."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST = 2
"""Each process holds the training texts: more of them cost memory before they save time."""


def side_by_side(work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
    """Yield what `work` makes of each task, in order, from a process per processor.

    Args:
        work: Can be sent to another process.
        tasks: The same.
    """
    with ProcessPoolExecutor(max(1, min(_MOST, os.cpu_count() or 1)), mp_context=get_context("fork")) as pool:
        yield from pool.map(work, tasks)


def fold_of(text: str, n_folds: int) -> int:
    """Give equal texts one fold, whatever stands around them in the file."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % n_folds
