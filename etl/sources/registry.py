"""Finding a source's file and the importer of its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from etl.sources.importers import IMPORTERS, Importer, by_suffix
from etl.sources.raw import RawFile, RawTable
from kg.errors import InputError

_GZIP = b"\x1f\x8b"


def resolve(root: Path, path: str) -> Path:
    """Return where a source's file is.

    Args:
        root: Folder that relative paths start from.
        path: As reckon.toml writes it; "package:NAME/inner/path" lies inside an installed package.

    Raises:
        InputError: It does not exist, or its package is not installed.
    """
    if path.startswith("package:"):
        package, _, inner = path.removeprefix("package:").partition("/")
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or spec.origin is None:
            raise InputError(f"source {path}: the package {package!r} is not installed", hint="install it, or name a file")
        file = Path(spec.origin).parent / inner
    else:
        file = root / Path(path).expanduser()
    if file.is_dir():
        raise InputError(f"source {path}: {file} is a folder", hint="name one file")
    if not file.is_file():
        raise InputError(f"source {path}: {file} does not exist", hint="correct `path` in reckon.toml; it is relative to that file")
    return file


def chunks(path: Path, wanted: Sequence[str], *, file_format: str | None = None, delimiter: str = "") -> Iterator[RawTable]:
    """Read one file in chunks.

    Args:
        path: The file.
        wanted: The columns to read.
        file_format: The name of an importer; by default the suffix says it.
        delimiter: What separates the cells of a delimited file; by default a comma, or a tab for TSV.

    Raises:
        InputError: The suffix is unknown, the file is not what it says, lacks a column, or holds no rows.
    """
    return read(opened(path, file_format=file_format, delimiter=delimiter), file_format or format_of(path), wanted)


def opened(path: Path, *, file_format: str | None = None, delimiter: str = "", **settings: Any) -> RawFile:
    """Return a file as readers take it, with no wanted columns yet.

    Args:
        path: The file.
        file_format: The name of an importer; by default the suffix says it.
        delimiter: What separates the cells of a delimited file; by default a comma, or a tab for TSV.
        settings: Further fields of `RawFile`.

    Raises:
        InputError: The suffix is unknown, or says gzip where there is none, or the other way about.
    """
    name = file_format or format_of(path)
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == _GZIP
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from None
    if path.suffix == ".gz" and not gzipped:
        raise InputError(f"{path.name} is not a gzip file", hint="rename it without .gz, or compress it")
    if path.suffix != ".gz" and gzipped:
        raise InputError(f"{path.name} is a gzip file", hint="rename it to end with .gz")
    # A file called .csv has commas, whatever format it is read as.
    usual = "," if path.name.removesuffix(".gz").lower().endswith(".csv") else IMPORTERS.get(name).delimiter
    return RawFile(path, path.name, gzipped, (), delimiter or usual, **settings)


def read(file: RawFile, file_format: str, wanted: Sequence[str], optional: frozenset[str] = frozenset()) -> Iterator[RawTable]:
    """Read the wanted columns of a file in chunks; an optional one that the file lacks is empty.

    Raises:
        InputError: The file is not what it says, lacks a column, or holds no rows.
    """
    return _complete(replace(file, wanted=wanted, optional=optional), IMPORTERS.get(file_format))


def format_of(path: Path) -> str:
    """Return the format that a file's suffix says.

    Raises:
        InputError: It says none that we read.
    """
    importer = by_suffix(path.name)
    if importer is None:
        known = ", ".join(f".{suffix}" for importer in IMPORTERS for suffix in importer.suffixes)
        raise InputError(f"{path.name}: the suffix does not say what it is", hint=f"use one of {known}, each also .gz, or set `format`")
    return importer.name


def _complete(file: RawFile, importer: Importer) -> Iterator[RawTable]:
    n_rows = 0
    for table in importer.read(file):
        n_rows += table.n_rows
        absent = [name for name in dict.fromkeys(file.wanted) if name not in table.frame.columns]
        yield replace(table, frame=table.frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)) if absent else table
    if n_rows == 0 and not file.may_be_empty:
        raise InputError(f"{file.name} holds no rows", hint="export it again, or remove the source from reckon.toml")
