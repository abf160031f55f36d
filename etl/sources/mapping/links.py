"""Ready-made triples whose nodes are bare entities: which of them is which item, and of which type the others are."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from etl.sources import registry
from etl.sources.config import SourceConfig
from kg.errors import InputError
from kg.validation.ids import checked_series

_TYPED = r"^[a-z][a-z0-9_]{0,62}:"
_WEB = r"^https?://"
"""A bare entity, though it looks like a node with its type."""


def no_links() -> pl.DataFrame:
    """Return a table that links nothing: `entity_id`, `item_id`."""
    return pl.DataFrame(schema={"entity_id": pl.String(), "item_id": pl.String()})


def read_links(root: Path, source: SourceConfig) -> pl.DataFrame:
    """Read the file that says which entity is which item: one row per entity.

    Raises:
        InputError: The file is missing, lacks a column, or links an entity to two items.
    """
    path = registry.resolve(root, source.link)
    named = {ours: source.link_columns.get(ours, ours) for ours in ("entity_id", "item_id")}
    parts = [table.frame.select(entity_id=named["entity_id"], item_id=named["item_id"]) for table in registry.chunks(path, [*named.values()])]
    links = pl.concat([no_links(), *(part.cast(pl.String) for part in parts)]).drop_nulls().unique(maintain_order=True)
    links = links.with_columns(checked_series(links["item_id"])[0])
    twice = links.filter(pl.col("entity_id").is_duplicated())
    if twice.height:
        raise InputError(f"{path.name} links the entity {twice['entity_id'][0]!r} to more than one item", hint="one row per entity")
    return links


def relation_name(written: pl.Series) -> pl.Series:
    """Return relations of a foreign graph as names of ours ("film.film.actor" → "film_film_actor")."""
    return written.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_").str.replace(r"^(\d)", "r_$1").str.slice(0, 63)


def typed(nodes: pl.Series, links: pl.DataFrame, node_type: str) -> pl.Series:
    """Return nodes as "type:id": items where the link file says so, then what is written so, then `node_type`; null where none of them applies."""
    frame = pl.DataFrame({"entity_id": nodes}).join(links, on="entity_id", how="left", maintain_order="left")
    written, item = pl.col("entity_id"), pl.col("item_id")
    other = pl.lit(f"{node_type}:") + written if node_type else pl.lit(None, dtype=pl.String)
    has_type = written.str.contains(_TYPED) & (~written.str.contains(_WEB) if node_type else True)
    return frame.select(pl.when(item.is_not_null()).then("item:" + item).when(has_type).then(written).otherwise(other)).to_series()
