"""Titles as a person reads them: no markup, no register's abbreviations. What the shop wrote is kept beside."""

from __future__ import annotations

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
    if "categories" not in items.columns or abbreviations is None:
        keyed = items.with_columns(_categories=pl.lit(""))
    else:
        keyed = items.with_columns(_categories=pl.col("categories").list.join("\0").fill_null(""))
    pairs = keyed.filter(pl.col("title").is_not_null()).select("title", "_categories").unique(maintain_order=True)
    shown = [_shown(title, categories, abbreviations) for title, categories in pairs.iter_rows()]
    names = pairs.with_columns(_shown=pl.Series(shown, dtype=pl.String)).filter(pl.col("_shown") != pl.col("title"))
    joined = keyed.join(names, on=["title", "_categories"], how="left", maintain_order="left").drop("_categories")
    if abbreviations is not None and "categories" in items.columns:
        written = joined["categories"].explode().drop_nulls().unique()
        means = {text: abbreviations.expand(text) for text in written}
        joined = joined.with_columns(pl.col("categories").list.eval(pl.element().replace(means)).list.unique(maintain_order=True))
    if not names.height:
        return joined.drop("_shown")
    kept = pl.when(pl.col("_shown").is_not_null()).then(pl.concat_list("title")).otherwise(pl.lit([], dtype=pl.List(pl.String)))
    return joined.with_columns(kept.alias(AS_WRITTEN)).with_columns(title=pl.coalesce("_shown", "title")).drop("_shown")


def _shown(title: str, categories: str, abbreviations: Abbreviations | None) -> str:
    return _plain(title) if abbreviations is None else abbreviations.expand(_plain(title), categories.split("\0"))


def _plain(title: str) -> str:
    """A title that is nothing but markup stays: an empty one would be none."""
    return plain(title) or title
