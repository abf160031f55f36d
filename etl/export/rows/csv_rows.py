"""Rows as CSV with a head."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from etl.export.exporters import ExportOptions
from etl.export.formulas import escaped
from etl.export.row_formats import ROW_FORMATS, RowFormat, as_text, check_names, emptied


class _Writer:
    def __init__(self, file: IO[bytes], *, escape_formulas: bool) -> None:
        self._file, self._escape_formulas = file, escape_formulas
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._lines = csv.writer(self._text, lineterminator="\n")

    def begin(self, columns: tuple[str, ...]) -> None:
        check_names(columns)
        emptied(self._file)
        self.row(list(columns))

    def row(self, values: list[Any]) -> None:
        self._lines.writerow([self._cell(value) for value in values])

    def detach(self) -> None:
        self._text.detach()

    def _cell(self, value: Any) -> Any:
        if isinstance(value, list | dict | bool):
            return as_text(value)
        return escaped(value) if self._escape_formulas and isinstance(value, str) else value


class CsvRows(RowFormat):
    """Write rows as CSV."""

    name = "csv"
    writes = "a head and a line per row; lists, maps, nodes and paths as JSON; nothing for null"
    escapes_formulas = True

    @contextmanager
    def writer(self, file: IO[bytes], options: ExportOptions) -> Iterator[_Writer]:
        """Give what writes CSV."""
        writer = _Writer(file, escape_formulas=options.escape_formulas)
        try:
            yield writer
        finally:
            # The file is closed by whoever opened it.
            writer.detach()


ROW_FORMATS.register(CsvRows())
