"""The build stage: what is one thing, what persons corrected, the graph that follows, and its way into the database."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from etl.stages import fingerprints, ledger_import
from kg.config import Config, ResolveConfig
from kg.errors import NotFoundError
from kg.files.json_file import read_json, write_json
from kg.graph.corrections import Fact, FactLog
from kg.resolve.kept_apart import ResolveLog
from kg.resolve.merges import Resolution
from kg.schema import family
from kg.tables import Catalog, GraphTables, read_table
from kg.workspace import Workspace

if TYPE_CHECKING:
    from gnn.graph.arrays import GraphArrays
    from kg.graph.update import Resolver, State

RESOLUTION = "resolution"
LIVE = "live"
"""Folder of a build that holds its tables as they are after changes since; absent while there were none."""
_FACTS, _KEYS, _MARK = "facts.json", "keys.parquet", "changes.json"


def inputs(workspace: Workspace, config: Config) -> list[object]:
    """Return what the build stage depends on beside the facts extracted: its settings, the matcher, and what persons said."""
    settings = config.section(ResolveConfig)
    path = _matcher_path(workspace, settings)
    matcher = [path.stat().st_size, path.stat().st_mtime_ns] if path is not None and path.is_file() else []
    return [fingerprints.section(settings), matcher, _digest(workspace.facts), _digest(workspace.resolve)]


def changes_digest(workspace: Workspace) -> str:
    """Return what identifies which files of changes were imported, and which the shop's files contain by now."""
    # A log without a record says what no log says.
    return _digest(workspace.changes) if workspace.changes.is_file() and workspace.changes.stat().st_size else ""


def tables_of(workspace: Workspace, config: Config, build: Path) -> tuple[GraphTables, dict[str, int]]:
    """Resolve, correct and build the graph of a build, and keep what it was built with.

    Returns:
        The graph, and what was counted on the way.
    """
    from kg.graph.update import State

    catalog, attributes = Catalog.read(build / "catalog"), read_table(build / "attributes.parquet")
    facts = FactLog(workspace.facts).active()
    state = State.of(catalog, attributes, resolver(workspace, config), facts, build_id=build.name)
    shutil.rmtree(build / LIVE, ignore_errors=True)
    _save_resolution(build, state, inputs(workspace, config))
    resolution = state.knowledge.resolution
    counts = {"merged_values": resolution.merges.height, "duplicates": resolution.duplicates.height, "corrections": len(facts)}
    return state.knowledge.tables(), counts


def write_hygiene(build: Path, tables: GraphTables, *, max_degree: int) -> None:
    """Write the hygiene report of a build: `hygiene.json`, and `hygiene.md` for people."""
    from kg.graph.hygiene import hygiene, markdown

    report = hygiene(tables, max_degree=max_degree)
    write_json(build / "hygiene.json", report)
    (build / "hygiene.md").write_text(markdown(report, build.name), encoding="utf-8")


def resolver(workspace: Workspace, config: Config) -> Resolver:
    """Return how values and items that are one are found: as the configuration asks, except what persons keep apart."""
    from kg.graph.update import Resolver
    from kg.resolve.items.matcher import ItemMatcher

    settings, log = config.section(ResolveConfig), ResolveLog(workspace.resolve)
    path = _matcher_path(workspace, settings)
    matcher = None if path is None or not settings.items else ItemMatcher.load(path)
    return Resolver(settings.values, settings.items, matcher, settings.threshold, log.values(), log.items())


def current_folder(build: Path) -> Path:
    """Return the folder with a build's tables as they are now, changes since it was built included."""
    return build / LIVE if (build / LIVE / _MARK).is_file() else build


def has_saved(build: Path) -> bool:
    """Say whether the tables are there that a graph can be written from again."""
    return all((current_folder(build) / name).exists() for name in ("catalog", "attributes.parquet", RESOLUTION))


def check_saved(build: Path) -> None:
    """See that the tables are there that a graph can be written from again.

    Raises:
        NotFoundError: They are not there any more.
    """
    if not has_saved(build):
        raise NotFoundError(f"build {build.name} has no tables to write the graph from", hint="run `reckon rebuild`")


def saved_tables(build: Path) -> GraphTables:
    """Return the graph of a build from what its stages and changes since wrote.

    Raises:
        NotFoundError: They are not there any more.
    """
    return saved_state(build).knowledge.tables()


def saved_state(build: Path) -> State:
    """Return the state of a build, changes since included.

    Raises:
        NotFoundError: Its tables are not there any more.
    """
    from kg.graph.delta import Knowledge
    from kg.graph.update import State

    check_saved(build)
    folder = current_folder(build)
    facts = tuple(Fact(**fact) for fact in read_json(folder / RESOLUTION / _FACTS).get("facts", []))
    attributes, resolution = read_table(folder / "attributes.parquet"), Resolution.read(folder / RESOLUTION)
    return State(Knowledge(Catalog.read(folder / "catalog"), attributes, resolution, facts), read_table(folder / RESOLUTION / _KEYS))


def saved_mark(build: Path) -> tuple[ledger_import.LedgerPosition, list[object]]:
    """Return how much of the ledger a build's tables contain, and the inputs that they were resolved with."""
    folder = current_folder(build)
    mark = ledger_import.mark_of(build) or ledger_import.LedgerPosition()
    if folder != build:
        mark = replace(mark, **{name: n for name, n in read_json(folder / _MARK).items() if name in ("events_seq", "catalogue_seq")})
    return mark, list(read_json(folder / RESOLUTION / _FACTS).get("inputs", []))


def save_state(build: Path, before: State, state: State, mark: ledger_import.LedgerPosition, resolved_with: list[object]) -> None:
    """Keep the state of a build after a change, whole or not at all; tables that did not change are shared with before."""
    folder, temporary, old = current_folder(build), build / f"{LIVE}.tmp", build / f"{LIVE}.old"
    for leftover in (temporary, old):
        shutil.rmtree(leftover, ignore_errors=True)
    (temporary / "catalog").mkdir(parents=True)
    was, now = before.knowledge, state.knowledge
    for name in ("items", "interactions", "users", "triples"):
        path, frame = Path("catalog") / f"{name}.parquet", getattr(now.catalog, name)
        _write_or_link(frame, folder / path, temporary / path, same=frame is getattr(was.catalog, name) or frame.equals(getattr(was.catalog, name)))
    path = Path("attributes.parquet")
    _write_or_link(now.attributes, folder / path, temporary / path, same=now.attributes is was.attributes)
    _save_resolution(temporary, state, resolved_with)
    write_json(temporary / _MARK, ledger_import.record(mark))
    if (build / LIVE).exists():
        (build / LIVE).rename(old)
    temporary.rename(build / LIVE)
    shutil.rmtree(old, ignore_errors=True)


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


def _save_resolution(build: Path, state: State, resolved_with: list[object]) -> None:
    folder, temporary = build / RESOLUTION, build / f"{RESOLUTION}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    state.knowledge.resolution.write(temporary)
    state.keys.write_parquet(temporary / _KEYS)
    write_json(temporary / _FACTS, {"facts": [asdict(fact) for fact in state.knowledge.facts], "inputs": resolved_with})
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _write_or_link(frame: pl.DataFrame, before: Path, path: Path, *, same: bool) -> None:
    if same:
        os.link(before, path)
    else:
        frame.write_parquet(path, compression="lz4")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def graph_arrays(build: Path) -> GraphArrays:
    """Return the graph of a build, as training takes it.

    Raises:
        NotFoundError: The build's tables are not there any more.
    """
    from gnn.graph.arrays import GraphArrays

    tables = saved_tables(build)
    ends = {e: frame if family(e) == "interaction" else _ends(e[1], frame) for e, frame in tables.edges.items()}
    return GraphArrays.from_tables(replace(tables, edges=ends))


def _ends(relation: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return what an edge joins, and of quantities how they were written, as sentences show that."""
    from kg.extract.quantities.units import WRITTEN

    written = ["surface"] if relation in WRITTEN and "surface" in frame.columns else []
    return frame.select("source", "target", *written)
