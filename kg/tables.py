"""Self-checking tables: the nouns that cross rooms. Every column is declared once, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from kg.errors import InputError
from kg.schema import EdgeType

TEXT_FIELDS = ("title", "description")
"""Item fields that extraction reads as prose."""

AS_WRITTEN = "title_as_written"
"""Attribute column that keeps a title as the shop wrote it, where it is shown otherwise. It states nothing about the item."""

ITEM_COLUMNS: Mapping[str, pl.DataType] = {
    "item_id": pl.String(),
    "title": pl.String(),
    "description": pl.String(),
    "brand": pl.String(),
    "categories": pl.List(pl.String()),
    "price_cents": pl.Int64(),
    "available": pl.Boolean(),
}
"""One row per item. Further columns, all `List(String)`, are the shop's own structured attributes, named as the attribute ("color")."""

USER_COLUMNS: Mapping[str, pl.DataType] = {"user_id": pl.String()}
"""One row per user. Further columns, all `List(String)`, are declared attributes of the user."""

INTERACTION_COLUMNS: Mapping[str, pl.DataType] = {
    "user_id": pl.String(),
    "item_id": pl.String(),
    "kind": pl.String(),
    "time": pl.Float64(),
    "quantity": pl.Float64(),
    "rating": pl.Float64(),
    "price_cents": pl.Int64(),
}
"""One row per event. `time` is Unix seconds, or an order number where the shop has no clock; null where unknown."""

TRIPLE_COLUMNS: Mapping[str, pl.DataType] = {
    "head_type": pl.String(),
    "head": pl.String(),
    "relation": pl.String(),
    "tail_type": pl.String(),
    "tail": pl.String(),
}
"""One row per edge of a ready-made graph."""

ATTRIBUTE_COLUMNS: Mapping[str, pl.DataType] = {
    "item_id": pl.String(),
    "relation": pl.String(),
    "value": pl.String(),
    "confidence": pl.Float64(),
    "field": pl.String(),
    "start": pl.Int64(),
    "end": pl.Int64(),
    "surface": pl.String(),
    "extractor": pl.String(),
    "extractor_version": pl.String(),
}
"""One row per (item, relation, value): the best evidence for it. `start` and `end` are character offsets into the item's `field`;
a structured field is evidence for itself, with the whole cell as its surface."""

_LIST = pl.List(pl.String())


def _conform(frame: pl.DataFrame, columns: Mapping[str, pl.DataType], *, table: str, extras: bool) -> pl.DataFrame:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"table {table} lacks the columns {', '.join(missing)}", hint=f"it has {', '.join(frame.columns)}")
    for name, dtype in columns.items():
        if frame.schema[name] != dtype:
            raise InputError(f"table {table}, column {name}: {frame.schema[name]} instead of {dtype}", hint="cast it before building the table")
    others = [name for name in frame.columns if name not in columns]
    if others and not extras:
        raise InputError(f"table {table} has unknown columns: {', '.join(others)}", hint=f"it may have {', '.join(columns)}")
    for name in others:
        if frame.schema[name] != _LIST:
            raise InputError(f"table {table}, attribute column {name}: {frame.schema[name]} instead of {_LIST}")
    return frame.select([*columns, *sorted(others)])


def _unique(frame: pl.DataFrame, key: str, *, table: str) -> None:
    bad = frame.filter(pl.col(key).is_null() | (pl.col(key) == "") | pl.col(key).is_duplicated())
    if bad.height:
        raise InputError(f"table {table}: {bad.height} rows whose {key} is empty or repeated, e.g. {bad[key][0]!r}", hint=f"one row per {key}")


PROPERTY_TYPES = (pl.String(), pl.Int64(), pl.Float64(), pl.Boolean(), _LIST)
"""What a node or an edge may carry: what both graph databases store and give back unchanged."""


def _storable(frame: pl.DataFrame, *, table: str) -> None:
    for name, dtype in frame.schema.items():
        if dtype not in PROPERTY_TYPES:
            raise InputError(f"table {table}, property {name}: {dtype} cannot be stored", hint=f"use one of {', '.join(map(str, PROPERTY_TYPES))}")


def items_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Check and order an items table: one row per item_id.

    Raises:
        InputError: A column is missing or of another type, or an item_id is empty or repeated.
    """
    frame = _conform(frame, ITEM_COLUMNS, table="items", extras=True)
    _unique(frame, "item_id", table="items")
    return frame


def users_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Check and order a users table: one row per user_id.

    Raises:
        InputError: A column is missing or of another type, or a user_id is empty or repeated.
    """
    frame = _conform(frame, USER_COLUMNS, table="users", extras=True)
    _unique(frame, "user_id", table="users")
    return frame


def interactions_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Check and order an interactions table: one row per event.

    Raises:
        InputError: A column is missing or of another type, or an id or kind is null.
    """
    frame = _conform(frame, INTERACTION_COLUMNS, table="interactions", extras=False)
    nulls = frame.select("user_id", "item_id", "kind").null_count().row(0)
    if any(nulls):
        raise InputError(f"table interactions: {sum(nulls)} empty ids or kinds", hint="reject such rows at import")
    return frame


def triples_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Check and order a triples table: one row per edge.

    Raises:
        InputError: A column is missing or of another type, or a cell is null.
    """
    frame = _conform(frame, TRIPLE_COLUMNS, table="triples", extras=False)
    if any(frame.null_count().row(0)):
        raise InputError("table triples: empty cells", hint="reject such rows at import")
    return frame


def attributes_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Check and order an attributes table: one row per (item_id, relation, value).

    Raises:
        InputError: A column is missing or of another type, or a fact is repeated.
    """
    frame = _conform(frame, ATTRIBUTE_COLUMNS, table="attributes", extras=False)
    key = ["item_id", "relation", "value"]
    if frame.select(key).is_duplicated().any():
        raise InputError("table attributes: the same fact twice", hint="keep the row with the highest confidence")
    return frame


def empty(columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return a table without rows that has these columns."""
    return pl.DataFrame(schema=dict(columns))


@dataclass(frozen=True)
class Catalog:
    """What a shop gave us, validated: the tables that cross from import to extraction and building."""

    items: pl.DataFrame
    interactions: pl.DataFrame = field(default_factory=lambda: empty(INTERACTION_COLUMNS))
    users: pl.DataFrame = field(default_factory=lambda: empty(USER_COLUMNS))
    triples: pl.DataFrame = field(default_factory=lambda: empty(TRIPLE_COLUMNS))

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", items_table(self.items))
        object.__setattr__(self, "interactions", interactions_table(self.interactions))
        object.__setattr__(self, "users", users_table(self.users))
        object.__setattr__(self, "triples", triples_table(self.triples))

    def write(self, folder: Path) -> None:
        """Write one parquet file per table into `folder`, which exists."""
        for name in ("items", "interactions", "users", "triples"):
            getattr(self, name).write_parquet(folder / f"{name}.parquet")

    @classmethod
    def read(cls, folder: Path) -> Catalog:
        """Read what `write` wrote.

        Raises:
            InputError: A file is missing or is not a table of ours.
        """
        return cls(**{name: read_table(folder / f"{name}.parquet") for name in ("items", "interactions", "users", "triples")})


def read_table(path: Path) -> pl.DataFrame:
    """Read one parquet file.

    Raises:
        InputError: It is missing or cannot be read.
    """
    try:
        return pl.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing", hint="run the stage that writes it, or `reckon rebuild`") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint="delete it and run the stage that writes it") from error


@dataclass(frozen=True)
class GraphTables:
    """The graph as tables.

    Attributes:
        nodes: node type → one row per node: `key` and properties.
        edges: edge type → one row per (source, target): `source`, `target` (keys) and properties.
    """

    nodes: Mapping[str, pl.DataFrame]
    edges: Mapping[EdgeType, pl.DataFrame]

    def __post_init__(self) -> None:
        for node_type, frame in self.nodes.items():
            _unique(frame, "key", table=f"nodes {node_type}")
            _storable(frame, table=f"nodes {node_type}")
        for edge_type, frame in self.edges.items():
            self._check_edges(edge_type, frame)

    def _check_edges(self, edge_type: EdgeType, frame: pl.DataFrame) -> None:
        source, relation, target = edge_type
        _storable(frame, table=f"edges {relation}")
        if frame.select("source", "target").is_duplicated().any():
            raise InputError(f"edges {relation}: the same edge twice")
        for column, node_type in (("source", source), ("target", target)):
            nodes = self.nodes.get(node_type)
            known = pl.Series([], dtype=pl.String) if nodes is None else nodes["key"]
            unknown = frame.filter(~pl.col(column).is_in(known.implode()))
            if unknown.height:
                raise InputError(f"edges {relation}: {unknown.height} {column}s are not {node_type} nodes, e.g. {unknown[column][0]!r}")

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all types."""
        return sum(frame.height for frame in self.nodes.values())

    @property
    def n_edges(self) -> int:
        """Number of edges of all types."""
        return sum(frame.height for frame in self.edges.values())
