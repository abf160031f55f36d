"""The build stage: what is one thing, what persons corrected, the graph that follows, and its way into the database."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from etl import fingerprints
from etl.runs import read_json, write_json
from kg.build import build_graph, triple_facts
from kg.config import Config, ResolveConfig
from kg.errors import NotFoundError
from kg.facts import Fact, FactLog
from kg.resolve.merges import Resolution
from kg.resolve.undone import ResolveLog
from kg.tables import Catalog, GraphTables, read_table
from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.resolve.matcher import ItemMatcher

RESOLUTION = "resolution"
_FACTS = "facts.json"


def inputs(workspace: Workspace, config: Config) -> list[object]:
    """Return what the build stage depends on beside the facts extracted: its settings, the matcher, and what persons said."""
    settings = config.section(ResolveConfig)
    path = _matcher_path(workspace, settings)
    matcher = [path.stat().st_size, path.stat().st_mtime_ns] if path is not None and path.is_file() else []
    return [fingerprints.section(settings), matcher, _digest(workspace.facts), _digest(workspace.resolve)]


def tables_of(workspace: Workspace, config: Config, build: Path) -> tuple[GraphTables, dict[str, int]]:
    """Resolve, correct and build the graph of a build, and keep what it was built with.

    Returns:
        The graph, and what was counted on the way.
    """
    catalog, attributes = Catalog.read(build / "catalog"), read_table(build / "attributes.parquet")
    resolution = resolve(workspace, config, catalog, attributes, build.name)
    facts = FactLog(workspace.facts).active()
    save_resolution(build, resolution, facts)
    counts = {"merged_values": resolution.merges.height, "duplicates": resolution.duplicates.height, "corrections": len(facts)}
    return build_graph(catalog, attributes, resolution, facts), counts


def resolve(workspace: Workspace, config: Config, catalog: Catalog, attributes: pl.DataFrame, build_id: str) -> Resolution:
    """Find the values and the items that are one, as far as the configuration asks and persons have not said otherwise.

    Args:
        workspace: Whose log of undone merges counts.
        config: `[resolve]` is read.
        catalog: The items, and triples that state values too.
        attributes: Facts as extracted.
        build_id: Recorded in the merge log.
    """
    from kg.resolve.duplicates import find_duplicates
    from kg.resolve.values import merge_values

    settings, log = config.section(ResolveConfig), ResolveLog(workspace.resolve)
    found = Resolution()
    if settings.values:
        stated = pl.concat([attributes.select("item_id", "relation", "value", "extractor"), triple_facts(catalog.triples)])
        found = Resolution(merges=merge_values(stated, build_id=build_id, undone=log.values()))
    if settings.items:
        matcher = _matcher(workspace, settings)
        found = Resolution(found.merges, find_duplicates(catalog.items, matcher, settings.threshold, apart=log.items()))
    return found


def save_resolution(build: Path, resolution: Resolution, facts: list[Fact]) -> None:
    """Keep what a graph was built with, whole or not at all."""
    folder, temporary = build / RESOLUTION, build / f"{RESOLUTION}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    resolution.write(temporary)
    write_json(temporary / _FACTS, {"facts": [asdict(fact) for fact in facts]})
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def saved_facts(build: Path) -> list[Fact]:
    """Return the corrections that a build's graph was built with."""
    return [Fact(**fact) for fact in read_json(build / RESOLUTION / _FACTS).get("facts", [])]


def check_saved(build: Path) -> None:
    """See that the tables are there that a graph can be written from again.

    Raises:
        NotFoundError: They are not there any more.
    """
    if not all((build / name).exists() for name in ("catalog", "attributes.parquet", RESOLUTION)):
        raise NotFoundError(f"build {build.name} has no tables to write the graph from", hint="run `reckon rebuild`")


def saved_tables(build: Path) -> GraphTables:
    """Return the graph of a build from what its stages wrote.

    Raises:
        NotFoundError: They are not there any more.
    """
    check_saved(build)
    attributes = read_table(build / "attributes.parquet")
    return build_graph(Catalog.read(build / "catalog"), attributes, Resolution.read(build / RESOLUTION), saved_facts(build))


def interactions_of(build: Path) -> pl.DataFrame:
    """Return the events of a build as they count: those of a duplicate belong to the item it is a duplicate of."""
    resolution = Resolution.read(build / RESOLUTION)
    return resolution.canonical_interactions(Catalog.read(build / "catalog").interactions)


def own_relations(workspace: Workspace) -> frozenset[str]:
    """Return the relations from items to values that the triples of the published build bring, under whatever names."""
    current = workspace.current_id()
    path = workspace.build(current) / "catalog" / "triples.parquet" if current else None
    if path is None or not path.is_file():
        return frozenset()
    kinds = (
        pl.scan_parquet(path).filter((pl.col("head_type") == "item") & (pl.col("tail_type") != "item")).select(pl.col("relation").unique()).collect()
    )
    return frozenset(kinds["relation"].to_list())


def _matcher_path(workspace: Workspace, settings: ResolveConfig) -> Path | None:
    return workspace.root / settings.matcher if settings.matcher else None


def _matcher(workspace: Workspace, settings: ResolveConfig) -> ItemMatcher | None:
    path = _matcher_path(workspace, settings)
    if path is None:
        return None
    from kg.resolve.matcher import ItemMatcher

    return ItemMatcher.load(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
