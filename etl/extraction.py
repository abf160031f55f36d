"""What the extract stage does beyond reading: values that are inferred, and vectors of item texts, where the configuration asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from kg.config import Config, ExtractConfig, ShopConfig

INFERRED = "inferred.parquet"
VECTORS = "text_vectors.npy"


@dataclass(frozen=True)
class Extended:
    """The facts of a build after everything that the configuration asks for.

    Attributes:
        attributes: Facts that enter the graph (`kg.tables.ATTRIBUTE_COLUMNS`).
        counts: What was added.
    """

    attributes: pl.DataFrame
    counts: dict[str, int] = field(default_factory=dict)


def extend(config: Config, build: Path, items: pl.DataFrame, attributes: pl.DataFrame, progress: Callable[[int, int], None]) -> Extended:
    """Add inferred values, and write text vectors, as the configuration asks.

    All inferred values are kept in the build (`inferred.parquet`) whatever their confidence; only those above the threshold enter the graph, where
    reasons may show them.

    Args:
        config: `[extract]` and `[shop]` are read.
        build: Folder of the build.
        items: Its items.
        attributes: What extraction read.
        progress: Called with (texts done, texts in all) while vectors are made.
    """
    extract = config.section(ExtractConfig)
    if extract.vectors != "none":
        _write_vectors(build, items, extract, config.section(ShopConfig).language, progress)
    if not extract.infer:
        return Extended(attributes)
    from kg.extract.inferred import above, infer

    found = infer(items, attributes)
    temporary = build / f"{INFERRED}.tmp"
    found.write_parquet(temporary)
    temporary.replace(build / INFERRED)
    certain = above(found, extract.infer_threshold)
    return Extended(pl.concat([attributes, certain]).sort("item_id", "relation", "value"), {"inferred": certain.height})


def _write_vectors(build: Path, items: pl.DataFrame, extract: ExtractConfig, language: str, progress: Callable[[int, int], None]) -> None:
    import numpy as np

    from kg.extract.vectors import text_vectors

    ordered = items.sort("item_id")
    texts = ordered.select(pl.concat_str("title", "description", separator=". ", ignore_nulls=True).fill_null("")).to_series().to_list()
    vectors = text_vectors(texts, "minilm" if extract.vectors == "minilm" else "hashing", language=language, progress=progress)
    temporary = build / f"{VECTORS}.tmp"
    with temporary.open("wb") as file:
        np.save(file, vectors)
    temporary.replace(build / VECTORS)
