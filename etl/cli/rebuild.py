"""`reckon rebuild`: every stage that is not done, the gates, and the publication."""

from __future__ import annotations

import json
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.builds import Folder, check_rejects, job_of
from kg.errors import InputError, ReckonError

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job

AllowRejects = Annotated[int, typer.Option("--allow-rejects", min=0, help="Rows that may be rejected without a failing exit code.")]


class Log(StrEnum):
    """What is printed on stderr."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def rebuild(
    workspace: Folder = Path(),
    allow_rejects: AllowRejects = 0,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would run, and why, and do nothing.")] = False,
    start: Annotated[str, typer.Option("--from", metavar="STAGE", help="Run this stage and those after it, whatever changed.")] = "",
    only: Annotated[str, typer.Option(metavar="STAGE", help="Run this stage of the build in progress again, and publish nothing.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Run every stage, whatever changed.")] = False,
    accept: Annotated[list[str] | None, typer.Option(metavar="GATE", help="Publish although this gate does not pass; may be repeated.")] = None,
    by: Annotated[str, typer.Option(help="Who accepts it.")] = "",
    note: Annotated[str, typer.Option(help="Why.")] = "",
    log: Annotated[Log, typer.Option(help="JSON lines or text on stderr; auto: text on a terminal.")] = Log.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> None:
    """Run every stage that is not done, ask the gates, and publish.

    Exit codes: 0 published, or nothing to do; 4 rows were rejected; 13 another job holds the workspace; 14 a gate did not pass; 15 a disk is
    full; 130 stopped by a signal; others are in docs/operations.md.
    """
    from etl.json_console import JsonConsole
    from etl.pipeline.locks import locked
    from etl.pipeline.stopping import STOPPED_EXIT, stopping
    from etl.stages.gates import accept as accepted

    job = job_of(workspace)
    job.again, job.accept = _again(start, only, force=force), accepted(accept or (), by, note)
    if plan:
        _print_plan(job, as_json=as_json)
        return
    if log is Log.JSON or (log is Log.AUTO and not sys.stderr.isatty()):
        job.console = JsonConsole()
    try:
        with stopping(), locked(job.workspace):
            if only:
                typer.echo(f"{only} done in {job.only(only)}; nothing was published")
            else:
                _run(job, allow_rejects)
    except KeyboardInterrupt:
        sys.exit(STOPPED_EXIT)


def _run(job: Job, allow_rejects: int) -> None:
    from etl.json_console import JsonConsole
    from etl.pipeline import jobs
    from etl.pipeline.builds import draft_id, run_record, stage_records
    from etl.pipeline.notify import message, notify
    from etl.settings import RebuildConfig
    from kg.config import ShopConfig

    started, settings = time.monotonic(), job.config.section(RebuildConfig)
    shop = job.config.section(ShopConfig).name
    try:
        build_id, worked = jobs.rebuild(job)
    except Exception as error:
        draft = draft_id(job.workspace) or ""
        record = run_record(job.workspace.build(draft)) if draft else {}
        payload = message(shop, draft, time.monotonic() - started, error, record)
        if isinstance(job.console, JsonConsole):
            exit_code = error.exit_code if isinstance(error, ReckonError) else 70
            job.console.say("failed", build_id=draft, error=payload["error"], reason=payload["reason"], hint=payload["hint"], exit_code=exit_code)
        notify(settings, payload, job.console.note)
        raise
    folder = job.workspace.build(build_id)
    if worked:
        job.console.stages(stage_records(folder))
        typer.echo(f"published {build_id}")
        notify(settings, message(shop, build_id, time.monotonic() - started, record=run_record(folder)), job.console.note)
    else:
        typer.echo(f"nothing changed since build {build_id}: nothing to do")
    check_rejects(folder, allow_rejects)


def _again(start: str, only: str, *, force: bool) -> frozenset[str]:
    """Return the stages that run whatever changed.

    Raises:
        InputError: Options that exclude each other, or no such stage.
    """
    from etl.pipeline.builds import STAGES

    given = [name for name in (start, only) if name] + (["force"] if force else [])
    if len(given) > 1:
        raise InputError("--from, --only and --force do not go together", hint="name one of them")
    for name in (start, only):
        if name and name not in STAGES:
            raise InputError(f"there is no stage {name[:40]!r}", hint=f"the stages are {', '.join(STAGES)}")
    if only:
        return frozenset({only})
    return frozenset(STAGES if force else STAGES[STAGES.index(start) :] if start else ())


def _print_plan(job: Job, *, as_json: bool) -> None:
    from etl.pipeline.builds import STAGES
    from etl.pipeline.stage_list import PUBLISHABLE

    planned = job.plan()
    if as_json:
        typer.echo(json.dumps([each.record() for each in planned], indent=1, ensure_ascii=False))
        return
    publishes = any(each.runs for each in planned if each.stage != STAGES[-1])
    for each in planned:
        typer.echo(f"{each.stage:9} {'runs' if each.runs else 'done'}  {'; '.join(each.why)}")
        if each.stage == PUBLISHABLE:
            typer.echo(f"publish   {'runs' if publishes else 'nothing to do'}")
