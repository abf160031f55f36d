"""The graph as a Cypher script for any database that speaks it: constraints, then nodes and edges in batches; run twice it changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from etl.export.exporters import EXPORTERS, ExportedBuild, Exporter
from kg import cypher, schema
from kg.schema import EdgeType, NodeType
from kg.tables import GraphTables

ROWS = 500
"""Rows of one statement."""

_ESCAPES = str.maketrans(
    {chr(code): f"\\u{code:04X}" for code in (*range(32), 127, 0x85, 0x2028, 0x2029)}
    | {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


def write_cypher(tables: GraphTables, path: Path) -> None:
    """Write a graph as a script, one statement a line, each ended by a semicolon."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for statement in statements(tables):
            file.write(f"{statement};\n")


def statements(tables: GraphTables) -> Iterator[str]:
    """Give the statements of a graph, in an order in which each finds what it names."""
    for node_type in tables.nodes:
        yield cypher.key_constraint(schema.node_type(node_type))
    for node_type, frame in tables.nodes.items():
        for part in frame.iter_slices(ROWS):
            yield _nodes(schema.node_type(node_type), part)
    for edge_type, frame in tables.edges.items():
        for part in frame.iter_slices(ROWS):
            yield _edges(edge_type, part)


def literal(value: object) -> str:
    """Return a value as Cypher text.

    >>> literal("it's\\n"), literal(True), literal(2.0), literal([1, None]), literal(None)
    ("'it\\\\'s\\\\n'", 'true', '2.0', '[1, null]', 'null')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return f"'{str(value).translate(_ESCAPES)}'"


def _nodes(node: NodeType, rows: pl.DataFrame) -> str:
    names = [name for name in rows.columns if name != "key"]
    return f"UNWIND {_rows(rows.select('key', *names))} AS row MERGE (n:{node.label} {{{node.key}: row[0]}}){_sets('n', names, 1)}"


def _edges(edge_type: EdgeType, rows: pl.DataFrame) -> str:
    source, target = schema.node_type(edge_type[0]), schema.node_type(edge_type[2])
    names = [name for name in rows.columns if name not in ("source", "target")]
    ends = f"MATCH (a:{source.label}) WHERE a.{source.key} = row[0] MATCH (b:{target.label}) WHERE b.{target.key} = row[1]"
    table = _rows(rows.select("source", "target", *names))
    return f"UNWIND {table} AS row {ends} MERGE (a)-[r:{schema.relation(edge_type[1]).type}]->(b){_sets('r', names, 2)}"


def _rows(rows: pl.DataFrame) -> str:
    return literal([list(row) for row in rows.iter_rows()])


def _sets(variable: str, names: Sequence[str], first: int) -> str:
    sets = [f"{variable}.`{schema.checked_name(name, what='property')}` = row[{n}]" for n, name in enumerate(names, start=first)]
    return f" SET {', '.join(sets)}" if sets else ""


class CypherScript(Exporter):
    """Write the graph as a script."""

    name = "cypher"
    writes = "the graph, one script"
    keeps = "constraints, then `UNWIND … MERGE` in batches of 500; run twice it changes nothing"
    one_file = True

    def write(self, build: ExportedBuild, path: Path) -> None:
        """Write the graph of a build as a script."""
        write_cypher(build.graph, path)


EXPORTERS.register(CypherScript())
