"""Finding a source's file and the reader of its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from etl.sources import delimited, jsonl, parquet
from etl.sources.raw import RawFile, RawTable, Reader
from kg.errors import InputError

READERS: Mapping[str, Reader] = {"csv": delimited.read, "tsv": delimited.read, "jsonl": jsonl.read, "parquet": parquet.read}
"""Format → its reader. A new format is a module here and a line in this table."""

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_SUFFIXES = {"ndjson": "jsonl", "pq": "parquet", "tab": "tsv"}
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
        found = Path(spec.origin).parent / inner
    else:
        found = root / Path(path).expanduser()
    if found.is_dir():
        raise InputError(f"source {path}: {found} is a folder", hint="name one file")
    if not found.is_file():
        raise InputError(f"source {path}: {found} does not exist", hint="correct `path` in reckon.toml; it is relative to that file")
    return found


def chunks(path: Path, wanted: Sequence[str], *, file_format: str | None = None, delimiter: str = "") -> Iterator[RawTable]:
    """Read one file in chunks.

    Args:
        path: The file.
        wanted: The columns to read.
        file_format: A key of READERS; by default the suffix says it.
        delimiter: What separates the cells of a delimited file; by default a comma, or a tab for TSV.

    Raises:
        InputError: The suffix is unknown, the file is not what it says, lacks a column, or holds no rows.
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
    raw = RawFile(path, path.name, gzipped, wanted, delimiter or _DELIMITERS.get(name, ","))
    return _never_empty(raw, READERS[name])


def format_of(path: Path) -> str:
    """Return the format that a file's suffix says.

    Raises:
        InputError: It says none that we read.
    """
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix[1:].lower()
    name = _SUFFIXES.get(suffix, suffix)
    if name not in READERS:
        known = ", ".join(f".{known}" for known in READERS)
        raise InputError(f"{path.name}: the suffix does not say what it is", hint=f"use one of {known}, each also .gz, or set `format`")
    return name


def _never_empty(file: RawFile, reader: Reader) -> Iterator[RawTable]:
    n_rows = 0
    for table in reader(file):
        n_rows += table.n_rows
        yield table
    if n_rows == 0:
        raise InputError(f"{file.name} holds no rows", hint="export it again, or remove the source from reckon.toml")
