"""What a load or a change does to the database, as rows that are created, changed and removed, and the statements that do it.

Creating is several times as fast as MERGE, and MERGE on a hub reads all of the hub's edges for each edge it writes. So what is there is known first:
from the tables of the build that the database holds, or by reading it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from kg import cypher, schema
from kg.errors import ConflictError, InputError
from kg.graph.delta import delta
from kg.schema import EdgeType
from kg.store.bolt import BoltSession
from kg.store.layout import Columns, Layout
from kg.store.reader import EDGE_PAGE, NODE_PAGE, pages
from kg.tables import GraphTables

MAX_KEY_BYTES = 4000
"""Longer keys do not fit into an index page of Neo4j."""
_ENDS = ["source", "target"]


@dataclass(frozen=True)
class Rows:
    """What becomes of the nodes or edges of one type.

    Attributes:
        new: Not there yet; every column.
        changed: There, and written anew; every column.
        gone: Keys, or ends, of what is removed.
        columns: The properties that are written; null removes one.
        by_source: Edges are looked up at their sources.
    """

    new: pl.DataFrame
    changed: pl.DataFrame
    gone: pl.DataFrame
    columns: Columns
    by_source: bool = True


@dataclass(frozen=True)
class Change:
    """What becomes of the graph in the database.

    Attributes:
        nodes: node type → its rows.
        edges: edge type → its rows.
    """

    nodes: Mapping[str, Rows] = field(default_factory=dict)
    edges: Mapping[EdgeType, Rows] = field(default_factory=dict)

    @property
    def n_written(self) -> int:
        """How many nodes and edges are created or changed."""
        return sum(rows.new.height + rows.changed.height for rows in (*self.nodes.values(), *self.edges.values()))

    @property
    def n_removed(self) -> int:
        """How many nodes and edges are removed."""
        return sum(rows.gone.height for rows in (*self.nodes.values(), *self.edges.values()))

    def statements(self, build_id: str) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Yield Cypher, its parameters, and how many rows it is about: edges go before their nodes do, and come after them."""
        for edge_type, rows in self.edges.items():
            for batch, n in grouped(rows.gone, by_source=rows.by_source):
                yield cypher.delete_edges(edge_type, by_source=rows.by_source), {"rows": batch}, n
        for name, rows in self.nodes.items():
            node, columns = schema.node_type(name), list(rows.columns)
            for keys in pages(rows.gone["key"].to_list(), NODE_PAGE):
                yield cypher.delete_nodes(node), {"keys": keys}, len(keys)
            for text, frame in ((cypher.create_nodes(node, columns), rows.new), (cypher.update_nodes(node, columns), rows.changed)):
                for part in frame.iter_slices(NODE_PAGE):
                    yield text, {"rows": [list(row) for row in part.rows()], "build_id": build_id}, part.height
        for edge_type, rows in self.edges.items():
            columns = list(rows.columns)
            # Created from the end with fewer nodes, each of which is then looked up once; found again from the other, whose nodes have few edges.
            for batch, n in grouped(rows.new, by_source=not rows.by_source):
                yield cypher.create_edges(edge_type, columns, by_source=not rows.by_source), {"rows": batch, "build_id": build_id}, n
            for batch, n in grouped(rows.changed, by_source=rows.by_source):
                yield cypher.update_edges(edge_type, columns, by_source=rows.by_source), {"rows": batch, "build_id": build_id}, n


def change_between(old: GraphTables, new: GraphTables, earlier: Sequence[Layout], layout: Layout) -> Change:
    """Return what makes of the graph that is there the one that is wanted.

    Args:
        old: What is there.
        new: What is wanted.
        earlier: Layouts of what is there.
        layout: Of what is wanted.
    """
    retyped_nodes = {n: _retyped(columns, [each.nodes.get(n, {}) for each in earlier]) for n, columns in layout.nodes.items()}
    retyped_edges = {e: _retyped(columns, [each.edges.get(e, {}) for each in earlier]) for e, columns in layout.edges.items()}
    comparable = GraphTables(
        {n: frame.drop(retyped_nodes.get(n, []), strict=False) for n, frame in old.nodes.items()},
        {e: frame.drop(retyped_edges.get(e, []), strict=False) for e, frame in old.edges.items()},
    )
    difference = delta(comparable, new)
    nodes, edges = {}, {}
    for name in sorted({*old.nodes, *new.nodes}):
        columns = _with_earlier(layout.nodes.get(name, {}), [each.nodes.get(name, {}) for each in earlier])
        differing = new.nodes[name] if retyped_nodes.get(name) else difference.nodes.get(name)
        nodes[name] = _rows(differing, old.nodes.get(name), new.nodes.get(name), ["key"], columns)
    for edge_type in sorted({*old.edges, *new.edges}):
        columns = _with_earlier(layout.edges.get(edge_type, {}), [each.edges.get(edge_type, {}) for each in earlier])
        differing = new.edges[edge_type] if retyped_edges.get(edge_type) else difference.edges.get(edge_type)
        rows = _rows(differing, old.edges.get(edge_type), new.edges.get(edge_type), _ENDS, columns)
        heights = [max(tables.nodes[end].height if end in tables.nodes else 0 for tables in (old, new)) for end in (edge_type[0], edge_type[2])]
        edges[edge_type] = Rows(rows.new, rows.changed, rows.gone, columns, by_source=heights[0] > heights[1])
    return Change(nodes, edges)


def _retyped(columns: Columns, before: Sequence[Columns]) -> list[str]:
    """Return the columns that were of another type: their values cannot be compared, so every row is written."""
    return sorted({name for one in before for name, dtype in one.items() if columns.get(name, dtype) != dtype})


def _rows(differing: pl.DataFrame | None, old: pl.DataFrame | None, new: pl.DataFrame | None, on: list[str], columns: Columns) -> Rows:
    nothing = pl.DataFrame(schema=dict.fromkeys(on, pl.String))
    there, wanted = (nothing if frame is None else frame.select(on) for frame in (old, new))
    wide = widened(nothing if differing is None else differing, on, columns)
    return Rows(wide.join(there, on=on, how="anti"), wide.join(there, on=on, how="semi"), there.join(wanted, on=on, how="anti"), columns)


def _with_earlier(columns: Columns, earlier: Sequence[Columns]) -> Columns:
    """Return the columns and those that only earlier builds had, which are to be emptied."""
    every: dict[str, pl.DataType] = {}
    for one in earlier:
        every |= one
    return every | dict(columns)


def widened(frame: pl.DataFrame, ends: Sequence[str], columns: Columns) -> pl.DataFrame:
    """Return the ends and all columns of a layout, null where the frame lacks one."""
    return frame.select(*ends, *(pl.col(c) if c in frame.columns else pl.lit(None, dtype=t).alias(c) for c, t in columns.items()))


def grouped(frame: pl.DataFrame, *, by_source: bool) -> Iterator[tuple[list[list[Any]], int]]:
    """Yield batches of [[key, [[other key, property, …], …]], …] of at most EDGE_PAGE / 2 edges."""
    near, far = ("source", "target") if by_source else ("target", "source")
    properties = [column for column in frame.columns if column not in ("source", "target")]
    for part in frame.select(near, far, *properties).sort(near, far).iter_slices(EDGE_PAGE // 2):
        batch: list[list[Any]] = []
        for row in part.rows():
            if not batch or batch[-1][0] != row[0]:
                batch.append([row[0], []])
            batch[-1][1].append(list(row[1:]))
        yield batch, part.height


def keys_there(bolt: BoltSession, name: str, frame: pl.DataFrame) -> set[str]:
    """Return which of these nodes the database has by now.

    Raises:
        InputError: A key is too long.
        ConflictError: A node of this label and key is there that no build of ours wrote.
    """
    node = schema.node_type(name)
    long = frame.filter(pl.col("key").str.len_bytes() > MAX_KEY_BYTES)
    if long.height:
        first = long["key"][0]
        raise InputError(f"nodes {name}: the key {first[:40]!r}… has {len(first.encode())} bytes", hint=f"{MAX_KEY_BYTES} is the limit")
    there: dict[str, str | None] = {}
    for page in pages(frame["key"].to_list(), NODE_PAGE):
        there |= dict(bolt.value(cypher.nodes_there(node), keys=page) or [])
    taken = sorted(key for key, build_id in there.items() if build_id is None)
    if taken:
        raise ConflictError(
            f"the graph database holds {len(taken)} :{node.label} nodes that no build wrote, e.g. {node.key} {taken[0]!r}",
            hint="give Reckon a database of its own, or delete those nodes",
        )
    return set(there)
