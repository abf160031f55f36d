"""Exporters: one per format that a build can be written in, found by the name that `reckon export --format` gives.

A new format is one module in `etl/export/formats`, or an object that a package names in the entry-point group `reckon.exporters`.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kg.errors import InputError
from kg.registry import Registry

if TYPE_CHECKING:
    from kg.tables import Catalog, GraphTables


@dataclass(frozen=True)
class ExportOptions:
    """What `reckon export` was asked for besides the format.

    Attributes:
        shop: Name of the shop, in characters that a file name may have.
        escape_formulas: Whether texts that a spreadsheet would run as a formula get an apostrophe.
    """

    shop: str = "shop"
    escape_formulas: bool = False


@dataclass(frozen=True)
class ExportedBuild:
    """A build as exporters take it: read from its folder when an exporter asks for it.

    Attributes:
        folder: The build.
        options: What was asked for besides the format.
    """

    folder: Path
    options: ExportOptions = field(default_factory=ExportOptions)

    @cached_property
    def catalog(self) -> Catalog:
        """Items, users and events."""
        from kg.tables import Catalog

        return Catalog.read(self.folder / "catalog")

    @cached_property
    def graph(self) -> GraphTables:
        """The graph.

        Raises:
            NotFoundError: The build's tables are not there any more.
        """
        from etl.stages.graph_build import saved_tables

        return saved_tables(self.folder)


class Exporter(Protocol):
    """Writes a build in one format; subclass it and set what differs.

    Attributes:
        name: What `--format` calls it.
        writes: What it writes, as docs/import.md has it.
        keeps: What of a build it holds, and what not, as docs/import.md has it.
        one_file: Whether it writes one file, or several into a folder.
        escapes_formulas: Whether it heeds `--escape-formulas`.
    """

    name: str
    writes: str
    keeps: str
    one_file: bool = False
    escapes_formulas: bool = False

    @abstractmethod
    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write a build.

        Args:
            build: The build.
            path: A file to write, or an empty folder to write into.

        Raises:
            InputError: The format cannot hold what the build has.
        """


EXPORTERS: Registry[Exporter] = Registry("export format", Exporter, group="reckon.exporters", package="etl.export.formats", error=InputError)


def exports_table() -> str:
    """Return the table of formats in docs/import.md."""
    rows = [f"| `{exporter.name}` | {exporter.writes} | {exporter.keeps} |" for exporter in EXPORTERS]
    return "\n".join(["| format | what | what it holds |", "| --- | --- | --- |", *rows]) + "\n"
