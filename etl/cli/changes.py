"""`reckon import --changes`: a few items or events changed, without a rebuild."""

from __future__ import annotations

from pathlib import Path

import typer

from etl.live.file_changes import apply_now, forget_changes, store_changes
from etl.pipeline.jobs import Job
from kg.errors import RejectedRowsError


def run(job: Job, path: Path | None, *, forget: bool, allow_rejects: int) -> None:
    """Take in a file of changes, or forget those taken in.

    Args:
        job: The workspace.
        path: The file; None takes nothing in.
        forget: Forget earlier changes first.
        allow_rejects: Rows that may be rejected.

    Raises:
        RejectedRowsError: More rows were rejected; the others were taken in.
    """
    if forget:
        typer.echo(f"{forget_changes(job):,} changes forgotten; the next rebuild goes by the files")
    if path is None:
        return
    stored = store_changes(job, path)
    typer.echo(f"{stored.appended:,} changes taken in, {stored.known:,} known already, {stored.rejected:,} rejected")
    if stored.unknown_items:
        typer.echo(f"{stored.unknown_items:,} events are about items that the catalogue does not have; they count once it has them")
    if stored.deletions:
        typer.echo(f"{stored.deletions:,} deletions of events: the graph is without them now, live answers are with the next rebuild")
    if stored.appended:
        apply_now(job)
    if stored.rejected > allow_rejects:
        raise RejectedRowsError(
            f"{stored.rejected:,} changes were rejected; the others were used",
            hint=f"read {job.workspace.rejects}, or run with --allow-rejects {stored.rejected}",
        )
