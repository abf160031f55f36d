"""The items or users of one source while they are collected: rows that repeat an id become one, and attributes in JSON become columns."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from etl.sources.mapping.attributes import JsonAttributes

KEYS: Mapping[str, str] = {"items": "item_id", "users": "user_id"}
"""Table of entities → its key."""


class Entities:
    """The rows of one source.

    Args:
        key: The column that identifies a row.
        repeated: What rows that repeat a key mean: "first" and "common" join them, anything else expects none.
        attributes_limit: How many keys of the source's JSON attributes become columns; 0 where it has none.
    """

    def __init__(self, key: str, repeated: str, attributes_limit: int = 0) -> None:
        self.attributes = JsonAttributes(attributes_limit) if attributes_limit else None
        self.n_rows = 0
        self._key = key
        self._repeated = repeated
        self._parts: list[pl.DataFrame] = []
        self._counts: dict[str, list[pl.DataFrame]] = {}

    def take(self, rows: pl.DataFrame) -> None:
        """Take a chunk's rows, each with its `line`."""
        self.n_rows += rows.height
        if self._repeated in ("first", "common"):
            if self._repeated == "common":
                self._count(rows)
            self._parts.append(_first(rows, self._key))
        else:
            self._parts.append(rows)

    def ids(self) -> pl.Series:
        """Return the keys taken so far."""
        return pl.concat([pl.Series(self._key, [], dtype=pl.String), *(part[self._key] for part in self._parts)])

    def finished(self) -> pl.DataFrame:
        """Return one row per key, without `line`."""
        if not self._parts:
            return pl.DataFrame(schema={self._key: pl.String()})
        rows = pl.concat(self._parts)
        if self._repeated in ("first", "common"):
            rows = _first(rows, self._key)
        for name, parts in self._counts.items():
            rows = rows.drop(name).join(self._most_common(name, parts), on=self._key, how="left", maintain_order="left").select(rows.columns)
        if self.attributes:
            rows = self.attributes.joined(rows)
        return rows.drop("line")

    def _count(self, rows: pl.DataFrame) -> None:
        for name in rows.columns:
            if name in (self._key, "line"):
                continue
            said = rows.filter(_said(name, rows.schema[name])).group_by(self._key, name).agg(pl.len(), pl.col("line").min())
            self._counts.setdefault(name, []).append(said)

    def _most_common(self, name: str, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """Return each key's most common value of a column; of equally common ones the first in the file."""
        counted = pl.concat(parts).group_by(self._key, name).agg(pl.col("len").sum(), pl.col("line").min())
        ordered = counted.sort("len", "line", descending=[True, False])
        return ordered.unique(self._key, keep="first", maintain_order=True).select(self._key, name)


def _first(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return one row per key with the first value of each column that says something, in the order of the file."""
    others = [name for name in rows.columns if name not in (key, "line")]
    firsts = [pl.col(name).filter(_said(name, rows.schema[name])).first() for name in others]
    result = rows.group_by(key, maintain_order=True).agg(pl.col("line").min(), *firsts)
    lists = [name for name in others if rows.schema[name] == pl.List(pl.String)]
    return result.select(rows.columns).with_columns(pl.col(name).fill_null(pl.lit([], dtype=pl.List(pl.String))) for name in lists)


def _said(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).list.len() > 0 if dtype == pl.List(pl.String) else pl.col(name).is_not_null()
