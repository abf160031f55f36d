"""Recommendations printed for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan
from typing import Any

import typer

from etl.console import Console
from gnn.events.timing import CLOCK_FROM
from gnn.explain.explainer import Path, Reason
from gnn.explain.messages.catalogue import Catalogue
from gnn.explain.messages.languages import Languages
from gnn.explain.messages.message import Argument, Listing, Number, Quoted, Text, plain, say
from gnn.recommend.recommender import Recommendations
from gnn.recommend.why_not import WhyNot
from kg.config import Config, ShopConfig
from kg.workspace import Workspace

_SHOWN_REASONS = 4
_SHOWN_LACKS = 6
_SHOWN_PURCHASES = 4


def recommendations(console: Console, result: Recommendations, words: Catalogue) -> None:
    """Print a ranked list with reasons, shares and the strongest path of each item."""
    header = say("printed.list", strategy=result.strategy, user=result.user_id or "", build=result.build_id)
    console.out.print(f"[bold]{_escaped(words.text(header))}[/]")
    for item in result.items:
        console.out.print(
            f"\n[bold]{item.rank:>2}. {_escaped(item.title)}[/]  [dim]{item.item_id}  {words.text(say('printed.score', score=_score(item.score)))}[/]"
        )
        for reason in item.reasons[:_SHOWN_REASONS]:
            console.out.print(f"    {reason.share:6.1%}  {_escaped(words.text(reason.message))}")
            if reason.times:
                console.out.print(f"            [dim]{purchases(reason, words)}[/]")
        rest = item.remainder + sum(reason.share for reason in item.reasons[_SHOWN_REASONS:])
        if abs(rest) >= 0.0005:
            console.out.print(f"    {rest:6.1%}  {words.text(say('printed.remainder'))}")
        paths = [path for reason in item.reasons for path in reason.paths[:1]]
        if paths:
            console.out.print(f"    [dim]{_escaped(drawn(max(paths, key=lambda path: path.share)))}[/]")


def purchases(reason: Reason, words: Catalogue) -> str:
    """Tell the latest purchases behind a reason in one line: 2024-05-01 40.1%, 2024-04-01 30.2%, …"""
    shown = [f"{words.text(_day(time))} {share:.1%}" for time, (_, _, share) in zip(reason.times, reason.history, strict=True)]
    n_more = len(shown) - _SHOWN_PURCHASES + reason.n_not_shown
    latest = words.text(Listing(tuple(shown[:_SHOWN_PURCHASES]), "comma"))
    return words.text(say("printed.earlier", latest=latest, count=n_more)) if n_more > 0 else latest


def _day(time: float) -> Text:
    if isnan(time):
        return say("printed.unknown_time")
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}" if time >= CLOCK_FROM else say("printed.order_number", number=plain(time))


def _score(value: float) -> Number:
    return Number(f"{value:.4f}", grouped=False)


def why_not(console: Console, answer: WhyNot, words: Catalogue) -> None:
    """Print why an item is not in a list."""

    def line(key: str, **arguments: Argument) -> str:
        return _escaped(words.text(say(key, **arguments)))

    header = line("printed.item", item_id=answer.item_id, user=answer.user_id, build=answer.build_id)
    console.out.print(f"[bold]{_escaped(answer.title)}[/]  [dim]{header}[/]")
    rank: Argument = answer.rank
    if answer.rank != answer.rank_by_score:
        rank = say("printed.two_ranks", rank=answer.rank, rank_by_score=answer.rank_by_score)
    console.out.print(line("printed.rank", rank=rank, score=_score(answer.score), k=answer.k, kth_score=_score(answer.kth_score)))
    for why in answer.filtered:
        console.out.print(line("printed.left_out", why=why))
    if not answer.filtered and answer.rank <= answer.k:
        console.out.print(line("printed.listed"))
    for row in answer.lacks[:_SHOWN_LACKS]:
        adds = line("printed.adds", path=row.meta_path, contribution=_score(row.contribution), listed=_score(row.listed))
        console.out.print(f"    {row.missing:+8.4f}  {adds}")
    for change in answer.changes:
        events = ", ".join(f"{relation} {words.text(Quoted(title))} ({item_id})" for item_id, title, relation in change.events)
        console.out.print(line(f"printed.rank_{'with' if change.action == 'add' else 'without'}", rank=change.rank, events=events))
    if not answer.changes and not answer.filtered and answer.rank > answer.k:
        console.out.print(line("printed.no_change"))


def drawn(path: Path) -> str:
    """Draw a path in one line: (User 1)-[:PURCHASED]->(Item ‘Tea’)…"""
    nodes = [{"label": n.label, "key": n.key, "title": n.title, "count": n.count} for n in path.nodes]
    return draw(nodes, [{"type": edge.type, "reverse": edge.reverse} for edge in path.edges])


def draw(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> str:
    """Draw a path given as the API gives it."""
    text = _node(nodes[0])
    for edge, node in zip(edges, nodes[1:], strict=True):
        arrow = f"<-[:{edge['type']}]-" if edge["reverse"] else f"-[:{edge['type']}]->"
        text += arrow + _node(node)
    return text


def _node(node: Mapping[str, Any]) -> str:
    if node.get("count") is not None:
        return f"({node['count']} {node['label']}{'' if node['count'] == 1 else 's'})"
    if node.get("title"):
        return f"({node['label']} ‘{node['title']}’)"
    key = node.get("key") or {}
    return f"({node['label']} {next(iter(key.values()), '')})"


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def catalogue(workspace: Workspace, config: Config, language: str) -> Catalogue:
    """Return the messages in a language; in the shop's own, and a line that says so, where there are none.

    Args:
        workspace: Its `messages` folder may hold further languages.
        config: Its `[shop] language`.
        language: The tag that was given; empty for the shop's own.
    """
    languages = Languages.of(config.section(ShopConfig).language, workspace.messages)
    if language and not languages.has(language):
        typer.echo(f"no reasons in {language[:60]!r}: printed in {languages.default}; there are {', '.join(languages.names)}", err=True)
    return languages[language or languages.default]
