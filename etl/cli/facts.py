"""`reckon why-fact` and `reckon facts`: where a fact comes from, and corrections of facts by persons."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kg.workspace import Workspace

if TYPE_CHECKING:
    from etl.pipeline.jobs import Job

facts_app = typer.Typer(help="Corrections of facts by persons: kept for good, stronger than anything extracted.", no_args_is_help=True)

Item = Annotated[str, typer.Argument(metavar="ITEM", help="item_id.")]
RelationName = Annotated[str, typer.Argument(metavar="RELATION", help="Relation or field: has_color, or color.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="The value.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


def why_fact(
    item_id: Item,
    relation: RelationName,
    value: Value,
    workspace: Folder = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where a fact of the graph comes from: the sentence with the span marked, who read it, and the Cypher that asks for it."""
    from kg import cypher
    from kg.graph.corrections import FactLog
    from kg.store.provenance import why_fact as read_evidence

    job = _job(workspace)
    name = _relation(job, relation)
    with job.database.reading() as store:
        evidence = read_evidence(store, item_id, name, value, FactLog(job.workspace.facts).active())
    query = cypher.why_fact(item_id, name, evidence.value)
    if as_json:
        typer.echo(json.dumps({**asdict(evidence), "cypher": query}, indent=2, ensure_ascii=False))
        return
    typer.echo(evidence.sentence)
    who = (
        f"stated by {evidence.by}, {evidence.time}" + (f": {evidence.note}" if evidence.note else "")
        if evidence.by
        else f"{evidence.extractor} {evidence.extractor_version}"
    )
    span = "" if evidence.start is None else f" {evidence.start}–{evidence.end}"
    typer.echo(f"  {item_id} {name} {evidence.value}")
    typer.echo(f"  {evidence.field}{span} ‘{evidence.surface}’, {who}, confidence {evidence.confidence:.2f}, build {evidence.build_id}")
    typer.echo(f"  {query}")


@facts_app.command("set")
def set_fact(item_id: Item, relation: RelationName, value: Value, by: By, note: Note = "", workspace: Folder = Path()) -> None:
    """State a fact of an item; of a relation with one value per item it replaces the others."""
    _correct("set", "stated", item_id, relation, value, by, note, workspace)


@facts_app.command("drop")
def drop_fact(item_id: Item, relation: RelationName, value: Value, by: By, note: Note = "", workspace: Folder = Path()) -> None:
    """Take a fact off an item, whoever stated it."""
    _correct("drop", "dropped", item_id, relation, value, by, note, workspace)


def _correct(action: Literal["set", "drop"], verb: str, item_id: str, relation: str, value: str, by: str, note: str, workspace: Path) -> None:
    """Keep a correction, say so, and apply it to the graph."""
    from kg.graph.corrections import FactLog

    job = _job(workspace)
    fact = FactLog(job.workspace.facts).state(action, item_id, _relation(job, relation), value, by=by, note=note)
    typer.echo(f"{fact.n}: {fact.item_id} {fact.relation} {fact.value}, {verb} by {fact.by}")
    _apply(job)


@facts_app.command("undo")
def undo_fact(
    number: Annotated[int, typer.Argument(metavar="N", help="Number in `reckon facts list`.")], by: By = "", workspace: Folder = Path()
) -> None:
    """Take a correction back; what was extracted holds again."""
    from kg.graph.corrections import FactLog

    job = _job(workspace)
    fact = FactLog(job.workspace.facts).undo(number, by=by or os.environ.get("USER", "") or "unknown")
    typer.echo(f"undone: {fact.op} {fact.item_id} {fact.relation} {fact.value}")
    _apply(job)


@facts_app.command("list")
def list_facts(
    workspace: Folder = Path(),
    everything: Annotated[bool, typer.Option("--all", help="Also those that were undone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one correction a line.")] = False,
) -> None:
    """List the corrections: what was set, what was dropped, by whom and why."""
    from kg.graph.corrections import FactLog

    for fact in FactLog(Workspace.open(workspace).facts).history():
        if fact.undone_by and not everything:
            continue
        if as_json:
            typer.echo(json.dumps(asdict(fact), ensure_ascii=False))
            continue
        end = f"  undone by {fact.undone_by}" if fact.undone_by else ""
        typer.echo(f"{fact.n:>4}  {fact.op:<4}  {fact.item_id}  {fact.relation}  {fact.value}  {fact.by}  {fact.time}  {fact.note}{end}".rstrip())


def _job(folder: Path) -> Job:
    from etl.console import Console
    from etl.pipeline.jobs import Job
    from kg.config import load_config

    workspace = Workspace.open(folder)
    return Job(workspace, load_config(workspace.root, os.environ), Console())


def _relation(job: Job, name: str) -> str:
    from etl.stages.graph_build import own_relations
    from kg.graph.corrections import relation_of

    return relation_of(name, own_relations(job.workspace))


def _apply(job: Job) -> None:
    from etl.live.file_changes import apply_now

    apply_now(job)
