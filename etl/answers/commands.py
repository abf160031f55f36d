"""The commands `reckon answers …`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import InputError
from kg.workspace import Workspace

answers = typer.Typer(help="Models that read questions: what is wanted, and which attribute of an item answers.", no_args_is_help=True)


@answers.callback()
def _group() -> None:
    """Keep the name of each command, however many there are."""


@answers.command("train")
def train_(
    out: Annotated[Path, typer.Option(help="File to write the model to.")],
    intents: Annotated[Path | None, typer.Option(help="Parquet with instruction, intent and category.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Parquet with qid, question, candidate and label (1 where the candidate answers).")] = None,
) -> None:
    """Train a model of intents, or one that ranks the attributes of an item for a question; measured on what is kept out."""
    from gnn.answers.files import train_intents, train_pairs

    if (intents is None) == (pairs is None):
        raise InputError("give --intents or --pairs, one of them", hint="each makes a model of its own")
    model = train_intents(intents) if intents is not None else train_pairs(pairs or Path())
    model.save(out)
    measured = ", ".join(f"{name} {value:.4f}" for name, value in model.measured.items())
    typer.echo(f"cross-validated: {measured}; wrote {out}")


@answers.command("run")
def run_(
    model: Annotated[Path, typer.Option(help="A model that `reckon answers train` wrote.")],
    given: Annotated[Path, typer.Option("--input", help="Parquet with instruction, or with qid, question and candidate.")],
    out: Annotated[Path, typer.Option(help="Parquet to write: the input with intent, confidence, refused and entities, or with score.")],
) -> None:
    """Answer a file: intent, confidence and entities of each sentence, or the score of each candidate."""
    from gnn.answers.files import load, run
    from kg.files.atomic import write_whole

    rows = run(load(model), given)
    write_whole(out, rows.write_parquet)
    typer.echo(f"{rows.height:,} rows in {out}")


def answer_question(
    question: Annotated[str, typer.Argument(help="What is asked, in English or Chinese.")],
    item: Annotated[str, typer.Option("--item", help="The item that it is about.")] = "",
    user: Annotated[str, typer.Option("--user", help="Who asks, for “why was this shown to me?”.")] = "",
    workspace: Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")] = Path(),
) -> None:
    """Answer a question about an item from the published build, and say what each sentence rests on."""
    from etl.answers.asking import answer
    from kg.config import load_config

    shop = Workspace.open(workspace)
    result = answer(shop, load_config(shop.root, os.environ), question, item_id=item, user_id=user)
    for sentence in result.sentences:
        typer.echo(sentence.text)
        for one in sentence.citations:
            place = "" if one.start is None else f", {one.field} {one.start}–{one.end} ‘{one.surface}’"
            typer.echo(f"  {one.kind}: {one.item_id} {one.relation} {one.value}{place}")
    typer.echo(f"{result.intent}, confidence {result.confidence:.2f}" + (", for a person to answer" if result.handover else ""))
