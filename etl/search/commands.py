"""The commands `reckon search …`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from kg.errors import InputError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from gnn.search.request import SearchResult
    from kg.config import Config

_QUERY = "query"
_HELP = ("--help", "-h")


class QueryFirst(TyperGroup):
    """A group whose first word is a query where it is no command: `reckon search "red shirt"`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where it is left out."""
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = [_QUERY, *args]
        return list(super().parse_args(ctx, args))


search = typer.Typer(
    cls=QueryFirst,
    no_args_is_help=True,
    help='Search: `reckon search "red shirt"`. A query that is the name of a command: `reckon search query train`.',
)
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
JudgementFile = Annotated[Path, typer.Option(help="Parquet with query, item_id (or docid) and rating from 0 to 3.")]


@search.command(_QUERY)
def query_(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="What is looked for.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many items.")] = 10,
    user: Annotated[str, typer.Option(help="Who asks: what the history leads to counts.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say of each item what its score is made of and what matched where.")] = False,
    queries: Annotated[Path | None, typer.Option(help="Parquet with the column query: answer all of it.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --queries: Parquet to write, with query, item_id, rank and score.")] = None,
    workspace: Folder = Path(),
) -> None:
    """Search the published build: one query, or with --queries and --out a whole file."""
    from etl.search.batch import search_file
    from etl.search.opened import opened
    from gnn.search.request import SearchQuery

    if (queries is None) != (out is None):
        raise InputError("--queries and --out go together", hint="give both, or a query in quotes")
    if bool(text) == (queries is not None):
        raise InputError("give a query or --queries", hint='reckon search "red shirt", or reckon search --queries FILE --out FILE')
    shop, config = _open(workspace)
    engine, shopper = opened(shop, config, user)
    if queries is not None and out is not None:
        n, rows = search_file(engine, queries, out, k)
        typer.echo(f"{n:,} queries, {rows:,} results in {out}")
        return
    _print(engine.search(SearchQuery(text, k=k, explain=explain), shopper))


@search.command("train")
def train_(judgements: JudgementFile, workspace: Folder = Path()) -> None:
    """Learn the weights of the score from judgements; they are kept in the workspace and hold for the builds to come."""
    from etl.search.opened import opened
    from gnn.search.learning.judgements import Judgements
    from gnn.search.learning.training import train
    from gnn.search.opening import weights_file

    shop, config = _open(workspace)
    judged = Judgements.read(judgements)
    engine, _ = opened(shop, config)
    learned = train(judged, engine.matches, engine.recommender.artifact.item_nums.get)
    learned.weights.save(weights_file(shop.root))
    measured = learned.weights.measured or {}
    typer.echo(f"{len(judged.queries)} queries with a good item, {judged.n_without} without; wrote {weights_file(shop.root)}")
    typer.echo(
        f"ndcg@10 on queries that were kept out {measured['ndcg_cross_validated']:.3f}; default weights {measured['ndcg_defaults']:.3f}; "
        f"words alone (BM25F, plurals folded) {measured['ndcg_text']:.3f}; gain over words alone from {measured['gain_low']:+.3f} to "
        f"{measured['gain_high']:+.3f} (95 %, paired bootstrap over queries)"
    )
    typer.echo("weights: " + ", ".join(f"{name} {value:g}" for name, value in learned.weights.values.items()))


@search.command("evaluate")
def evaluate_(judgements: JudgementFile, workspace: Folder = Path()) -> None:
    """Measure search by judgements over the whole catalogue, beside its text part alone; an item that was not judged counts 0."""
    from etl.search.measured import MEASURES, measure
    from etl.search.opened import opened
    from gnn.search.learning.judgements import Judgements

    shop, config = _open(workspace)
    matches = measure(opened(shop, config)[0], Judgements.read(judgements))
    typer.echo(f"{matches.queries} queries")
    for name, values in (("search", matches.search), ("BM25F alone", matches.bm25)):
        typer.echo(f"{name:<12}" + "  ".join(f"{measure} {values[measure]:.4f}" for measure in MEASURES))
    typer.echo(f"ndcg@10 differs by {matches.gain[0]:+.3f} to {matches.gain[1]:+.3f} (95 %, paired bootstrap), p = {matches.p_value:.4f}")
    typer.echo("worst: " + ", ".join(f"{query} {value:.2f}" for query, value in matches.worst[:8]))


def _print(result: SearchResult) -> None:
    understood = result.query
    for written, meant in understood.corrections.items():
        typer.echo(f"“{written}” is not in the catalogue; looked for “{meant}”")
    if result.dropped:
        typer.echo(f"given up: {', '.join(result.dropped)}")
    typer.echo(f"{result.total:,} items" + ("" if result.complete else ", none of which has everything"))
    for hit in result.hits:
        price = "" if hit.price_cents is None else f"  {hit.price_cents / 100:.2f}"
        typer.echo(f"{hit.rank:>3}  {hit.score:.4f}  {hit.item_id}  {hit.title}{price}")
        for reason in hit.reasons:
            typer.echo(f"       {reason.share:>6.1%}  {reason.part}: {reason.sentence}")
            for place in reason.evidence[:4]:
                at = "" if place.start is None else f" {place.start}–{place.end}"
                typer.echo(f"               {place.field}{at}: {place.surface!r}")


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    opened = Workspace.open(folder)
    return opened, load_config(opened.root, os.environ)
