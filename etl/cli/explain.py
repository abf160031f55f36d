"""`reckon why-not` and `reckon what-if`: questions to the published build about one user and one item."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError
from kg.workspace import Workspace

if TYPE_CHECKING:
    from gnn.recommend.recommender import Recommender

User = Annotated[str, typer.Argument(help="Whom the recommendations are for.")]
Item = Annotated[str, typer.Argument(help="The item in question.")]
Folder = Annotated[Path, typer.Option("-w", "--workspace", help="Workspace folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def why_not(
    user_id: User,
    item_id: Item,
    workspace: Folder = Path(),
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Length of the list.")] = 10,
    as_json: AsJson = False,
    language: Annotated[str, typer.Option(help="Language of what is printed, such as zh; that of the shop by default.")] = "",
) -> None:
    """Say why an item is not in a user's list: its rank, what it lacks, and the fewest events that would bring it in."""
    from etl import printing
    from etl.console import Console
    from etl.printing import catalogue
    from etl.published import served_recommender
    from gnn.recommend.why_not import why_not as explain_absence
    from kg.config import load_config

    opened = Workspace.open(workspace)
    config = load_config(opened.root, os.environ)
    recommender, fresh = served_recommender(opened, config, user_id)
    words = catalogue(opened, config, language)
    answer = explain_absence(recommender, user_id, item_id, k, fresh=fresh)
    if as_json:
        body = asdict(answer) | {"filtered": [words.text(why) for why in answer.filtered]}
        typer.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    printing.why_not(Console(), answer, words)


def what_if(
    user_id: User,
    item_id: Item,
    without: Annotated[tuple[str, str, str], typer.Option(help="An edge: HEAD RELATION TAIL, nodes written type:id as in triples.")],
    workspace: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """Say what an item's score would be without one edge of the graph: `--without item:12 has_brand brand:Conair`."""
    from gnn.recommend.why_not import without_edge

    (head_type, head), (tail_type, tail) = (_node(text) for text in (without[0], without[2]))
    effect = without_edge(_recommender(workspace), user_id, item_id, (head_type, without[1], tail_type), head, tail)
    if as_json:
        typer.echo(json.dumps(asdict(effect), indent=2))
        return
    share = effect.through_edge / effect.score if effect.score else 0.0
    typer.echo(f"score {effect.score:.6f}, of which {effect.through_edge:.6f} ({share:.1%}) runs over this edge")
    typer.echo(f"without it, weights held fixed   {effect.fixed_score:.6f}")
    typer.echo(f"without it, degrees counted anew {effect.renormalised_score:.6f}")


def _node(text: str) -> tuple[str, str]:
    node_type, colon, key = text.partition(":")
    if not (node_type and colon and key):
        raise InputError(f"{text!r} is no node", hint="write type:id, such as item:12 or brand:Conair")
    return node_type, key


def _recommender(folder: Path) -> Recommender:
    from etl.published import published_recommender

    return published_recommender(Workspace.open(folder))
