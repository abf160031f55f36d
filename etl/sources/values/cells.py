"""The cells of a column of ours as a file has them: trimmed, null where they say nothing, several columns joined."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from etl.sources.config import SourceConfig
from etl.sources.raw import RawTable
from etl.sources.values.reading import DECIDED
from etl.sources.values.texts import values
from kg.validation.placeholders import blanked, words

_TEXT = pl.String()
_TEXTS = pl.List(pl.String())
_STRUCTURED = r"(?s)^\s*(?:\[.*\]|\{.*\})\s*$"
_APART = " ; "
"""Between several values in a cell that may hold one: what is joined so is no number, no time and no id by accident."""


def declared(source: SourceConfig, name: str) -> Sequence[str]:
    """Return the file's columns that a column of ours is made of."""
    said = source.columns[name]
    return [said] if isinstance(said, str) else said


def written(source: SourceConfig, raw: RawTable, name: str) -> pl.Series:
    """Return a column of ours as it is written: text, or the numbers and times that the file holds as such.

    Null where the cell says nothing; where several columns are joined, null where all of them do, whatever literals stand beside them.
    """
    names = declared(source, name)
    if len(names) == 1 and not names[0].startswith("="):
        return _cells(raw.frame[names[0]], name, typed=name in DECIDED)
    height = raw.frame.height
    parts = [
        pl.repeat(part[1:], height, dtype=_TEXT, eager=True) if part.startswith("=") else _cells(raw.frame[part], name, typed=False) for part in names
    ]
    frame = pl.DataFrame([part.alias(str(n)) for n, part in enumerate(parts)])
    own = [pl.col(str(n)).is_not_null() for n, part in enumerate(names) if not part.startswith("=")]
    joined = pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)
    return frame.select(pl.when(pl.any_horizontal(own)).then(joined).alias(name) if own else joined.alias(name)).to_series()


def values_of(cells: pl.Series, separator: str | None, name: str, language: str) -> pl.Series:
    """Return cells as lists of values. Each cell decides for itself: a list, a list written as text, or a text; each value is split at the separator.

    Args:
        cells: The file's column.
        separator: Of many values in one text; None where a text is one value.
        name: Our column.
        language: The shop's.
    """
    if isinstance(cells.dtype, pl.List | pl.Array):
        lists = _opened(cells.cast(_TEXTS).fill_null(pl.Series([[]], dtype=_TEXTS)), language)
    else:
        lists = _lists(_as_text(cells), language)
    element = pl.element()
    nothing = [*words(name), ""]
    if separator:
        # "N/A" is looked at before "/" splits it.
        said = element.filter(~element.str.strip_chars().str.to_lowercase().is_in(nothing))
        element = said.str.split(separator).list.explode()
    trimmed = element.str.strip_chars()
    kept = trimmed.filter(trimmed.is_not_null() & ~trimmed.str.to_lowercase().is_in(nothing))
    return lists.alias("v").to_frame().select(pl.col("v").list.eval(kept).cast(_TEXTS).fill_null(pl.lit([], dtype=_TEXTS))).to_series()


def _opened(lists: pl.Series, language: str) -> pl.Series:
    """Return lists with what their elements hold, where those are lists or translations written as text."""
    if not lists.list.eval(pl.element().str.contains(_STRUCTURED)).list.any().fill_null(False).any():
        return lists
    rows = lists.alias("v").to_frame().with_row_index("row").explode("v")
    inner = rows.select("row", _lists(rows["v"], language).alias("v")).explode("v")
    contents = inner.group_by("row").agg("v")
    every = pl.DataFrame({"row": pl.int_range(len(lists), dtype=pl.UInt32, eager=True)})
    return every.join(contents.cast({"row": pl.UInt32}), on="row", how="left", maintain_order="left")["v"].fill_null(pl.Series([[]], dtype=_TEXTS))


def _lists(texts: pl.Series, language: str) -> pl.Series:
    """Return each text as a list: of what it holds where it is a list or a translation written as text, of itself otherwise."""
    looks = texts.str.contains(_STRUCTURED).fill_null(False)
    whole = texts.alias("t").to_frame().select(pl.concat_list(pl.col("t"))).to_series()
    if not looks.any():
        return whole
    result = {text: values(text, language) for text in texts.filter(looks).unique().to_list()}
    contents = {text: inner for text, inner in result.items() if inner is not None}
    if not contents:
        return whole
    table = pl.DataFrame({"t": list(contents), "inner": list(contents.values())}, schema={"t": _TEXT, "inner": _TEXTS})
    inner = texts.alias("t").to_frame().join(table, on="t", how="left", maintain_order="left")["inner"]
    return inner.zip_with(inner.is_not_null(), whole)


def _cells(cells: pl.Series, name: str, *, typed: bool) -> pl.Series:
    if typed and (cells.dtype.is_numeric() or isinstance(cells.dtype, pl.Datetime | pl.Date)):
        return cells
    if isinstance(cells.dtype, pl.List | pl.Array):
        return blanked(_joined(cells.cast(_TEXTS), _separator(name)), name)
    return blanked(_as_text(cells), name)


def _separator(name: str) -> str:
    return "\n" if name == "description" else _APART if name in DECIDED or name in ("item_id", "user_id") else " "


def _joined(lists: pl.Series, separator: str) -> pl.Series:
    """Return lists as texts; equal elements once. A list of JSON objects stays one in JSON: it may be a text in several languages."""
    each = pl.col("v").list.drop_nulls().list.unique(maintain_order=True)
    objects = each.list.eval(pl.element().str.starts_with("{") & pl.element().str.ends_with("}")).list.all() & (each.list.len() > 1)
    as_json = pl.concat_str(pl.lit("["), each.list.join(","), pl.lit("]"))
    return lists.alias("v").to_frame().select(pl.when(objects).then(as_json).otherwise(each.list.join(separator))).to_series()


def _as_text(cells: pl.Series) -> pl.Series:
    if not cells.dtype.is_float():
        return cells.cast(_TEXT, strict=False)
    # Identifiers that passed through a floating-point column come as 12345.0, and missing ones as NaN.
    cell = pl.col("c")
    whole = (cell == cell.floor()) & (cell.abs() < 2**53)
    text = pl.when(cell.is_nan()).then(None).when(whole).then(cell.cast(pl.Int64, strict=False).cast(_TEXT)).otherwise(cell.cast(_TEXT))
    return cells.alias("c").to_frame().select(text).to_series()
