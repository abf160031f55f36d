"""What the formats that we know mean: their columns as ours, so that a shop that exports them need not say it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from etl.sources import registry
from etl.sources.config import REQUIRED, SourceConfig
from etl.sources.importers import IMPORTERS, Meaning
from etl.sources.raw import RawFile
from kg.errors import InputError

_SALE = ("sale_price", "sale_dates")


@dataclass(frozen=True)
class Prepared:
    """A source whose file has been found.

    Attributes:
        source: Its declaration, complete.
        file: Its file.
        file_format: How it is read.
        optional: The file's columns that may be missing.
    """

    source: SourceConfig
    file: RawFile
    file_format: str
    optional: frozenset[str] = frozenset()


def prepared(source: SourceConfig, path: Path) -> Prepared:
    """Complete a source's declaration from what its format says.

    Args:
        source: As reckon.toml declares it.
        path: Where its file is.

    Raises:
        InputError: The file is not of its format, or nothing in it is a column that the table needs.
    """
    file_format = source.file_format or registry.format_of(path)
    bound = int(source.max_line_mb * 2**20)
    file = registry.opened(path, file_format=file_format, delimiter=source.delimiter, encoding=source.encoding, max_line_bytes=bound)
    file = replace(file, may_be_empty=source.table != "items")
    meaning = IMPORTERS.get(file_format).meaning(source.table, file)
    if meaning is None:
        return Prepared(source, file, file_format)
    return _merged(source, meaning, file, file_format)


def _merged(source: SourceConfig, meaning: Meaning, file: RawFile, file_format: str) -> Prepared:
    columns = {**meaning.columns, **source.columns}
    if "price" in source.columns:
        # Who names the price themselves means that one.
        columns = {ours: theirs for ours, theirs in columns.items() if ours not in _SALE or ours in source.columns}
    if "price_cents" in source.columns:
        columns = {ours: theirs for ours, theirs in columns.items() if ours not in ("price", *_SALE)}
    columns = {ours: theirs for ours, theirs in columns.items() if theirs}
    missing = [name for name in REQUIRED[source.table] if name not in columns]
    if missing:
        raise InputError(f"{file.name} has no column for {', '.join(missing)}", hint="name it under `columns` in its [[source]]")
    complete = source.model_copy(
        update={
            "columns": columns,
            "split": {ours: separator for ours, separator in {**meaning.split, **source.split}.items() if ours in columns},
            "attributes_json": source.attributes_json or meaning.attributes_json,
            "repeated": source.repeated or meaning.repeated,
            "kind": source.kind or ("" if "kind" in columns else meaning.kind),
        }
    )
    required = {part for name in REQUIRED[source.table] for part in _parts(columns[name])}
    stated = {part for names in source.columns.values() for part in _parts(names)}
    by_default = {part for names in meaning.columns.values() for part in _parts(names)} | {meaning.attributes_json}
    return Prepared(complete, replace(file, wanted=complete.wanted), file_format, frozenset(by_default - required - stated))


def _parts(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
