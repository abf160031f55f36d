"""What resolution found, as tables, and how merges of values are applied and undone. Light: the graph is built with it, and serving loads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from kg.errors import InputError
from kg.tables import empty, read_table

LOG_COLUMNS: Mapping[str, pl.DataType] = {
    "relation": pl.String(),
    "surface": pl.String(),
    "canonical": pl.String(),
    "score": pl.Float64(),
    "evidence": pl.String(),
    "merged_at_build": pl.String(),
}
"""One row per value that gave way to another: `surface` became `canonical`. A canonical value is never itself a surface."""

DUPLICATE_COLUMNS: Mapping[str, pl.DataType] = {
    "item_id": pl.String(),
    "duplicate_of": pl.String(),
    "score": pl.Float64(),
    "evidence": pl.String(),
}
"""One row per item that is a duplicate: `duplicate_of` is the smallest item_id of its group, which is never itself a duplicate."""


@dataclass(frozen=True)
class Resolution:
    """Which names and which items are one.

    Attributes:
        merges: The merge log of values (`kg.resolve.values.merge.LOG_COLUMNS`).
        duplicates: Items that are listed again (`kg.resolve.items.duplicates.DUPLICATE_COLUMNS`).
    """

    merges: pl.DataFrame = field(default_factory=lambda: empty(LOG_COLUMNS))
    duplicates: pl.DataFrame = field(default_factory=lambda: empty(DUPLICATE_COLUMNS))

    def canonical_items(self, item_ids: pl.Series) -> pl.Series:
        """Return the items that these count towards: the listing that stands for each group, themselves where there is no group."""
        if not self.duplicates.height:
            return item_ids
        return item_ids.replace(self.duplicates["item_id"], self.duplicates["duplicate_of"])

    def canonical_interactions(self, interactions: pl.DataFrame) -> pl.DataFrame:
        """Return events as they count: those of a duplicate belong to the item it is a duplicate of."""
        return interactions.with_columns(item_id=self.canonical_items(interactions["item_id"]))

    def write(self, folder: Path) -> None:
        """Write both tables into `folder`, which exists."""
        self.merges.write_parquet(folder / "merges.parquet")
        self.duplicates.write_parquet(folder / "duplicates.parquet")

    @classmethod
    def read(cls, folder: Path) -> Resolution:
        """Read what `write` wrote.

        Raises:
            InputError: A file is missing or cannot be read.
        """
        return cls(read_table(folder / "merges.parquet"), read_table(folder / "duplicates.parquet"))


def apply_merges(attributes: pl.DataFrame, log: pl.DataFrame) -> pl.DataFrame:
    """Replace merged values by their canonical ones; the surface of each fact stays as written.

    Args:
        attributes: Facts, with at least item_id, relation and value.
        log: A merge log.

    Returns:
        The facts, each (item, relation, value) once, with the evidence of the highest confidence; sorted by these columns.
    """
    required(log, tuple(LOG_COLUMNS), "merge log")
    renamed = attributes.join(log.select("relation", value="surface", canonical="canonical"), on=["relation", "value"], how="left")
    facts = renamed.with_columns(value=pl.coalesce("canonical", "value")).drop("canonical")
    fact = ["item_id", "relation", "value"]
    rest = [name for name in facts.columns if name not in (*fact, "confidence")]
    confident = ["confidence"] if "confidence" in facts.columns else []
    ordered = facts.sort([*fact, *confident, *rest], descending=[False] * 3 + [True] * len(confident) + [False] * len(rest), nulls_last=True)
    return ordered.unique(fact, keep="first", maintain_order=True).select(attributes.columns)


def undo_merges(log: pl.DataFrame, undone: pl.DataFrame) -> pl.DataFrame:
    """Take merges out of a log. Give the same list to `merge_values` so that the next build does not make them again.

    Args:
        log: A merge log.
        undone: `relation` and `surface` of the merges to undo.

    Raises:
        InputError: One of them is not in the log; nothing is undone then.
    """
    required(undone, ("relation", "surface"), "undone merges")
    key = ["relation", "surface"]
    unknown = undone.select(key).join(log, on=key, how="anti")
    if unknown.height:
        relation, surface = unknown.row(0)
        raise InputError(f"{surface!r} was not merged in {relation}, so it cannot be undone", hint="the merge log lists what was merged")
    return log.join(undone.select(key).unique(), on=key, how="anti").sort(key)


def required(frame: pl.DataFrame, columns: tuple[str, ...], table: str) -> None:
    """Refuse a table that lacks a column.

    Raises:
        InputError: It does.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"table {table} lacks the columns {', '.join(missing)}", hint=f"it has {', '.join(frame.columns) or 'none'}")
