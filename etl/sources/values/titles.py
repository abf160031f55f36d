"""Titles as a person reads them: no markup, no register's abbreviations. What the shop wrote is kept beside."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from etl.clean.abbreviations import Abbreviations
from kg.extract.text import plain
from kg.tables import AS_WRITTEN


def readable_titles(items: pl.DataFrame, abbreviations: Abbreviations | None = None) -> pl.DataFrame:
    """Replace titles that hold markup, entities or abbreviations; `title_as_written` keeps what stood there.

    Args:
        items: Rows with a column `title`.
        abbreviations: The register's lexicon of the source, where it has one.
    """
    if "title" not in items.columns:
        return items
    written = items["title"].drop_nulls().unique().sort().to_list()
    shown = _shown(abbreviations)
    changed = {title: new for title in written if (new := shown(title)) != title}
    if not changed:
        return items
    names = pl.DataFrame({"title": list(changed), "_shown": list(changed.values())}, schema={"title": pl.String, "_shown": pl.String})
    joined = items.join(names, on="title", how="left", maintain_order="left")
    kept = pl.when(pl.col("_shown").is_not_null()).then(pl.concat_list("title")).otherwise(pl.lit([], dtype=pl.List(pl.String)))
    return joined.with_columns(kept.alias(AS_WRITTEN)).with_columns(title=pl.coalesce("_shown", "title")).drop("_shown")


def _shown(abbreviations: Abbreviations | None) -> Callable[[str], str]:
    if abbreviations is None:
        return _plain
    return lambda title: abbreviations.expand(_plain(title))


def _plain(title: str) -> str:
    """A title that is nothing but markup stays: an empty one would be none."""
    return plain(title) or title
