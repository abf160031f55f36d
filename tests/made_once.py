"""What is dear to make and never changed, made once for a whole run, by whichever process of pytest-xdist needs it first."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of the run; the other processes wait while one makes it.

    Args:
        tmp_path_factory: pytest's own; its base is a worker's, within that of the run.
        name: What the folder is called.
        make: Called with the folder, which is not there yet.
    """
    base = tmp_path_factory.getbasetemp()
    run = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, whole = run / name, run / f"{name}.whole"
    with FileLock(run / f"{name}.lock"):
        if not whole.exists():
            make(folder)
            whole.touch()
    return folder
