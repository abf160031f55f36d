"""`reckon check`: every source validated as an import would, and nothing built."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.settings import SourceConfig
    from kg.errors import InputError


def check(
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path(),
    allow_rejects: Annotated[int, typer.Option("--allow-rejects", min=0, help="Rejected rows that are no failure.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one source a line.")] = False,
) -> None:
    """Validate every source without building: a PASS or FAIL line for each, with its counts; the exit code says whether all passed.

    0: all pass. 3: a source cannot be used. 4: rows were rejected, more than --allow-rejects.
    """
    import json

    from etl.clean.config import CleanConfig
    from etl.settings import SourceConfig
    from etl.sources.importer import import_sources
    from kg.config import ShopConfig, load_config
    from kg.errors import InputError, RejectedRowsError

    opened = Workspace.open(workspace)
    config = load_config(opened.root, os.environ)
    sources = [source for source in config.sources if isinstance(source, SourceConfig)]
    broken: dict[str, Line] = {}

    def note(name: str, source: SourceConfig, error: InputError) -> None:
        broken[name] = Line(name, source.table, passed=False, message=str(error), counts={})

    with tempfile.TemporaryDirectory(prefix="reckon-check-") as folder:
        imported = import_sources(
            opened.root,
            sources,
            clean=config.section(CleanConfig),
            ratings=config.section(ShopConfig).ratings,
            folder=Path(folder) / "events",
            on_error=note,
            language=config.section(ShopConfig).language,
        )
    names = [name for name in imported.counts if name not in broken]
    n_rejected = sum(imported.counts[name].rejected for name in names)
    allowed = n_rejected <= allow_rejects
    lines = [*broken.values(), *(_judged(name, imported.counts[name], imported.details[name], allowed=allowed) for name in names)]
    for line in lines:
        typer.echo(json.dumps(line.record(), ensure_ascii=False) if as_json else line.text())
    n_failed = sum(not line.passed for line in lines)
    if not as_json:
        typer.echo(f"{len(lines)} sources: {len(lines) - n_failed} pass, {n_failed} fail")
    if broken:
        raise InputError(f"{len(broken)} of {len(lines)} sources cannot be used", hint="correct what the FAIL lines say")
    if not allowed:
        raise RejectedRowsError(f"{n_rejected:,} rows would be rejected", hint=f"correct them, or allow them with --allow-rejects {n_rejected}")


@dataclass(frozen=True)
class Line:
    """What is said of one source."""

    source: str
    table: str
    passed: bool
    message: str
    counts: dict[str, Any]

    def text(self) -> str:
        """Return the line."""
        table = "" if self.source.endswith(")") else f" ({self.table})"
        return f"{'PASS' if self.passed else 'FAIL'} {self.source}{table}: {self.message}"

    def record(self) -> dict[str, Any]:
        """Return the line as an object."""
        return {"source": self.source, "table": self.table, "pass": self.passed, "message": self.message, **self.counts}


def _judged(name: str, counts: Any, details: Any, *, allowed: bool) -> Line:
    from dataclasses import asdict

    from etl.stages.importing import said

    parts = [f"{details.file_format}{f', {details.encoding}' if details.encoding else ''}", said(counts)]
    parts += [f"{n:,} {flag}" for flag, n in details.flags.most_common()]
    first = details.first_reject
    if first is not None:
        value = f" {first['value']!r}" if first["value"] else ""
        parts += [f"{n:,} rejected: {why}" for why, n in details.rejects.most_common(3)]
        parts.append(f"first at {first['file']}:{first['line']}: {first['column']}{value} {first['why']}")
    parts += details.notes
    return Line(name, details.table, passed=allowed or counts.rejected == 0, message="; ".join(parts), counts=asdict(counts))
