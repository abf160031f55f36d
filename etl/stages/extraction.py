"""What the extract stage does beyond the rules: values that a trained extractor reads, values that are inferred, and vectors of item texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from etl.console import Console
from kg.config import Config, ExtractConfig, ShopConfig
from kg.files.atomic import whole_file, write_whole
from kg.tables import Catalog
from kg.workspace import Workspace

INFERRED = "inferred.parquet"
LEARNED = "learned.parquet"
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


def extract_build(workspace: Workspace, config: Config, build: Path, console: Console) -> dict[str, Any]:
    """Read the attributes of a build's items into it, and return what was counted."""
    from kg.extract.pipeline import Extractor

    items, extract = Catalog.read(build / "catalog").items, config.section(ExtractConfig)
    extractor = Extractor(config.section(ShopConfig).language, text=extract.text, terms=extract.terms)
    if extractor.note:
        console.note(extractor.note)
    further = extend(workspace, config, build, items, extractor.extract(items, console.progress), console.progress)
    write_whole(build / "attributes.parquet", further.attributes.write_parquet)
    return {"facts": further.attributes.height, "relations": further.attributes["relation"].n_unique(), **further.counts}


def inputs(workspace: Workspace, config: Config) -> str:
    """Return what identifies the trained extractor that the stage reads with; empty where there is none or it is not asked for."""
    if not config.section(ExtractConfig).learned or not workspace.extract_model.is_file():
        return ""
    with workspace.extract_model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def extend(
    workspace: Workspace, config: Config, build: Path, items: pl.DataFrame, attributes: pl.DataFrame, progress: Callable[[int, int], None]
) -> Extended:
    """Add what the trained extractor reads and what is inferred, and write text vectors, as the configuration asks.

    All readings and inferred values are kept in the build (`learned.parquet`, `inferred.parquet`) whatever their confidence; only those above their
    thresholds enter the graph, where reasons may show them.

    Args:
        workspace: Whose extractor reads.
        config: `[extract]` and `[shop]` are read.
        build: Folder of the build.
        items: Its items.
        attributes: What extraction read.
        progress: Called with (texts done, texts in all) while vectors are made.
    """
    extract = config.section(ExtractConfig)
    if extract.vectors != "none":
        _write_vectors(build, items, extract, config.section(ShopConfig).language, progress)
    counts: dict[str, int] = {}
    read = learned(workspace, config, items, attributes, progress)
    if read is not None:
        write_whole(build / LEARNED, read.everything.write_parquet)
        attributes, counts["learned"] = _joined(attributes, read.certain), read.certain.height
    if extract.infer:
        certain = _inferred(build, items, attributes, extract.infer_threshold)
        attributes, counts["inferred"] = _joined(attributes, certain), certain.height
    return Extended(attributes, counts)


@dataclass(frozen=True)
class Learned:
    """What the trained extractor reads in titles, for what the items do not state (`kg.tables.ATTRIBUTE_COLUMNS`).

    Attributes:
        everything: Whatever the confidence.
        certain: What enters the graph.
    """

    everything: pl.DataFrame
    certain: pl.DataFrame


def learned(
    workspace: Workspace, config: Config, items: pl.DataFrame, facts: pl.DataFrame, progress: Callable[[int, int], None] | None = None
) -> Learned | None:
    """Read items with the workspace's trained extractor; None where it has none or the configuration does without.

    Args:
        workspace: Whose extractor reads.
        config: `[extract]` is read.
        items: Items to read.
        facts: What is known of them and of all others, whose spelling of values counts.
        progress: Called with (titles done, titles in all).
    """
    if not inputs(workspace, config):
        return None
    from kg.extract.learned.shop import ShopReader, confident, learned_facts

    everything = learned_facts(ShopReader.load(workspace.extract_model), items, facts, progress, language=config.section(ShopConfig).language)
    return Learned(everything, confident(everything, config.section(ExtractConfig).learned_threshold))


def forget_respelt(before: pl.DataFrame, facts: pl.DataFrame, item_ids: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """Drop the readings of items whose values the shop's fields now write in another way, so that they are read again.

    Args:
        before: All facts before a change.
        facts: All facts after it.
        item_ids: Items that are read again anyway.

    Returns:
        The facts without those readings, and all items to read again.
    """
    if not (facts["extractor"] == "learned").any():
        return facts, list(item_ids)
    from kg.extract.learned.shop import LEARNED, respelt

    others = respelt(before, facts)
    gone = pl.col("item_id").is_in(others) & (pl.col("extractor") == LEARNED)
    return facts.filter(~gone), sorted({*item_ids, *others})


def _joined(facts: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([facts, more]).sort("item_id", "relation", "value")


def _inferred(build: Path, items: pl.DataFrame, attributes: pl.DataFrame, threshold: float) -> pl.DataFrame:
    from kg.extract.inferred import above, infer

    inferred = infer(items, attributes)
    write_whole(build / INFERRED, inferred.write_parquet)
    return above(inferred, threshold)


def _write_vectors(build: Path, items: pl.DataFrame, extract: ExtractConfig, language: str, progress: Callable[[int, int], None]) -> None:
    import numpy as np

    from kg.extract.vectors import best_method, text_vectors

    ordered = items.sort("item_id")
    texts = ordered.select(pl.concat_str("title", "description", separator=". ", ignore_nulls=True).fill_null("")).to_series().to_list()
    chosen = extract.vectors
    method = best_method() if chosen == "auto" or chosen == "none" else chosen
    vectors = text_vectors(texts, method, language=language, progress=progress)
    with whole_file(build / VECTORS) as path, path.open("wb") as file:
        np.save(file, vectors)
