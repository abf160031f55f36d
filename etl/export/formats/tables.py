"""The graph as CSV, one file per node type and per edge type; edge files can be imported again as triples."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from etl.export.formulas import FORMULA
from kg.tables import GraphTables


def write_tables(tables: GraphTables, folder: Path, *, escape_formulas: bool = False) -> None:
    """Write `nodes/TYPE.csv` and `edges/SOURCE-RELATION-TARGET.csv`.

    A node file has `key` and the properties; an edge file has `head`, `relation`, `tail` (nodes as "type:key") and the properties. Lists are JSON.

    Args:
        tables: The graph.
        folder: An empty folder.
        escape_formulas: Write an apostrophe before texts that a spreadsheet would run as a formula; such a file does not come back as it was.
    """
    for name in ("nodes", "edges"):
        (folder / name).mkdir()
    for node_type, frame in tables.nodes.items():
        _written(frame, folder / "nodes" / f"{node_type}.csv", escape_formulas=escape_formulas)
    for (source, relation, target), frame in tables.edges.items():
        ends = {"head": f"{source}:" + pl.col("source"), "relation": pl.lit(relation), "tail": f"{target}:" + pl.col("target")}
        _written(
            frame.select(**ends).hstack(frame.drop("source", "target")),
            folder / "edges" / f"{source}-{relation}-{target}.csv",
            escape_formulas=escape_formulas,
        )


def _written(frame: pl.DataFrame, path: Path, *, escape_formulas: bool) -> None:
    lists = [name for name, dtype in frame.schema.items() if dtype == pl.List(pl.String)]
    as_json = [pl.col(name).map_elements(lambda values: json.dumps(list(values), ensure_ascii=False), return_dtype=pl.String) for name in lists]
    frame = frame.with_columns(as_json)
    if escape_formulas:
        texts = pl.col(pl.String)
        frame = frame.with_columns(pl.when(texts.str.contains(FORMULA)).then("'" + texts).otherwise(texts).name.keep())
    frame.write_csv(path, quote_style="necessary")


class CsvTables(Exporter):
    """Write the graph as CSV files."""

    name = "csv"
    writes = "the graph, `nodes/TYPE.csv` and `edges/SOURCE-RELATION-TARGET.csv`"
    keeps = "everything; lists as JSON; an edge file can be imported as triples (`head`, `relation`, `tail`)"
    escapes_formulas = True

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write the graph of a build as CSV files."""
        write_tables(build.graph, path, escape_formulas=build.options.escape_formulas)


EXPORTERS.register(CsvTables())
