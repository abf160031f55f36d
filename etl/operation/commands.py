"""`reckon schedule`, `status`, `backup`, `restore` and `doctor`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.config import Config

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WARNED_EXIT = 1


def schedule(
    workspace: Folder = Path(),
    now: Annotated[bool, typer.Option("--now", help="Begin with a rebuild.")] = False,
    show: Annotated[int, typer.Option(min=0, max=1000, help="Print the next times and do nothing.")] = 0,
) -> None:
    """Rebuild at the times of `[rebuild] schedule`, in the foreground, until stopped."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from etl.operation.schedule import Schedule, next_time
    from etl.settings import RebuildConfig

    opened, config = _open(workspace)
    settings = config.section(RebuildConfig)
    if show:
        at = time.time()
        for _ in range(show):
            at = next_time(settings, at)
            typer.echo(datetime.fromtimestamp(at, ZoneInfo(settings.time_zone)).strftime("%Y-%m-%d %H:%M %Z"))
        return
    runs = Schedule(opened, settings, lambda text: typer.echo(text, err=True))

    def stop(number: int, frame: FrameType | None) -> None:
        runs.stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if now:
        runs.once()
    runs.forever()


def status(
    workspace: Folder = Path(),
    as_json: AsJson = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Print Prometheus metrics, for a textfile collector.")] = False,
) -> None:
    """Say what answers, what runs, what comes next and what is wrong; exit code 1 where something is."""
    from etl.operation import status as state

    opened, config = _open(workspace)
    answer = state.status(opened, config)
    if metrics:
        typer.echo(state.as_metrics(answer), nl=False)
        return
    typer.echo(json.dumps(answer, indent=1, sort_keys=True) if as_json else state.as_text(answer))
    if answer["warnings"]:
        sys.exit(WARNED_EXIT)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it holds keys and events, so only its owner may read it.")],
    workspace: Folder = Path(),
) -> None:
    """Copy what cannot be made again, and the published build, while the shop is served."""
    from etl.operation.backup import backup as write

    opened, config = _open(workspace)
    manifest = write(opened, config, file)
    build = f", build {manifest.build_id}," if manifest.build_id else ""
    typer.echo(f"{len(manifest.files)} files{build} in {file}, {file.stat().st_size / 2**20:.1f} MiB")


def restore(
    file: Annotated[Path, typer.Argument(help="What `reckon backup` wrote.")],
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Put a backup into an empty folder, compared with its checksums."""
    from etl.operation.backup import restore as put

    manifest = put(file, folder)
    typer.echo(f"{len(manifest.files)} files in {folder}")
    if "ledger.pgdump" in manifest.files:
        typer.echo(f"the events: pg_restore --dbname … {folder / 'ledger.pgdump'}")
    typer.echo(f"next: reckon serve -w {folder}" if manifest.build_id else f"next: reckon rebuild -w {folder}")


def doctor(workspace: Folder = Path(), as_json: AsJson = False) -> None:
    """Look at the machine and the workspace, and say what is wrong and how to mend it; exit code 1 where something is."""
    from etl.operation.doctor import as_text, examine

    findings = examine(workspace)
    typer.echo(json.dumps([asdict(each) for each in findings], indent=1) if as_json else as_text(findings))
    if not all(each.ok for each in findings):
        sys.exit(WARNED_EXIT)


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return workspace, load_config(workspace.root, os.environ)
