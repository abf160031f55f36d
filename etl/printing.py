"""Recommendations printed for a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan
from typing import Any

from etl.console import Console
from gnn.events.timing import CLOCK_FROM
from gnn.explain.explainer import Path, Reason
from gnn.explain.messages.catalogue import Catalogue
from gnn.recommend.recommender import Recommendations
from gnn.recommend.why_not import WhyNot

_SHOWN_REASONS = 4
_SHOWN_LACKS = 6
_SHOWN_PURCHASES = 4


def recommendations(console: Console, result: Recommendations, words: Catalogue) -> None:
    """Print a ranked list with reasons, shares and the strongest path of each item."""
    console.out.print(f"[bold]{result.strategy}[/] recommendations for {result.user_id} (build {result.build_id})")
    for item in result.items:
        console.out.print(f"\n[bold]{item.rank:>2}. {_escaped(item.title)}[/]  [dim]{item.item_id}  score {item.score:.4f}[/]")
        for reason in item.reasons[:_SHOWN_REASONS]:
            console.out.print(f"    {reason.share:6.1%}  {_escaped(words.text(reason.message))}")
            if reason.times:
                console.out.print(f"            [dim]{purchases(reason)}[/]")
        rest = item.remainder + sum(reason.share for reason in item.reasons[_SHOWN_REASONS:])
        if abs(rest) >= 0.0005:
            console.out.print(f"    {rest:6.1%}  everything else")
        paths = [path for reason in item.reasons for path in reason.paths[:1]]
        if paths:
            console.out.print(f"    [dim]{_escaped(drawn(max(paths, key=lambda path: path.share)))}[/]")


def purchases(reason: Reason) -> str:
    """Tell the latest purchases behind a reason in one line: 2024-05-01 40.1%, 2024-04-01 30.2%, …"""
    shown = [f"{_day(time)} {share:.1%}" for time, (_, _, share) in zip(reason.times, reason.history, strict=True)]
    n_more = len(shown) - _SHOWN_PURCHASES + reason.n_not_shown
    return ", ".join(shown[:_SHOWN_PURCHASES]) + (f", and {n_more:,} earlier" if n_more > 0 else "")


def _day(time: float) -> str:
    if isnan(time):
        return "at an unknown time"
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d}" if time >= CLOCK_FROM else f"at place {time:g} of the order"


def why_not(console: Console, answer: WhyNot) -> None:
    """Print why an item is not in a list."""
    console.out.print(f"[bold]{_escaped(answer.title)}[/]  [dim]{answer.item_id} for {answer.user_id} (build {answer.build_id})[/]")
    by_score = "" if answer.rank == answer.rank_by_score else f" ({answer.rank_by_score:,} by score alone)"
    console.out.print(f"rank {answer.rank:,}{by_score}, score {answer.score:.4f}; number {answer.k} of the list has {answer.kth_score:.4f}")
    for reason in answer.filtered:
        console.out.print(f"left out: {_escaped(reason)}")
    if not answer.filtered and answer.rank <= answer.k:
        console.out.print("it is in the list")
    for row in answer.lacks[:_SHOWN_LACKS]:
        console.out.print(f"    {row.missing:+8.4f}  {row.meta_path}: adds {row.contribution:.4f}, to the listed items {row.listed:.4f} on average")
    for change in answer.changes:
        events = ", ".join(f"{relation} ‘{title}’ ({item_id})" for item_id, title, relation in change.events)
        verb = "with" if change.action == "add" else "without"
        console.out.print(f"rank {change.rank} {verb}: {_escaped(events)}")
    if not answer.changes and not answer.filtered and answer.rank > answer.k:
        console.out.print("no few events would bring it in")


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
