"""`reckon rebuild`, `publish`, `rollback` and `builds`: making builds, choosing the one that answers, and clearing up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import GraphUnavailableError, NotFoundError, RejectedRowsError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
AllowRejects = Annotated[int, typer.Option("--allow-rejects", min=0, help="Rows that may be rejected without a failing exit code.")]

builds_app = typer.Typer(help="The builds.", invoke_without_command=True)


def rebuild(workspace: Folder = Path(), allow_rejects: AllowRejects = 0) -> None:
    """Run every stage that is not done, and publish."""
    from etl.pipeline import jobs
    from etl.pipeline.builds import stage_records
    from etl.pipeline.locks import locked

    job = _job(workspace)
    with locked(job.workspace):
        build_id, worked = jobs.rebuild(job)
    if worked:
        job.console.stages(stage_records(job.workspace.build(build_id)))
        typer.echo(f"published {build_id}")
    else:
        typer.echo(f"nothing changed since build {build_id}: nothing to do")
    check_rejects(job.workspace.build(build_id), allow_rejects)


def publish(workspace: Folder = Path(), build_id: Annotated[str, typer.Argument(help="A build; the one in progress by default.")] = "") -> None:
    """Make a build current, atomically, and the one that the graph database holds."""
    from etl.pipeline import jobs
    from etl.pipeline.locks import locked

    job = _job(workspace)
    with locked(job.workspace):
        chosen = build_id or job.draft().name
        jobs.publish(job, chosen)
    typer.echo(f"published {chosen}")


def rollback(
    workspace: Folder = Path(),
    graph: Annotated[bool, typer.Option(help="Write that build's graph to the database again.")] = True,
) -> None:
    """Make the previous build current again: at once for the API, then in the graph database."""
    from etl.pipeline import builds
    from etl.pipeline.locks import locked

    job = _job(workspace)
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
    from etl.pipeline.builds import BAD_STATUS, disk_use, run_record, stage_records

    if context.invoked_subcommand is not None:
        return
    opened = Workspace.open(workspace)
    current = opened.current_id()
    for build_id in opened.build_ids():
        folder = opened.build(build_id)
        run = run_record(folder)
        status = run["status"] if run.get("status") in BAD_STATUS else "current" if build_id == current else ""
        typer.echo(f"{build_id}  {status:7}  {disk_use(folder) / 2**20:6.1f} MiB  {', '.join(stage_records(folder)) or 'empty'}")
        if run.get("status") in BAD_STATUS:
            why = f": {run.get('error')}: {run.get('reason')}" if run["status"] == "failed" else ""
            typer.echo(f"  {run['status']} in {run.get('stage') or 'an unknown stage'}{why}")


@builds_app.command("prune")
def prune(
    workspace: Folder = Path(),
    keep: Annotated[int, typer.Option(min=1, help="Builds that stay; `[build] keep` by default.")] = 0,
) -> None:
    """Remove old and abandoned builds; never the current one, what a rollback leads to, or the one in progress."""
    from etl.pipeline import builds
    from etl.pipeline.locks import locked
    from etl.settings import BuildConfig

    job = _job(workspace)
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


def _job(folder: Path) -> Job:
    from etl.console import Console
    from etl.pipeline.jobs import Job
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return Job(workspace, load_config(workspace.root, os.environ), Console())
