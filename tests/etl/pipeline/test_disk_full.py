"""A full disk is called by its name, and what was begun goes on when there is room: a limit on the size of files stands for the disk."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from etl.pipeline.runs import disk_errors
from kg.errors import DiskFullError
from tests.conftest import TOML, write_shop
from tests.small_shop import QUICK

LIMIT = 1500


def rebuild(folder: Path, upto: str, *, limited: bool) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "etl", upto, "-w", str(folder)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False, preexec_fn=limit if limited else None)


def test_a_full_disk_is_reported_as_one_and_the_run_goes_on_later(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop", toml=TOML + QUICK)
    full = rebuild(folder, "import", limited=True)
    assert full.returncode == DiskFullError.exit_code, full.stderr
    assert "File too large" in full.stderr or "no space left" in full.stderr
    assert "free some space" in full.stderr
    assert "Traceback" not in full.stderr
    again = rebuild(folder, "import", limited=False)
    assert again.returncode == 0, again.stderr
    assert len([path for path in (folder / "builds").iterdir() if path.is_dir()]) == 1


def wrapped(error: Exception) -> Exception:
    outer = RuntimeError("the graph database refused the query: the constraint could not be created")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x.parquet"),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        sqlite3.OperationalError("database or disk is full"),
        ValueError("could not write: No space left on device (os error 28)"),
    ],
    ids=["disk", "quota", "sqlite", "text of a library"],
)
def test_whatever_ran_into_it_says_so(error: Exception, tmp_path: Path) -> None:
    for raised in (error, wrapped(error)):
        with pytest.raises(DiskFullError) as told, disk_errors(tmp_path):
            raise raised
        assert "free some space" in told.value.hint


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of another kind"), disk_errors(tmp_path):
        raise ValueError("of another kind")
