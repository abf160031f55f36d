"""The one home of write-then-rename: a file or a folder appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` when all went well; the folder above is made.

    Raises:
        InputError: `path` is a folder.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    # A link that lies there is not followed.
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file by a function that takes its path, such as a frame's `write_parquet`."""
    with whole_file(path) as temporary:
        write(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8."""
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write to, which becomes `path` when all went well.

    Raises:
        InputError: `path` exists and is not an empty folder: it may hold what is nobody's to delete.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path} exists and is not an empty folder", hint="name a new folder, or empty it")
    temporary = path.with_name(f"{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            path.rmdir()
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
