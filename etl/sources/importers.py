"""Importers: one per file format, found by the name that `[[source]] format` gives, or by the suffix of the file.

A new format is one module in `etl/sources/formats`, or an object that a package names in the entry-point group `reckon.importers`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from etl.sources.raw import RawFile, RawTable
from kg.errors import InputError
from kg.registry import Registry

Table = Literal["items", "interactions", "users", "triples"]
"""What the rows of a source are."""


@dataclass(frozen=True)
class Meaning:
    """What one table of a format says by default.

    Attributes:
        columns: Our column → the format's.
        split: Our column → separator of many values in one cell.
        attributes_json: The format's column that holds an object of attributes.
        repeated: What rows that repeat an id mean.
        kind: Kind of interaction where no column says it.
    """

    columns: Mapping[str, str | list[str]]
    split: Mapping[str, str] = field(default_factory=dict)
    attributes_json: str = ""
    repeated: str = "reject"
    kind: str = ""


class Importer(Protocol):
    """Reads one file format; subclass it and set what differs.

    Attributes:
        name: What `[[source]] format` calls it.
        summary: Its columns in a few words, as docs/import.md has them.
        suffixes: Endings of a file's name that say the format, without the dot.
        delimiter: What separates the cells of a delimited file by default.
        tables: The tables whose columns the format defines, so that a source needs no `columns`; empty where the shop maps all of them.
        numbered_categories: Whether its categories may be numbers of Google's taxonomy.
        bare_entities: Whether its triples name entities without a type, and relations as another graph writes them.
    """

    name: str
    summary: str
    suffixes: Sequence[str] = ()
    delimiter: str = ","
    tables: Sequence[Table] = ()
    numbered_categories: bool = False
    bare_entities: bool = False

    @abstractmethod
    def read(self, file: RawFile) -> Iterator[RawTable]:
        """Give the file's rows in chunks, in order.

        Raises:
            InputError: The file is damaged, is of another format, or lacks a wanted column.
        """

    def meaning(self, table: Table, file: RawFile) -> Meaning | None:
        """Return what a table of the format says by default; None where the shop maps its columns.

        Raises:
            InputError: The file is not of the format.
        """
        return None


def _suffix_taken(importer: Importer) -> str:
    """Say which of its suffixes leads to another importer: a plug-in must not take over a shop's .csv files."""
    for other in IMPORTERS:
        both = sorted(set(importer.suffixes) & set(other.suffixes))
        if both and other is not importer:
            return f"claims the suffix .{both[0]}, which {other.name!r} reads"
    return ""


IMPORTERS: Registry[Importer] = Registry(
    "source format", Importer, group="reckon.importers", package="etl.sources.formats", error=InputError, check=_suffix_taken
)


def by_suffix(name: str) -> Importer | None:
    """Return the importer that the suffix of a file's name says, gzipped or not."""
    suffix = name.lower().removesuffix(".gz").rpartition(".")[2]
    return next((importer for importer in IMPORTERS if suffix in importer.suffixes), None)


def formats_table() -> str:
    """Return the table of formats in docs/import.md."""
    lines = ["| `format` | suffix that says it | tables | columns |", "| --- | --- | --- | --- |"]
    for importer in sorted(IMPORTERS, key=lambda each: (bool(each.tables), each.name)):
        suffixes = " ".join(f".{suffix}" for suffix in importer.suffixes)
        cells = (f"`{importer.name}`", suffixes, ", ".join(importer.tables) or "all", importer.summary)
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"
