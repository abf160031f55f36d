"""`reckon extract review`: what the trained extractor is least certain of, shown to persons; their answers become gold."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.workspace import Workspace

if TYPE_CHECKING:
    from kg.extract.learned.data.review import Mention, ReviewLog

Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]


def review(
    workspace: Folder = Path(),
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to list.")] = 20,
    accept: Annotated[list[str] | None, typer.Option(metavar="ID", help="The reading is right; may be repeated.")] = None,
    reject: Annotated[list[str] | None, typer.Option(metavar="ID", help="The title states no such value; may be repeated.")] = None,
    answers: Annotated[Path | None, typer.Option(metavar="FILE", help='JSON lines {"id", "answer": "accept" or "reject", or "value"}.')] = None,
    by: Annotated[str, typer.Option(help="Who answers.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one mention a line.")] = False,
) -> None:
    """List what the trained extractor is least certain of, or answer it; answers become gold of the next training."""
    from kg.extract.learned.data.review import ReviewLog

    opened = Workspace.open(workspace)
    log = ReviewLog(opened.review)
    queue = _queue(opened, log)
    if accept or reject or answers:
        n = _answer(log, queue, accept or [], reject or [], answers, by or os.environ.get("USER", "") or "unknown")
        typer.echo(f"{n} answered; `reckon extract train -w {workspace}` learns from them")
        return
    if not queue:
        typer.echo("nothing waits for review")
    for mention in queue[:limit]:
        typer.echo(json.dumps(asdict(mention), ensure_ascii=False) if as_json else _line(mention))


def _line(mention: Mention) -> str:
    return f"{mention.id}  {mention.confidence:.2f}  {mention.relation:<16}  {mention.marked}" + (
        f"  ×{mention.n_items}" if mention.n_items > 1 else ""
    )


def _queue(workspace: Workspace, log: ReviewLog) -> list[Mention]:
    from etl.stages.extraction import LEARNED
    from kg.config import ExtractConfig, load_config
    from kg.errors import NotFoundError
    from kg.extract.learned.data.review import mentions
    from kg.tables import Catalog, read_table

    read = [build_id for build_id in workspace.build_ids() if (workspace.build(build_id) / LEARNED).is_file()]
    if not read:
        raise NotFoundError(
            f"no build in {workspace.builds} was read by a trained extractor", hint="run `reckon extract train -w DIR`, then `reckon extract -w DIR`"
        )
    build = workspace.build(read[-1])
    threshold = load_config(workspace.root, os.environ).section(ExtractConfig).learned_threshold
    return mentions(Catalog.read(build / "catalog").items, read_table(build / LEARNED), threshold, log.answered())


def _answer(log: ReviewLog, queue: list[Mention], accept: list[str], reject: list[str], answers: Path | None, by: str) -> int:
    from kg.extract.learned.data.review import Verdict, chosen, read_answers

    given: list[tuple[Mention, Verdict, str]] = [(chosen(queue, name), "accept", "") for name in accept]
    given += [(chosen(queue, name), "reject", "") for name in reject]
    given += read_answers(answers, queue) if answers else []
    log.answer_all(given, by=by)
    return len(given)
