"""Parquet, in chunks: only the columns that are wanted are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from etl.sources.importers import IMPORTERS, Importer
from etl.sources.raw import CHUNK_ROWS, LINE, RawFile, RawTable, no_rejects
from etl.sources.text import streams
from kg.errors import InputError

_MAGIC = b"PAR1"
_MAX_UNPACKED_BYTES = 8 << 30


def read(file: RawFile) -> Iterator[RawTable]:
    """Read a Parquet file; a row's line is its number, from 1.

    Raises:
        InputError: It is not a Parquet file, is cut off, or lacks a wanted column.
    """
    with _unpacked(file) as path:
        _check_magic(file.name, path)
        try:
            yield from _chunks(file, path)
        except (pl.exceptions.PolarsError, OSError) as error:
            why = (str(error).strip().splitlines() or ["damaged"])[0][:200]
            raise InputError(f"{file.name} cannot be read as Parquet: {why}", hint="export it again") from None


def _chunks(file: RawFile, path: Path) -> Iterator[RawTable]:
    table = pl.scan_parquet(path, glob=False)
    schema = table.collect_schema()
    wanted = file.present(schema.names())
    for name in wanted:
        _check_type(file.name, name, schema[name])
    n_rows = int(table.select(pl.len()).collect().item())
    numbered = table.select(wanted).with_row_index(LINE, offset=1).with_columns(pl.col(LINE).cast(pl.Int64))
    for frame in numbered.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
        if frame.height:
            yield RawTable(file.name, frame, no_rejects(), float(frame[LINE][-1]) / n_rows)


def _check_type(name: str, column: str, dtype: pl.DataType) -> None:
    inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
    if isinstance(inner, pl.Struct | pl.Binary | pl.Object | pl.List | pl.Array | pl.Duration):
        raise InputError(f"{name}, column {column!r} holds {dtype}, which is neither a value nor a list of values", hint="export it as text")


def _check_magic(name: str, path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0, 2)
        length = file.tell()
        file.seek(max(0, length - 4))
        end = file.read(4)
    if start != _MAGIC:
        raise InputError(f"{name} is not a Parquet file", hint="correct its suffix, or set `format`")
    if end != _MAGIC or length < 12:
        raise InputError(f"{name} is cut off: a Parquet file ends with PAR1", hint="copy it again")


@contextmanager
def _unpacked(file: RawFile) -> Iterator[Path]:
    if not file.gzipped:
        yield file.path
        return
    with tempfile.NamedTemporaryFile(suffix=".parquet") as unpacked:
        with streams.opened(file) as packed:
            while chunk := packed.read(1 << 24):
                unpacked.write(chunk)
                if unpacked.tell() > _MAX_UNPACKED_BYTES:
                    raise InputError(f"{file.name} unpacks to more than {_MAX_UNPACKED_BYTES >> 30} GiB", hint="give it unpacked")
        unpacked.flush()
        yield Path(unpacked.name)


class Parquet(Importer):
    """A Parquet file."""

    name = "parquet"
    summary = "mapped; a list is many values"
    suffixes = ("parquet", "pq")

    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Read a Parquet file."""
        return read(file)


IMPORTERS.register(Parquet())
