"""The import stage: the shop's files and what the ledger knows become the catalogue of a build, with a report of every row that is not in it."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from etl.clean.config import CleanConfig
from etl.console import Console
from etl.settings import SourceConfig
from etl.sources import rejects
from etl.sources.importer import Counts, import_sources
from etl.sources.text import encodings
from etl.stages import import_report, ledger_import
from kg.config import Config, ShopConfig
from kg.files.atomic import write_whole
from kg.workspace import Workspace


def import_build(workspace: Workspace, config: Config, console: Console, mark: ledger_import.LedgerPosition, build: Path) -> dict[str, Any]:
    """Import everything into a build, whole or not at all, and return what the stage's record keeps.

    Raises:
        InputError: A source cannot be used.
        LedgerUnavailableError: The ledger does not answer.
    """
    sources = [source for source in config.sources if isinstance(source, SourceConfig)]
    clean, language = config.section(CleanConfig), config.section(ShopConfig).language
    changes = ledger_import.item_changes(workspace, config, mark)
    known = ledger_import.explained_items(changes)
    temporary, events = build / "catalog.tmp", build / "import.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        imported = import_sources(
            workspace.root,
            sources,
            console.progress,
            more_items=known,
            clean=clean,
            folder=events,
            ratings=config.section(ShopConfig).ratings,
            language=language,
        )
        # With a ledger the tables are put together in memory; without one the events go from file to file.
        catalog = ledger_import.with_changes(imported.catalog, changes) if mark != ledger_import.LedgerPosition() else None
        added = None if catalog is None else ledger_import.with_ledger(catalog, workspace, config, mark, changes)
        if catalog is None:
            imported.write(temporary)
        else:
            (catalog if added is None else added.catalog).write(temporary)
        base = None if catalog is None else ledger_import.order_base(catalog.interactions["time"])
        write_whole(build / "flagged.parquet", imported.events.flagged().sink_parquet)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(events, ignore_errors=True)
    counted = {**imported.counts, **({} if added is None else {ledger_import.SOURCE: added.counts})}
    for source, counts in counted.items():
        written = imported.details[source].encoding if source in imported.details else ""
        console.note(f"{source}: {said(counts)}{f'; {written}' if written in (encodings.LATIN1, encodings.MIXED) else ''}")
    shutil.rmtree(build / "catalog", ignore_errors=True)
    temporary.rename(build / "catalog")
    rejects.write(build / "rejects.jsonl", [*imported.rejects, *([] if added is None else [added.rejects])])
    import_report.write(build, import_report.report(imported, counted, clean, build.name))
    _publish(build, workspace)
    return {
        "sources": {source: asdict(counts) for source, counts in counted.items()},
        "rejected": imported.n_rejected,
        "flagged": imported.n_flagged,
        ledger_import.SOURCE: ledger_import.record(mark),
        ledger_import.ORDER_BASE: base,
    }


def said(counts: Counts) -> str:
    """Return counts as one line ("20 rows, 18 good, 2 rejected")."""
    return ", ".join([f"{counts.rows:,} rows", *(f"{n:,} {name}" for name, n in asdict(counts).items() if name != "rows" and n)])


def _publish(build: Path, workspace: Workspace) -> None:
    """Copy what an operator reads to the workspace, where it is that of the last import."""
    workspace.reports.mkdir(exist_ok=True)
    replace_file(build / "rejects.jsonl", workspace.rejects)
    for name in import_report.NAMES:
        replace_file(build / name, workspace.reports / name)


def replace_file(source: Path, target: Path) -> None:
    """Copy a file whole or not at all. Where the target is a link, the link is replaced: the file that it points to is not ours."""
    write_whole(target, lambda temporary: shutil.copy(source, temporary))
