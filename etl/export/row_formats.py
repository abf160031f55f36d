"""Formats that the rows of a query are written in: `reckon export --query`, `reckon cypher` and `reckon query run`.

A new format is one module in `etl/export/rows`, or an object that a package names in the entry-point group `reckon.row_formats`.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, Any, Protocol

from etl.export.exporters import ExportOptions
from kg.errors import InputError
from kg.registry import Registry

if TYPE_CHECKING:
    from kg.store import RowSink


class RowFormat(Protocol):
    """Writes rows as they come; subclass it and set what differs.

    Attributes:
        name: What `--format` calls it.
        writes: What it writes, as docs/cypher.md has it.
        text: Whether it can be printed.
        escapes_formulas: Whether it heeds `--escape-formulas`.
    """

    name: str
    writes: str
    text: bool = True
    escapes_formulas: bool = False

    @abstractmethod
    def writer(self, file: IO[bytes], options: ExportOptions) -> AbstractContextManager[RowSink]:
        """Give what takes the rows; the file is whole when the context ends without an error.

        Args:
            file: Empty, and can be cut back to the start. No path: a format keeps what it needs until the end in a file beside it.
            options: What was asked for besides the format.

        Raises:
            InputError: The format cannot hold the rows.
        """


ROW_FORMATS: Registry[RowFormat] = Registry("format of rows", RowFormat, group="reckon.row_formats", package="etl.export.rows", error=InputError)


def emptied(file: IO[bytes]) -> None:
    """Cut a file back to its start."""
    file.seek(0)
    file.truncate()


def as_text(value: Any) -> str:
    """Return a value as a cell of text has it: lists, maps and truth values as JSON.

    >>> as_text("tea"), as_text(["tea", None]), as_text(True)
    ('tea', '["tea", null]', 'true')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def check_names(columns: Sequence[str]) -> None:
    """Refuse columns of the same name.

    Raises:
        InputError: There are some.
    """
    again = [name for name, n in Counter(columns).items() if n > 1]
    if again:
        raise InputError(f"several columns are called {again[0]!r}", hint="name each with AS")


def rows_table() -> str:
    """Return the table of formats in docs/cypher.md."""
    rows = [f"| `{each.name}` | {each.writes} |" for each in ROW_FORMATS]
    return "\n".join(["| format | what it writes |", "| --- | --- |", *rows]) + "\n"
