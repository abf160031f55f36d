"""Histories in one row: a user and a list of items, as RecBole's `item_id_list` and many sequence data sets have them, become one event each.

Where the source has no time, the position in the list, from 1, is the order number of the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from etl.sources.config import SourceConfig
from etl.sources.raw import RawTable, reject_rows
from etl.sources.values.texts import values

_POSITION = "__position"
_TEXTS = pl.List(pl.String())
_NUMPY = re.compile(r"\[\s*[^\s\[\]\"',]+(?:\s+[^\s\[\]\"',]+)*\s*\]")
_BESIDE = ("time", "kind", "quantity", "rating", "price", "price_cents")
"""Columns of ours that may hold one value for each item of the list."""
_EMPTY = "holds an empty list of items"


@dataclass
class Sequences:
    """Turns the rows of one source of events into one row per event.

    Args:
        source: Its declaration.
    """

    source: SourceConfig
    declared: SourceConfig = field(init=False)

    def __post_init__(self) -> None:
        self.declared = self.source

    def expanded(self, raw: RawTable) -> RawTable:
        """Return a chunk with one row per item; `declared` is then how its columns are to be read."""
        item = self.source.columns.get("item_id")
        if self.source.table != "interactions" or not isinstance(item, str) or item.startswith("="):
            return raw
        items = _listed(raw.frame[item], self.source.split.get("item_id"))
        if items is None:
            return self._with_position(raw) if _POSITION in self.declared.wanted else raw
        if "time" not in self.source.columns:
            self.declared = self.source.model_copy(update={"columns": {**self.source.columns, "time": _POSITION}})
        return self._exploded(raw, item, items)

    def _exploded(self, raw: RawTable, item: str, items: pl.Series) -> RawTable:
        frame = raw.frame.with_columns(items.alias(item))
        length = pl.col(item).list.len()
        beside = self._beside(raw.frame, item)
        frame = frame.with_columns(column.alias(name) for name, column in beside.items())
        fits = [(pl.col(name).list.len() == length) | pl.col(name).is_null() for name in beside]
        right = frame.select(pl.all_horizontal(length.is_not_null(), *fits).fill_null(False).alias("fits")).to_series()
        wrong = frame.filter(~right)
        refused = [(int(row["__line"]), str(row[item])[:200], "holds lists of different lengths") for row in wrong.iter_rows(named=True)]
        kept = frame.filter(right)
        n_empty = kept.filter(length == 0).height
        kept = kept.filter(length > 0).with_columns(pl.int_ranges(1, length + 1).cast(_TEXTS).alias(_POSITION))
        for name in beside:
            kept = kept.with_columns(pl.col(name).fill_null(pl.lit(None, dtype=pl.String).repeat_by(length)))
        rows = kept.explode(item, _POSITION, *beside)
        empty = {**raw.empty, **({_EMPTY: n_empty} if n_empty else {})}
        return replace(raw, frame=rows, rejects=pl.concat([raw.rejects, reject_rows(raw.name, refused)]), empty=empty)

    def _beside(self, frame: pl.DataFrame, item: str) -> Mapping[str, pl.Series]:
        result = {}
        for ours in _BESIDE:
            name = self.source.columns.get(ours)
            if isinstance(name, str) and name in frame.columns and name != item and name not in result:
                lists = _listed(frame[name], self.source.split.get(ours))
                if lists is not None:
                    result[name] = lists
        return result

    def _with_position(self, raw: RawTable) -> RawTable:
        return replace(raw, frame=raw.frame.with_columns(pl.lit("1").alias(_POSITION)))


def _listed(cells: pl.Series, separator: str | None) -> pl.Series | None:
    """Return a column of lists; None where none of its cells is one. A cell that is no list is a list of one."""
    if isinstance(cells.dtype, pl.List | pl.Array):
        return cells.cast(_TEXTS).fill_null(pl.Series([[]], dtype=_TEXTS))
    if cells.dtype != pl.String:
        return None
    if separator:
        part = pl.element().str.strip_chars()
        split = cells.str.split(separator).alias("v").to_frame()
        return split.select(pl.col("v").list.eval(part.filter(part != ""))).to_series()
    looks = cells.str.contains(r"(?s)^\s*(?:\[.*\]|\(.*,.*\)|\{[^:]*,[^:]*\})\s*$").fill_null(False)
    if not looks.any():
        return None
    contents = {text: parts for text in cells.filter(looks).unique().to_list() if (parts := _inner(text)) is not None}
    if not contents:
        return None
    table = pl.DataFrame({"t": list(contents), "inner": list(contents.values())}, schema={"t": pl.String(), "inner": _TEXTS})
    named = cells.alias("t").to_frame()
    inner = named.join(table, on="t", how="left", maintain_order="left")["inner"]
    return inner.zip_with(inner.is_not_null(), named.select(pl.concat_list(pl.col("t"))).to_series())


def _inner(text: str) -> list[str] | None:
    text = text.strip()
    if _NUMPY.fullmatch(text) and " " in text:
        return text[1:-1].split()
    # Python writes tuples, PostgreSQL arrays, with brackets of their own.
    return values(f"[{text[1:-1]}]", "") if text[0] in "({" else values(text, "")
