"""`reckon resolve`: train an item matcher on labelled pairs, and score pairs with it; works outside any workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job
    from kg.resolve.merges import Resolution

resolve_app = typer.Typer(
    help="Values and items that are one: what was joined, what persons keep apart, and a matcher to train.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]


@resolve_app.command()
def train(
    pairs: Annotated[Path, typer.Option(help="Parquet of pairs: left, right, match.")],
    valid: Annotated[Path, typer.Option(help="More of them, to choose the threshold by.")],
    out: Annotated[Path, typer.Option(help="File to write the matcher to.")],
) -> None:
    """Train an item matcher on labelled pairs."""
    from etl.console import Console
    from kg.resolve.commands import train_matcher

    with Console().stage("resolve"):
        train_matcher(pairs, valid, out)
    typer.echo(f"wrote {out}")


@resolve_app.command()
def score(
    model: Annotated[Path, typer.Option(help="A matcher that `reckon resolve train` wrote.")],
    pairs: Annotated[Path, typer.Option(help="Parquet of pairs: left, right.")],
    out: Annotated[Path, typer.Option(help="Parquet to write, with score and match added.")],
) -> None:
    """Score pairs of records: how likely each is one item, and whether it is taken for one."""
    from etl.console import Console
    from kg.resolve.commands import score_pairs

    with Console().stage("resolve"):
        scored = score_pairs(model, pairs, out)
    typer.echo(f"{scored.height:,} pairs, {int(scored['match'].sum()):,} taken for one item, in {out}")


@resolve_app.command()
def values(workspace: Folder = Path(), relation: Annotated[str, typer.Option(help="Only this relation.")] = "") -> None:
    """List the merged values: relation, surface, what it became, score and why."""
    for row in _resolution(workspace).merges.iter_rows(named=True):
        if relation in ("", row["relation"]):
            typer.echo(f"{row['relation']}  {row['surface']}  →  {row['canonical']}  {row['score']:.2f}  {row['evidence']}")


@resolve_app.command()
def items(workspace: Folder = Path()) -> None:
    """List the items that are listed twice: item, what it is a duplicate of, score and why."""
    for row in _resolution(workspace).duplicates.iter_rows(named=True):
        typer.echo(f"{row['item_id']}  →  {row['duplicate_of']}  {row['score']:.2f}  {row['evidence']}")


@resolve_app.command()
def undo(
    what: Annotated[str, typer.Argument(metavar="RELATION|ITEM", help="A relation, or an item_id with --items.")],
    other: Annotated[str, typer.Argument(metavar="SURFACE|ITEM", help="The merged value as written, or the other item_id.")],
    by: By,
    note: Note = "",
    of_items: Annotated[bool, typer.Option("--items", help="Two items are kept apart, not two values.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Take an earlier undo back.")] = False,
    workspace: Folder = Path(),
) -> None:
    """Undo a merge, now and in every later build: `undo has_brand "hp inc" --by ann`, `undo --items 12 47 --by ann`."""
    from etl.live.file_changes import apply_now
    from kg.graph.corrections import relation_of
    from kg.resolve.kept_apart import ResolveLog

    job = _job(workspace)
    log = ResolveLog(job.workspace.resolve)
    if of_items:
        log.keep_items_apart(what, other, by=by, note=note, apart=not again)
    else:
        log.keep_value_apart(relation_of(what), other, by=by, note=note, apart=not again)
    typer.echo(f"{what} {other}: {'may be joined again' if again else 'kept apart'}")
    apply_now(job)


def _resolution(folder: Path) -> Resolution:
    from etl.stages.graph_build import RESOLUTION, current_folder
    from kg.resolve.merges import Resolution

    workspace = Workspace.open(folder)
    return Resolution.read(current_folder(workspace.build(workspace.published_id())) / RESOLUTION)


def _job(folder: Path) -> Job:
    import os

    from etl.console import Console
    from etl.pipeline.jobs import Job
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return Job(workspace, load_config(workspace.root, os.environ), Console())
