"""`reckon resolve`: train an item matcher on labelled pairs, and score pairs with it; works outside any workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

resolve_app = typer.Typer(help="Duplicate items: train a matcher on labelled pairs, score pairs with it.", no_args_is_help=True)


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
