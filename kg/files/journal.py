"""Append-only files of JSON lines: what persons and programs reported, kept for good.

A record is acknowledged when `append` returns: it is then on the disk. A line that a crash cut off was never acknowledged; it is not read, and the
next append removes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock

from kg.errors import InputError

Record = dict[str, Any]
MAX_LINE_BYTES = 1 << 20


class Journal:
    """One file of records, numbered from 1 in the order they were appended.

    Args:
        path: The file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self, after: int = 0) -> list[Record]:
        """Return the records after number `after`, each with its number as `n`.

        Raises:
            InputError: A line is not a JSON object; the message names it.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        return [self._parsed(number, line) for number, line in enumerate(lines, start=1) if number > after]

    def append(self, make: Callable[[list[Record]], Sequence[Mapping[str, Any]]]) -> list[Record]:
        """Append records, whole and durably; two processes take turns.

        Args:
            make: Given the records so far, returns those to add; it may raise to refuse.

        Returns:
            The added records with their numbers.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            before = self.records()
            added = [{**record, "n": len(before) + place} for place, record in enumerate(make(before), start=1)]
            lines = b"".join(orjson.dumps({k: v for k, v in record.items() if k != "n"}) + b"\n" for record in added)
            is_new = not self.path.exists()
            with self.path.open("ab") as file:
                self._cut_torn_line(file.tell())
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                _sync_folder(self.path.parent)
        return added

    def _cut_torn_line(self, size: int) -> None:
        if size:
            with self.path.open("rb+") as file:
                content = file.read()
                end = content.rfind(b"\n") + 1
                if end < len(content):
                    file.truncate(end)

    def _parsed(self, number: int, line: bytes) -> Record:
        try:
            record = orjson.loads(line)
        except ValueError as error:
            raise InputError(f"{self.path}, line {number}: not JSON ({error})", hint="restore the file from a copy") from None
        if not isinstance(record, dict):
            raise InputError(f"{self.path}, line {number}: no JSON object", hint="restore the file from a copy")
        return {**record, "n": number}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
