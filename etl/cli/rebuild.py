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
from kg.errors import ConflictError, InputError, ReckonError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    canary: Annotated[str, typer.Option(metavar="SHARE", help="Do not publish: try the build out on this share of the users, such as 10%.")] = "",
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
    from kg.canary.state import share_of

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
                _run(job, allow_rejects, share_of(canary) if canary else None)
    except KeyboardInterrupt:
        sys.exit(STOPPED_EXIT)


def _run(job: Job, allow_rejects: int, share: float | None = None) -> None:
    from etl.json_console import JsonConsole
    from etl.pipeline import jobs
    from etl.pipeline.builds import draft_id, run_record, stage_records
    from etl.pipeline.notify import message, notify
    from etl.settings import RebuildConfig
    from kg.config import ShopConfig

    started, settings = time.monotonic(), job.config.section(RebuildConfig)
    shop = job.config.section(ShopConfig).name
    try:
        build_id, worked = jobs.rebuild(job, _canary(job, share) if share is not None else None)
    except Exception as error:
        failed = draft_id(job.workspace) or _failed_after_publication(job)
        record = run_record(job.workspace.build(failed)) if failed else {}
        payload = message(shop, failed, time.monotonic() - started, error, record)
        if isinstance(job.console, JsonConsole):
            exit_code = error.exit_code if isinstance(error, ReckonError) else 70
            job.console.say("failed", build_id=failed, error=payload["error"], reason=payload["reason"], hint=payload["hint"], exit_code=exit_code)
        notify(settings, payload, job.console.note)
        raise
    folder = job.workspace.build(build_id)
    if worked:
        job.console.stages(stage_records(folder))
        published = build_id == job.workspace.current_id()
        typer.echo(f"published {build_id}" if published else f"build {build_id} answers {share:.1%} of the users; `reckon status` compares")
        notify(settings, message(shop, build_id, time.monotonic() - started, record=run_record(folder)), job.console.note)
    else:
        typer.echo(f"nothing changed since build {build_id}: nothing to do")
    check_rejects(folder, allow_rejects)


def _failed_after_publication(job: Job) -> str:
    """Return the published build where its report could not be completed; "" where nothing of it failed."""
    from etl.pipeline.builds import run_record

    current = job.workspace.current_id()
    return current if current is not None and run_record(job.workspace.build(current)).get("status") == "failed" else ""


def _canary(job: Job, share: float) -> Callable[[Job, str], object] | None:
    """Return what tries a build out; None where none is published that it could be compared with: then it is published.

    Raises:
        ConflictError: One is tried out already; nothing need be built to know that.
    """
    from etl.pipeline.canary import CanaryJob
    from kg.canary import state

    running = state.running(job.workspace)
    if running is not None:
        raise ConflictError(f"build {running.build_id} is tried out already", hint="`reckon publish --promote` or `--withdraw` ends that")
    if job.workspace.current_id() is None:
        return None
    return lambda job, build_id: CanaryJob(job).begin(build_id, share)


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
