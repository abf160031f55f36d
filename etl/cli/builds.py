"""`reckon publish`, `rollback` and `builds`: choosing the build that answers, looking at builds, and clearing up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import GraphUnavailableError, InputError, NotFoundError, RejectedRowsError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

builds_app = typer.Typer(help="The builds.", invoke_without_command=True)


def publish(
    workspace: Folder = Path(),
    build_id: Annotated[str, typer.Argument(help="A build; the one in progress by default.")] = "",
    canary: Annotated[str, typer.Option(metavar="SHARE", help="Answer this share of the users from it, such as 10%, and compare.")] = "",
    promote_after: Annotated[float, typer.Option(min=0, metavar="HOURS", help="Promote that canary by itself after so many hours.")] = 0.0,
    promote: Annotated[bool, typer.Option("--promote", help="Publish the build that is tried out.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Have the published build answer everybody again.")] = False,
) -> None:
    """Make a build current, atomically, and the one that the graph database holds; or try it out on a share of the users first."""
    from etl.pipeline import jobs
    from etl.pipeline.locks import locked

    _check_options(build_id, canary, promote_after, promote=promote, withdraw=withdraw)
    job = job_of(workspace)
    if canary or promote or withdraw:
        _canary(job, build_id, canary, promote_after, promote=promote)
        return
    with locked(job.workspace):
        chosen = build_id or job.draft().name
        jobs.publish(job, chosen)
    typer.echo(f"published {chosen}")


def _check_options(build_id: str, canary: str, promote_after: float, *, promote: bool, withdraw: bool) -> None:
    """See that the options of a publication go together.

    Raises:
        InputError: They do not.
    """
    chosen = [name for name, given in (("--canary", canary), ("--promote", promote), ("--withdraw", withdraw)) if given]
    if len(chosen) > 1:
        raise InputError(f"{' and '.join(chosen)} do not go together", hint="name one of them")
    if build_id and (promote or withdraw):
        raise InputError(f"{chosen[0]} takes no build", hint="the build that is tried out is meant; `reckon status` names it")
    if promote_after and not canary:
        raise InputError("--promote-after goes with --canary alone", hint="reckon publish --canary 10% --promote-after 2")


def _canary(job: Job, build_id: str, share: str, promote_after: float, *, promote: bool) -> None:
    """Begin a canary, or end the one that runs."""
    from etl.pipeline.canary import CanaryJob
    from etl.pipeline.locks import locked
    from kg.canary.state import share_of

    canary = CanaryJob(job)
    if share:
        part = share_of(share)
        with locked(job.workspace):
            begun = canary.begin(build_id or job.draft().name, part, 3600 * promote_after or None)
        typer.echo(f"build {begun.build_id} answers {begun.share:.1%} of the users; `reckon status` compares, `reckon publish --promote` ends it")
    elif promote:
        with locked(job.workspace):
            typer.echo(f"published {canary.promote()}")
    else:
        # No lock: it must work while a rebuild is at work.
        typer.echo(f"withdrawn {canary.withdraw()}; build {job.workspace.current_id()} answers everybody")


def rollback(
    workspace: Folder = Path(),
    graph: Annotated[bool, typer.Option(help="Write that build's graph to the database again.")] = True,
) -> None:
    """Make the previous build current again: at once for the API, then in the graph database."""
    from etl.pipeline import builds
    from etl.pipeline.locks import locked

    job = job_of(workspace)
    with locked(job.workspace):
        build_id = builds.rollback(job.workspace)
        typer.echo(f"current is {build_id}")
        if not graph:
            return
        try:
            job.restore_graph(build_id)
        except (GraphUnavailableError, NotFoundError) as error:
            job.console.note(f"the graph database does not hold build {build_id}: {error.message}; `reckon graph restore` writes it there")


@builds_app.callback()
def builds(context: typer.Context, workspace: Folder = Path()) -> None:
    """List the builds: which is current, which stages are done, and why a run failed."""
    if context.invoked_subcommand is None:
        _print_list(workspace)


@builds_app.command("list")
def list_builds(workspace: Folder = Path(), as_json: AsJson = False) -> None:
    """List the builds: which is current, which stages are done, what they take on disk, and why a run failed."""
    if not as_json:
        _print_list(workspace)
        return
    from etl.pipeline.builds import disk_use, run_record, stage_records

    opened = Workspace.open(workspace)
    current = opened.current_id()
    for build_id in opened.build_ids():
        folder = opened.build(build_id)
        run = run_record(folder)
        line = {"build_id": build_id, "current": build_id == current, "bytes": disk_use(folder), "stages": list(stage_records(folder))}
        typer.echo(json.dumps({**line, **{name: run[name] for name in ("status", "stage", "error", "reason", "parent") if run.get(name)}}))


@builds_app.command("show")
def show(build_id: str, workspace: Folder = Path(), as_json: AsJson = False) -> None:
    """Print the record of a build: its run, its stages with what they took and counted, its gates, settings and versions."""
    from etl.pipeline.builds import disk_use, run_record, stage_records

    folder = _folder(Workspace.open(workspace), build_id)
    run, stages = run_record(folder), stage_records(folder)
    if as_json:
        typer.echo(json.dumps({**run, "build_id": folder.name, "bytes": disk_use(folder), "stages": stages}, indent=1, sort_keys=True))
        return
    typer.echo(f"{folder.name}  {run.get('status', 'no record of its run')}  of {run.get('parent') or 'nothing'}  {disk_use(folder) / 2**20:.1f} MiB")
    for name, noted in stages.items():
        counts = ", ".join(f"{key} {value:,}" for key, value in noted.get("counts", {}).items() if isinstance(value, int))
        typer.echo(f"  {name:9} {noted['seconds']:8.1f} s {noted['peak_mib']:8.0f} MiB  {'reused  ' if noted.get('reused') else ''}{counts}")
    for name, gate in run.get("gates", {}).items():
        by = gate.get("accepted", {}).get("by")
        typer.echo(f"  {name}: {'passed' if gate['passed'] else f'accepted by {by}' if by else 'failed'}: {gate['message']}")
    for name, value in run.get("versions", {}).items():
        typer.echo(f"  {name} {value}")


@builds_app.command("diff")
def diff(
    first: Annotated[str, typer.Argument(help="The earlier build.")],
    second: Annotated[str, typer.Argument(help="The later one.")],
    workspace: Folder = Path(),
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write a page instead.")] = None,
) -> None:
    """Say what differs: nodes and edges, metrics, gates, and whose lists changed most and why."""
    from etl.operation.diff import diff as compared
    from etl.operation.diff_page import as_html, as_text
    from kg.files.atomic import write_text

    if as_json and html is not None:
        raise InputError("--json and --html do not go together", hint="leave one of them out")
    opened = Workspace.open(workspace)
    differences = compared(_folder(opened, first), _folder(opened, second))
    if html is not None:
        write_text(html, as_html(differences))
        typer.echo(f"wrote {html}")
        return
    typer.echo(json.dumps(differences, indent=1, ensure_ascii=False) if as_json else as_text(differences))


@builds_app.command("prune")
def prune(
    workspace: Folder = Path(),
    keep: Annotated[int, typer.Option(min=1, help="Builds that stay; `[build] keep` by default.")] = 0,
) -> None:
    """Remove old and abandoned builds; never the current one, what a rollback leads to, or the one in progress."""
    from etl.pipeline import builds
    from etl.pipeline.locks import locked
    from etl.settings import BuildConfig

    job = job_of(workspace)
    with locked(job.workspace):
        removed = [*builds.remove_abandoned(job.workspace), *builds.prune(job.workspace, keep or job.config.section(BuildConfig).keep)]
    typer.echo("\n".join(f"removed {build_id}" for build_id in removed) or "nothing to remove")


def check_rejects(build: Path, allowed: int) -> None:
    """Fail where more rows were rejected than are allowed.

    Raises:
        RejectedRowsError: There were more.
    """
    from etl.pipeline.builds import n_rejected

    rejected = n_rejected(build)
    if rejected > allowed:
        raise RejectedRowsError(
            f"{rejected:,} rows were rejected; the others were used", hint=f"read {build / 'rejects.jsonl'}, or run with --allow-rejects {rejected}"
        )


def job_of(folder: Path) -> Job:
    """Return the job of a workspace."""
    from etl.console import Console
    from etl.pipeline.jobs import Job
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return Job(workspace, load_config(workspace.root, os.environ), Console())


def _folder(workspace: Workspace, build_id: str) -> Path:
    """Return the folder of a build; "current" is the published one."""
    chosen = workspace.current_id() if build_id == "current" else build_id
    if chosen is None or not workspace.build(chosen).is_dir():
        raise NotFoundError(f"there is no build {build_id}", hint="`reckon builds list` lists them")
    return workspace.build(chosen)


def _print_list(workspace: Path) -> None:
    from etl.pipeline.builds import BAD_STATUS, disk_use, run_record, stage_records

    opened = Workspace.open(workspace)
    current, total = opened.current_id(), 0
    for build_id in opened.build_ids():
        folder = opened.build(build_id)
        run, used = run_record(folder), disk_use(folder)
        total += used
        status = run["status"] if run.get("status") in BAD_STATUS else "current" if build_id == current else ""
        typer.echo(f"{build_id}  {status:7}  {used / 2**20:6.1f} MiB  {', '.join(stage_records(folder)) or 'empty'}")
        if run.get("status") in BAD_STATUS:
            why = f": {run.get('error')}: {run.get('reason')}" if run["status"] == "failed" else ""
            typer.echo(f"  {run['status']} in {run.get('stage') or 'an unknown stage'}{why}")
    if total:
        typer.echo(f"{total / 2**20:.1f} MiB in all; files that builds share count for each")
