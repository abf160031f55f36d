"""Rows as Parquet.

The type of a column is known when its last value is, so the rows wait in a temporary file and are written from there, part by part.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from etl.export.exporters import ExportOptions
from etl.export.row_formats import ROW_FORMATS, RowFormat, check_names, emptied

_ROWS = 10_000
"""Rows of a part."""


class _Writer:
    def __init__(self, waiting: IO[bytes]) -> None:
        self._waiting = waiting
        self._columns: tuple[str, ...] = ()
        self._types: list[set[type]] = []

    def begin(self, columns: tuple[str, ...]) -> None:
        check_names(columns)
        emptied(self._waiting)
        self._columns, self._types = columns, [set() for _ in columns]

    def row(self, values: list[Any]) -> None:
        for types, value in zip(self._types, values, strict=True):
            types.add(type(value))
        self._waiting.write(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE))

    def write(self, file: IO[bytes]) -> None:
        import polars as pl
        from polars.io.plugins import register_io_source

        kinds = [_kind(types - {type(None)}) for types in self._types]
        schema = pl.Schema({name: getattr(pl, _DTYPES[kind]) for name, kind in zip(self._columns, kinds, strict=True)})

        def parts(*_: object) -> Iterator[pl.DataFrame]:
            self._waiting.seek(0)
            while rows := [orjson.loads(line) for line in islice(self._waiting, _ROWS)]:
                columns = zip(self._columns, kinds, zip(*rows, strict=True), strict=True)
                yield pl.DataFrame({name: _values(values, kind) for name, kind, values in columns}, schema=schema)

        emptied(file)
        register_io_source(parts, schema=schema).sink_parquet(file)


_DTYPES: dict[type | None, str] = {str: "String", bool: "Boolean", int: "Int64", float: "Float64", None: "String"}


def _kind(types: set[type]) -> type | None:
    """Return the type of a column; None is JSON text, for several types, lists and maps."""
    if types == {int, float}:
        return float
    return next(iter(types)) if len(types) == 1 and types <= {str, bool, int, float} else None


def _values(values: Sequence[Any], kind: type | None) -> list[Any]:
    if kind is float:
        return [None if value is None else float(value) for value in values]
    return list(values) if kind is not None else [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]


class ParquetRows(RowFormat):
    """Write rows as Parquet."""

    name = "parquet"
    writes = "columns of one type as they are; columns of several types, of lists, maps, nodes and paths as JSON text"
    text = False

    @contextmanager
    def writer(self, file: IO[bytes], options: ExportOptions) -> Iterator[_Writer]:
        """Give what writes Parquet."""
        with TemporaryFile() as waiting:
            writer = _Writer(waiting)
            yield writer
            writer.write(file)


ROW_FORMATS.register(ParquetRows())
