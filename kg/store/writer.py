"""Writing the graph tables: what is there already is compared first, so that only what changed is sent.

Creating is several times as fast as MERGE, and MERGE on a hub reads all of the hub's edges for each edge it writes. So the store reads what
the database has (a tenth of the time of writing it), creates what is new, updates what differs, marks what stayed with the new build_id in
bulk, and marks the edges that are gone. Each statement is a transaction of its own and the comparison is made against the database,
so a load that was killed is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from kg import cypher, schema
from kg.errors import ConflictError, InputError
from kg.schema import EdgeType
from kg.store.bolt import BoltSession
from kg.store.layout import Columns, Layout
from kg.store.reader import EDGE_PAGE, GONE, NODE_PAGE, key_pages, node_keys, pages, read_edges, read_nodes
from kg.tables import GraphTables

MAX_KEY_BYTES = 4000
"""Longer keys do not fit into an index page of Neo4j."""


class GraphWriter:
    """One load of one build.

    Args:
        bolt: The database.
        layout: Of the tables to be written.
        earlier: Layouts of the builds that are there.
    """

    def __init__(self, bolt: BoltSession, layout: Layout, earlier: Sequence[Layout]) -> None:
        self._bolt = bolt
        self._layout = layout
        self._earlier = earlier
        self._keys: dict[str, list[str]] = {}

    def write(self, tables: GraphTables) -> Iterator[int]:
        """Write everything, yielding the number of rows done at each step.

        Raises:
            ConflictError: The database holds nodes of the same label and key that no build of ours wrote.
            InputError: A key is too long.
        """
        for name, frame in tables.nodes.items():
            yield from self._write_nodes(name, frame)
        for edge_type, frame in tables.edges.items():
            by_source = tables.nodes[edge_type[0]].height <= tables.nodes[edge_type[2]].height
            yield from self._write_edges(edge_type, frame, by_source=by_source)

    def _write_nodes(self, name: str, frame: pl.DataFrame) -> Iterator[int]:
        node, new_columns = schema.node_type(name), self._layout.nodes[name]
        columns, retyped = _with_earlier(new_columns, [layout.nodes.get(name, {}) for layout in self._earlier])
        keys = node_keys(self._bolt, name)
        check_keys(name, frame, set(keys.pop(None, [])))
        self._keys[name] = [key for found in keys.values() for key in found]
        there = read_nodes(self._bolt, name, columns, self._keys[name])
        wanted = widened(frame, ["key"], columns)
        new = wanted.join(there, on="key", how="anti")
        changed, same = _compared(wanted, there, ["key"], columns, retyped=retyped)
        yield from self._send(cypher.create_nodes(node, list(columns)), new, NODE_PAGE)
        yield from self._send(cypher.update_nodes(node, list(columns)), changed, NODE_PAGE)
        yield from self._send(cypher.update_nodes(node, []), same.select("key"), NODE_PAGE)

    def _write_edges(self, edge_type: EdgeType, frame: pl.DataFrame, *, by_source: bool) -> Iterator[int]:
        columns, retyped = _with_earlier(self._layout.edges[edge_type], [layout.edges.get(edge_type, {}) for layout in self._earlier])
        ends, wanted = ["source", "target"], widened(frame, ["source", "target"], columns)
        counted = self._bolt.record(cypher.count_edges(edge_type), build_id=self._layout.build_id)
        n_there = 0 if counted is None else int(counted["n"])
        if n_there:
            near_keys = self._keys[edge_type[0 if by_source else 2]]
            there = read_edges(self._bolt, edge_type, columns, near_keys, by_source=by_source, n_edges=n_there, build_id=None)
            changed, same = _compared(wanted, there.filter(~pl.col("gone")), ends, columns, retyped=retyped)
            changed = pl.concat([changed, wanted.join(there.filter("gone"), on=ends, how="semi")])
            self._mark_gone(edge_type, there.join(wanted, on=ends, how="anti"), by_source=by_source)
            yield from self._mark_same(edge_type, same, n_there, by_source=by_source)
            # From the end with more nodes, because each of those has few edges to look through.
            yield from self._send_grouped(cypher.update_edges(edge_type, list(columns), by_source=not by_source), changed, by_source=not by_source)
            wanted = wanted.join(there, on=ends, how="anti")
        yield from self._send_grouped(cypher.create_edges(edge_type, list(columns), by_source=by_source), wanted, by_source=by_source)

    def _mark_gone(self, edge_type: EdgeType, gone: pl.DataFrame, *, by_source: bool) -> None:
        text = cypher.update_edges(edge_type, [], by_source=not by_source)
        for batch, _ in grouped(gone.select("source", "target"), by_source=not by_source):
            self._bolt.write(text, rows=batch, build_id=GONE)

    def _mark_same(self, edge_type: EdgeType, same: pl.DataFrame, n_there: int, *, by_source: bool) -> Iterator[int]:
        near = "source" if by_source else "target"
        counts = dict(same.group_by(near).len().sort(near).iter_rows())
        for page in key_pages(list(counts), n_there):
            text = cypher.mark_edges(edge_type, by_source=by_source)
            self._bolt.write(text, keys=page, build_id=self._layout.build_id, gone=GONE)
            yield sum(counts[key] for key in page)

    def _send(self, text: str, frame: pl.DataFrame, size: int) -> Iterator[int]:
        for part in frame.iter_slices(size):
            self._bolt.write(text, rows=[list(row) for row in part.rows()], build_id=self._layout.build_id)
            yield part.height

    def _send_grouped(self, text: str, frame: pl.DataFrame, *, by_source: bool) -> Iterator[int]:
        for batch, n_rows in grouped(frame, by_source=by_source):
            self._bolt.write(text, rows=batch, build_id=self._layout.build_id)
            yield n_rows


def delete_stale_edges(bolt: BoltSession, edge_type: EdgeType, keys: Sequence[str], build_id: str, *, by_source: bool, n_edges: int) -> None:
    """Delete our edges at these nodes that `build_id` did not write, a page at a time."""
    text = cypher.delete_edges(edge_type, by_source=by_source)
    for page in key_pages(keys, n_edges):
        bolt.write(text, keys=page, build_id=build_id)


def delete_stale_nodes(bolt: BoltSession, name: str, keys: Sequence[str], build_id: str) -> None:
    """Delete those of these nodes that `build_id` did not write, a page at a time."""
    for page in pages(keys, NODE_PAGE):
        bolt.write(cypher.delete_nodes(schema.node_type(name)), keys=page, build_id=build_id)


def _with_earlier(columns: Columns, earlier: Sequence[Columns]) -> tuple[Columns, bool]:
    """Return the columns and those that only earlier builds had, which are to be emptied; and whether a column has changed its type."""
    every: dict[str, pl.DataType] = {}
    for one in earlier:
        every |= one
    retyped = any(columns.get(name, dtype) != dtype for one in earlier for name, dtype in one.items())
    return every | dict(columns), retyped


def widened(frame: pl.DataFrame, ends: Sequence[str], columns: Columns) -> pl.DataFrame:
    """Return the ends and all columns of a layout, null where the frame lacks one."""
    return frame.select(*ends, *(pl.col(c) if c in frame.columns else pl.lit(None, dtype=t).alias(c) for c, t in columns.items()))


def _compared(
    wanted: pl.DataFrame, there: pl.DataFrame, on: Sequence[str], columns: Mapping[str, pl.DataType], *, retyped: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split the wanted rows that are there into (changed, same)."""
    joined = wanted.join(there, on=on, how="inner", suffix="\x00")
    equal = pl.all_horizontal(pl.lit(not retyped), *(pl.col(c).eq_missing(pl.col(f"{c}\x00")) for c in columns))
    return joined.filter(~equal).select(wanted.columns), joined.filter(equal).select(wanted.columns)


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


def check_keys(name: str, frame: pl.DataFrame, foreign: set[str]) -> None:
    """Refuse keys that cannot be stored, or that belong to nodes of others.

    Raises:
        InputError: A key is too long.
        ConflictError: A node of this label and key is there that no build of ours wrote.
    """
    long = frame.filter(pl.col("key").str.len_bytes() > MAX_KEY_BYTES)
    if long.height:
        first = long["key"][0]
        raise InputError(f"nodes {name}: the key {first[:40]!r}… has {len(first.encode())} bytes", hint=f"{MAX_KEY_BYTES} is the limit")
    taken = foreign.intersection(frame["key"]) if foreign else set()
    if taken:
        node = schema.node_type(name)
        raise ConflictError(
            f"the graph database holds {len(taken)} :{node.label} nodes that no build wrote, e.g. {node.key} {min(taken)!r}",
            hint="give Reckon a database of its own, or delete those nodes",
        )
