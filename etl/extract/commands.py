"""`reckon extract`: the stage of a workspace, and models trained on gold files, which work outside any workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.extract import review
from kg.errors import InputError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.console import Console

extract_app = typer.Typer(help="Attributes from structured fields and text, and models that learn to read more.")


@extract_app.callback(invoke_without_command=True)
def stage(context: typer.Context, workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path()) -> None:
    """Extract attributes from structured fields and text (without a further command: the stage of a workspace)."""
    if context.invoked_subcommand is not None:
        return
    from etl.console import Console
    from etl.pipeline.jobs import Job
    from etl.pipeline.locks import locked
    from kg.config import load_config

    opened = Workspace.open(workspace)
    with locked(opened):
        Job(opened, load_config(opened.root, os.environ), Console()).run("extract")


extract_app.command()(review.review)


@extract_app.command()
def train(
    gold: Annotated[Path | None, typer.Option(help="JSON lines: input, category, target_scores; or chars, tags.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write the model to.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, max=600, help="Time to stay within.")] = 10.0,
    workspace: Annotated[Path | None, typer.Option("-w", "--workspace", help="Instead: learn from this shop's own fields and answers.")] = None,
) -> None:
    """Train a model on gold lines, or a shop's own on its structured fields and what persons answered in review."""
    from etl.console import Console
    from kg.extract.learned import commands

    console = Console()
    if workspace is not None:
        _train_shop(workspace, gold, out, minutes, console)
        return
    if gold is None or out is None:
        raise InputError("nothing to train on", hint="name --gold FILE.jsonl and --out MODEL, or a workspace with -w")
    with console.stage("extract"):
        trained = commands.train(gold, out, minutes=minutes, report=lambda what, done, of: console.progress(done, of))
    typer.echo(f"{trained.lines:,} lines, F1 {trained.f1:.3f} on lines that the model had not seen, {trained.seconds:.0f} s; wrote {out}")


def _train_shop(workspace: Path, gold: Path | None, out: Path | None, minutes: float, console: Console) -> None:
    from etl.extract.training import train_shop
    from etl.pipeline.jobs import Job
    from kg.config import load_config

    if gold is not None or out is not None:
        raise InputError("a workspace learns from its own fields and keeps its model itself", hint="leave out --gold and --out, or leave out -w")
    opened = Workspace.open(workspace)
    job = Job(opened, load_config(opened.root, os.environ), console)
    n_titles = train_shop(job, minutes, lambda what, done, of: console.progress(done, of))
    typer.echo(f"{n_titles:,} titles, wrote {opened.extract_model}; `reckon extract -w {workspace}` reads with it")


@extract_app.command()
def run(
    model: Annotated[Path, typer.Option(help="What `reckon extract train` wrote.")],
    source: Annotated[Path, typer.Option("--input", help="JSON lines: input, category, attributes; or chars.")],
    out: Annotated[Path, typer.Option(help="JSON lines to write, each with its predictions.")],
) -> None:
    """Predict for every line of a file."""
    from etl.console import Console
    from kg.extract.learned import commands

    with Console().stage("extract"):
        done = commands.run(model, source, out)
    typer.echo(f"{done.lines:,} lines, {done.given:,} values, {done.lines / max(done.seconds, 1e-9):,.0f} lines/s; wrote {out}")
