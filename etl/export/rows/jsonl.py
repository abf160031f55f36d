"""Rows as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import orjson

from etl.export.exporters import ExportOptions
from etl.export.row_formats import ROW_FORMATS, RowFormat, check_names, emptied


class _Writer:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._columns: tuple[str, ...] = ()

    def begin(self, columns: tuple[str, ...]) -> None:
        check_names(columns)
        emptied(self._file)
        self._columns = columns

    def row(self, values: list[Any]) -> None:
        self._file.write(orjson.dumps(dict(zip(self._columns, values, strict=True)), option=orjson.OPT_APPEND_NEWLINE))


class JsonLines(RowFormat):
    """Write rows as JSON lines."""

    name = "jsonl"
    writes = "an object a row, by the names of the columns"

    @contextmanager
    def writer(self, file: IO[bytes], options: ExportOptions) -> Iterator[_Writer]:
        """Give what writes JSON lines."""
        yield _Writer(file)


ROW_FORMATS.register(JsonLines())
