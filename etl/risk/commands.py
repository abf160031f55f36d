"""The commands `reckon risk …`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError
from kg.files.atomic import write_whole
from kg.timestamps import utc_text
from kg.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl

    from gnn.risk.model import RiskModel
    from kg.config import Config

risk = typer.Typer(help="Fraud: a model of transactions, their scores with reasons, and what acts together in a shop.", no_args_is_help=True)
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
_ADDED = ("score", "reasons", "clears")
Map = Annotated[
    str, typer.Option("--map", help="Columns: time=Time,source=Source,target=Target,amount=Amount,location=Location,type=Type,label=Labels.")
]


@risk.callback()
def _group() -> None:
    """Keep the name of each command, however many there are."""


@risk.command("train")
def train_(
    transactions: Annotated[Path, typer.Option(help="Parquet of transactions with labels: 1 fraud, 0 honest, 2 unknown.")],
    out: Annotated[Path, typer.Option(help="File to write the model to.")],
    columns: Map = "",
    feedback: Annotated[bool, typer.Option("--feedback", help="Labels of earlier transactions come back before the next is scored.")] = False,
    delay: Annotated[float, typer.Option(min=0, help="With --feedback: how long a label takes, in the unit of the time column.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the trees.")] = 0,
) -> None:
    """Train a model of fraud on labelled transactions."""
    from gnn.risk.model import train
    from gnn.risk.transactions import parse_map, read_transactions

    if delay and not feedback:
        raise InputError("--delay without --feedback", hint="a model without feedback sees no labels; leave --delay out")
    chosen = parse_map(columns)
    _, rows = read_transactions(transactions, chosen, labels=True)
    model = train(rows, chosen, feedback=feedback, delay=delay, seed=seed)
    model.save(out)
    typer.echo(f"{rows.height:,} transactions, {(rows['label'] == 1).sum():,} frauds among {(rows['label'] != 2).sum():,} labels; wrote {out}")
    if model.measured:
        typer.echo("on later parts held out: " + ", ".join(f"{name} {value:g}" for name, value in model.measured.items()))


@risk.command("score")
def score_(
    model: Annotated[Path, typer.Option(help="A model that `reckon risk train` wrote.")],
    transactions: Annotated[Path, typer.Option(help="Parquet of transactions to score.")],
    out: Annotated[Path, typer.Option(help="Parquet to write: the transactions with score, reasons and clears.")],
    history: Annotated[Path | None, typer.Option(help="Parquet of earlier transactions.")] = None,
    columns: Map = "",
    feedback: Annotated[
        bool, typer.Option("--feedback", help="The labels in both files are known as soon as a row is past; the model must be trained so.")
    ] = False,
) -> None:
    """Score transactions, each with what is strictly earlier: the probability of fraud, its reasons, and what would clear it."""
    from gnn.risk.model import RiskModel, score
    from gnn.risk.reasons import Reasons
    from gnn.risk.transactions import parse_map, read_transactions

    opened = RiskModel.load(model)
    _check_feedback(opened, feedback)
    chosen = parse_map(columns) if columns else dict(opened.columns)
    given, rows = read_transactions(transactions, chosen, labels=feedback)
    past = None if history is None else read_transactions(history, chosen, labels=feedback)[1]
    scored = score(opened, rows, past)
    reasons = Reasons(scored).table().with_columns(score=scored.scores, row=scored.rows["row"].gather(scored.at))
    _write(given, reasons, out)
    typer.echo(f"{given.height:,} transactions, {(reasons['score'] >= 0.5).sum():,} with a score of 0.5 or more, in {out}")


@risk.command("report")
def report_(workspace: Folder = Path()) -> None:
    """Look for accounts of the shop that act together, and write what was found to reports/risk.json."""
    from etl.risk.report import NAME, report

    opened, config = _open(workspace)
    body = report(opened, config)
    typer.echo(f"{body['flagged']:,} of {body['users']:,} accounts suspected; {body['notice']}")
    for signal in body["signals"]:
        typer.echo(f"{signal['kind']}  {signal['suspicion']:.3f}  {signal['sentence']}")
    typer.echo(f"accounts and decisions are in {opened.reports / NAME}")


@risk.command("decide")
def decide_(
    user_id: Annotated[str, typer.Argument(help="The account.")],
    decision: Annotated[str, typer.Argument(help="confirm, clear or watch.")],
    by: Annotated[str, typer.Option("--by", help="Who decides.")],
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    workspace: Folder = Path(),
) -> None:
    """Decide of an account: confirmed ones count nothing, cleared ones count fully, whatever is found of them. The last decision holds."""
    from etl.risk.report import decisions

    opened, config = _open(workspace)
    seq = decisions(opened, config).append(user_id, decision, by=by, note=note)
    typer.echo(f"decision {seq}: {decision} {user_id}; the next rebuild counts accordingly")


@risk.command("decisions")
def decisions_(workspace: Folder = Path()) -> None:
    """List all decisions, oldest first."""

    from etl.risk.report import decisions

    for each in decisions(*_open(workspace)).history():
        when = utc_text(each.decided_s)
        typer.echo(f"{each.seq}  {when}  {each.decision:<8}{each.user_id}  {each.decided_by}  {each.note}")


def _open(folder: Path) -> tuple[Workspace, Config]:
    from kg.config import load_config

    opened = Workspace.open(folder)
    return opened, load_config(opened.root, os.environ)


def _check_feedback(model: RiskModel, feedback: bool) -> None:
    if model.feedback != feedback:
        trained, hint = ("with", "add --feedback") if model.feedback else ("without", "leave --feedback out, or train with it")
        raise InputError(f"the model was trained {trained} --feedback", hint=hint)


def _write(given: pl.DataFrame, reasons: pl.DataFrame, out: Path) -> None:
    """Write the file as it was given, in its own order, with the columns added."""
    added = reasons.sort("row").select(_ADDED)
    write_whole(out, given.drop(_ADDED, strict=False).hstack(added).write_parquet)
