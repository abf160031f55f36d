"""Attributes that a file keeps as a JSON object in one cell: read row by row, and the most common keys become columns at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import polars as pl

from kg.tables import ITEM_COLUMNS, USER_COLUMNS

_LONG = {"line": pl.Int64(), "name": pl.String(), "value": pl.String()}
_TYPED = re.compile(r"^attr_[tnb]_")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = {*ITEM_COLUMNS, *USER_COLUMNS, "price", "line"}
_MAX_NAME = 50
_MAX_NUMBERS = 16
"""A longer list of numbers is a vector, not values."""


def attribute_name(written: str) -> str:
    """Return a key of a file as the name of an attribute; "" where nothing is left of it.

    >>> attribute_name("attr_t_product_colour"), attribute_name("Screen size (cm)"), attribute_name("4K"), attribute_name("brand")
    ('product_colour', 'screen_size_cm', 'n_4k', 'brand_attribute')
    """
    if _NAME.fullmatch(written) and not _TYPED.match(written) and written not in _RESERVED:
        return written
    name = re.sub(r"[^a-z0-9]+", "_", _TYPED.sub("", written.strip().lower())).strip("_")
    if name[:1].isdigit():
        name = f"n_{name}"
    if len(name) > _MAX_NAME:
        # Whole words: half a word reads as a mistake.
        name = (name[: _MAX_NAME + 1].rpartition("_")[0] or name[:_MAX_NAME]).strip("_")
    return f"{name}_attribute" if name in _RESERVED else name


@dataclass
class JsonAttributes:
    """The attributes of a source's rows, collected chunk by chunk.

    Args:
        limit: How many keys become columns.
    """

    limit: int
    left_out: dict[str, int] = field(default_factory=dict)
    _parts: list[pl.DataFrame] = field(default_factory=list)

    def take(self, lines: pl.Series, cells: pl.Series) -> pl.Series:
        """Read a chunk's cells; returns which of them are not empty and no JSON object either."""
        rows: list[tuple[int, str, str]] = []
        wrong: list[bool] = []
        for line, cell in zip(lines, cells, strict=True):
            result = _object(cell)
            wrong.append(result is None)
            rows += [(line, name, value) for name, value in _pairs(result or {})]
        self._parts.append(pl.DataFrame(rows, schema=_LONG, orient="row"))
        return pl.Series(wrong, dtype=pl.Boolean)

    def joined(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows with a list column per attribute; a column that they have already gets the values as well.

        Args:
            frame: Rows by `line`.
        """
        long = pl.concat([pl.DataFrame(schema=_LONG), *self._parts]).join(frame.select("line"), on="line", how="semi").unique(maintain_order=True)
        ranked = long.group_by("name").agg(n=pl.col("line").n_unique()).sort(pl.col("n"), "name", descending=[True, False])
        self.left_out = dict(ranked[self.limit :].iter_rows())
        kept = long.join(ranked.head(self.limit), on="name", how="semi")
        if not kept.height:
            return frame
        wide = kept.group_by("line", "name", maintain_order=True).agg("value").pivot(on="name", index="line", values="value")
        names = sorted(name for name in wide.columns if name != "line")
        clash = [name for name in names if name in frame.columns]
        wide = wide.select("line", *(pl.col(name).alias(f"{name}\0" if name in clash else name) for name in names))
        both = frame.join(wide, on="line", how="left", maintain_order="left")
        none = pl.lit([], dtype=pl.List(pl.String))
        merged = [
            pl.concat_list(pl.col(name).fill_null(none), pl.col(f"{name}\0").fill_null(none)).list.unique(maintain_order=True).alias(name)
            for name in clash
        ]
        return both.with_columns(merged).drop(f"{name}\0" for name in clash)


def _object(cell: str | None) -> dict[str, object] | None:
    if cell is None or not cell.strip():
        return {}
    try:
        result = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return None
    return result if isinstance(result, dict) else None


def _pairs(attributes: dict[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        name = attribute_name(key)
        if not name:
            continue
        values = value if isinstance(value, list) else [value]
        if len(values) > _MAX_NUMBERS and all(isinstance(each, float) for each in values):
            continue
        for each in values:
            text = _text(each)
            if text:
                yield name, text


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
