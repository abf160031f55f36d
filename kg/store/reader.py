"""Reading the graph tables back, a page of nodes at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from kg import cypher, schema
from kg.schema import EdgeType
from kg.store.bolt import BoltSession
from kg.store.layout import Columns

NODE_PAGE = 10_000
"""Nodes a statement reads or writes."""
EDGE_PAGE = 20_000
"""Edges a statement is meant to read or write; a hub's edges stay together."""
FEW_EDGES = 100_000
"""So many edges of a type are read at once."""


def node_keys(bolt: BoltSession, name: str) -> dict[str | None, list[str]]:
    """Return the keys of all nodes of one type by the build that wrote them; None holds those that no build of ours wrote."""
    keys: dict[str | None, list[str]] = {}
    for record in bolt.stream(cypher.node_keys(schema.node_type(name))):
        keys.setdefault(record["build_id"], []).extend(record["keys"])
    return keys


def read_nodes(bolt: BoltSession, name: str, columns: Columns, keys: Sequence[str]) -> pl.DataFrame:
    """Read the nodes with these keys.

    Returns:
        `key` and the columns, sorted by key.
    """
    dtypes = {"key": pl.String(), **columns}
    if not columns:
        return pl.DataFrame({"key": pl.Series(keys, dtype=pl.String)}).sort("key")
    text = cypher.read_nodes(schema.node_type(name), list(columns))
    parts = [_frame(_transposed(bolt.value(text, keys=page), len(dtypes)), dtypes) for page in pages(keys, NODE_PAGE)]
    return pl.concat([pl.DataFrame(schema=dtypes), *parts]).sort("key")


def read_edges(bolt: BoltSession, edge_type: EdgeType, columns: Columns, keys: Sequence[str], *, by_source: bool, n_edges: int) -> pl.DataFrame:
    """Read the edges at the nodes with these keys.

    Args:
        bolt: The database.
        edge_type: What the edges are.
        columns: What to read of each.
        keys: Keys of one end: the one with fewer nodes gives the fewest lookups.
        by_source: That end is the source.
        n_edges: How many edges of ours there are.

    Returns:
        `source`, `target` and the columns, sorted.
    """
    near, far = ("source", "target") if by_source else ("target", "source")
    few = n_edges <= FEW_EDGES
    text = (cypher.read_few_edges if few else cypher.read_edges)(edge_type, list(columns), by_source=by_source)
    dtypes = {near: pl.String(), far: pl.String(), **columns}
    parts = [pl.DataFrame(schema=dtypes)]
    everything: list[list[str]] = [[]]
    for page in everything if few else key_pages(keys, n_edges):
        cells: list[list[Any]] = [[] for _ in dtypes]
        for record in bolt.stream(text, keys=page):
            rows = record["rows"]
            cells[0].extend([record["near"]] * len(rows))
            for column, values in zip(cells[1:], _transposed(rows, len(dtypes) - 1), strict=True):
                column.extend(values)
        parts.append(_frame(cells, dtypes))
    return pl.concat(parts).select("source", "target", *list(dtypes)[2:]).sort("source", "target")


def key_pages(keys: Sequence[str], n_edges: int) -> Iterator[list[str]]:
    """Yield keys in pages that have about EDGE_PAGE edges each."""
    return pages(keys, max(1, min(NODE_PAGE, EDGE_PAGE * len(keys) // max(n_edges, 1))))


def pages(keys: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield `size` keys at a time."""
    for start in range(0, len(keys), size):
        yield list(keys[start : start + size])


def _transposed(rows: Sequence[Sequence[Any]], width: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _frame(cells: Sequence[Sequence[Any]], dtypes: Columns) -> pl.DataFrame:
    # Not strict: a property may still hold what an older build of another layout wrote; it is then overwritten.
    return pl.DataFrame([pl.Series(name, values, dtype=dtype, strict=False) for (name, dtype), values in zip(dtypes.items(), cells, strict=True)])
