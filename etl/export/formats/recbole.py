"""The catalogue and the graph as RecBole's atomic files: .inter, .item, .user, and .kg with its .link.

Tabs and line breaks, which the format cannot hold, become spaces; a space inside a value of a sequence becomes a no-break space, which the importer
turns back.

Source: recbole.io, "Atomic files".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from etl.sources.formats.recbole import SPACE_INSIDE
from kg.errors import InputError
from kg.tables import Catalog, GraphTables

_BREAKS = r"[\t\r\n]+"
_TYPES = {pl.String(): "token", pl.Float64(): "float", pl.Int64(): "float", pl.Boolean(): "token", pl.List(pl.String()): "token_seq"}


def write_recbole(catalog: Catalog, tables: GraphTables, folder: Path, name: str) -> None:
    """Write the atomic files of a data set.

    Args:
        catalog: Items, users and events.
        tables: The graph, whose edges between items and values become the knowledge graph.
        folder: Where; it exists.
        name: Name of the data set, which its files are called.

    Raises:
        InputError: An id holds a tab or a line break.
    """
    _write(catalog.interactions.rename({"time": "timestamp"}), folder / f"{name}.inter", ["user_id", "item_id"])
    _write(catalog.items, folder / f"{name}.item", ["item_id"])
    _write(catalog.users, folder / f"{name}.user", ["user_id"])
    triples = _triples(tables)
    _write(triples, folder / f"{name}.kg", [*triples.columns])
    links = catalog.items.select("item_id", entity_id="item:" + pl.col("item_id"))
    _write(links, folder / f"{name}.link", ["item_id"])


def _triples(tables: GraphTables) -> pl.DataFrame:
    parts = [
        frame.select(head_id=f"{source}:" + pl.col("source"), relation_id=pl.lit(relation), tail_id=f"{target}:" + pl.col("target"))
        for (source, relation, target), frame in tables.edges.items()
        if source != "user"
    ]
    return pl.concat([pl.DataFrame(schema={"head_id": pl.String, "relation_id": pl.String, "tail_id": pl.String}), *parts])


def _write(frame: pl.DataFrame, path: Path, keys: Sequence[str]) -> None:
    for key in keys:
        bad = frame.filter(pl.col(key).str.contains(_BREAKS))
        if bad.height:
            raise InputError(f"{key} {bad[key][0]!r} holds a tab or a line break, which {path.suffix} files cannot", hint="export another format")
    header = "\t".join(f"{name}:{_TYPES[dtype]}" for name, dtype in frame.schema.items())
    lines = frame.select(pl.concat_str([_cell(name, dtype) for name, dtype in frame.schema.items()], separator="\t").alias("line"))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(header + "\n")
        for part in lines.iter_slices(100_000):
            file.write("".join(f"{line}\n" for line in part["line"]))


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    cell = pl.col(name)
    if dtype == pl.List(pl.String):
        within = pl.element().str.replace_all(r"\s+", " ").str.replace_all(" ", SPACE_INSIDE, literal=True)
        return cell.list.eval(within).list.join(" ").fill_null("")
    if dtype == pl.String:
        return cell.str.replace_all(_BREAKS, " ").fill_null("")
    return cell.cast(pl.String).fill_null("")


class RecboleFiles(Exporter):
    """Write catalogue and graph as atomic files."""

    name = "recbole"
    writes = "catalogue and graph: .inter .item .user .kg .link"
    keeps = "everything of the catalogue, except tabs and line breaks in texts; a space inside a value is written as a no-break space"

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write catalogue and graph of a build as atomic files."""
        write_recbole(build.catalog, build.graph, path, build.options.shop)


EXPORTERS.register(RecboleFiles())
