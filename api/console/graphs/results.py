"""Rows of a query as pages show them: a table, a graph of the nodes and paths among them, a chart of two columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.console.graphs.drawing import MOST_NODES, Drawing, display_of, key_of

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave.

    Attributes:
        columns: Names of the columns.
        rows: The first `MOST_ROWS` rows.
        n_rows: How many came.
        truncated: Whether there were more.
        warnings: What the query names and the graph does not have.
        drawing: Nodes and edges among the values; None where there are none.
        chart: (kind, name of the labels, labels, name of the values, values); None where the columns are none to draw.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    n_rows: int
    truncated: bool
    warnings: Sequence[str]
    drawing: Drawing | None
    chart: tuple[str, str, list[Any], str, list[float]] | None


def result_of(answer: Mapping[str, Any], chart: str = "") -> Result:
    """Return an answer of the API as it is shown.

    Args:
        answer: See `api.cypher.schemas.CypherAnswer`.
        chart: How the query library says its answer is best shown ("bar title shoppers").
    """
    rows, columns = answer["rows"], answer["columns"]
    drawing = Drawing()
    for row in rows:
        for value in row:
            _draw(drawing, value)
        if len(drawing.nodes) > MOST_NODES:
            break
    if not drawing.nodes and chart == "graph":
        _draw_columns(drawing, columns, rows)
    return Result(
        columns,
        rows[:MOST_ROWS],
        len(rows),
        answer["truncated"],
        answer["warnings"],
        drawing if drawing.nodes else None,
        _chart(chart, columns, rows),
    )


def _draw(drawing: Drawing, value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _draw(drawing, each)
    elif isinstance(value, dict) and "labels" in value and "properties" in value:
        _node(drawing, value)
    elif isinstance(value, dict) and "nodes" in value and "relationships" in value:
        ids = [_node(drawing, node) for node in value["nodes"]]
        for source, edge, target in zip(ids, value["relationships"], ids[1:], strict=False):
            drawing.edge(source, edge["type"], target)


def _node(drawing: Drawing, node: Mapping[str, Any]) -> str:
    label = next(iter(node["labels"]), "")
    properties = node["properties"]
    key = str(properties.get(key_of(label), "")) or f"~{len(drawing.nodes)}"
    return drawing.node(label, key, str(properties.get(display_of(label)) or ""))


def _draw_columns(drawing: Drawing, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Draw rows whose last columns are a relation and a value, as those of the library's graph questions are."""
    if "relation" not in columns or "value" not in columns:
        return
    relation, value = columns.index("relation"), columns.index("value")
    source = next((columns.index(name) for name in ("history_item", "item") if name in columns), None)
    title = columns.index("title") if "title" in columns else source
    for row in rows[:MOST_NODES]:
        label = "".join(part.title() for part in str(row[relation]).removeprefix("HAS_").split("_"))
        target = drawing.node(label, str(row[value]))
        if source is not None and title is not None:
            drawing.edge(drawing.node("Item", str(row[source]), str(row[title] or "")), str(row[relation]), target)


def _chart(wanted: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, str, list[Any], str, list[float]] | None:
    kind, _, names = wanted.partition(" ")
    if kind in ("bar", "line"):
        label, value = names.split()
        pair = (columns.index(label), columns.index(value)) if label in columns and value in columns else None
    else:
        kind, pair = "bar", _drawable(rows)
    if pair is None or not rows:
        return None
    shown = [row for row in rows[:60] if isinstance(row[pair[1]], int | float) and not isinstance(row[pair[1]], bool)]
    if len(shown) < 2:
        return None
    return "bars" if kind == "bar" else "line", columns[pair[0]], [row[pair[0]] for row in shown], columns[pair[1]], [row[pair[1]] for row in shown]


def _drawable(rows: Sequence[Sequence[Any]]) -> tuple[int, int] | None:
    """Return the first column of texts and the first of numbers, where a result has both."""
    if not rows:
        return None
    texts = [n for n, value in enumerate(rows[0]) if isinstance(value, str)]
    numbers = [n for n, value in enumerate(rows[0]) if isinstance(value, int | float) and not isinstance(value, bool)]
    return (texts[0], numbers[0]) if texts and numbers else None
