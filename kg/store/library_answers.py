"""A question of the query library, asked: what its answer leaves in the dark is said beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kg import schema
from kg.store.library import LibraryQuery
from kg.store.port import GraphDatabase
from kg.store.query import Bounds, QueryResult
from kg.store.values import RowSink
from kg.validation.suggest import closest

_NAMES = {"item": "item", "other": "item", "user": "user", "category": "category", "brand": "brand", "allergen": "allergen"}
"""Parameter → type of the node that its value names."""
_PLACE = re.compile(r"^line \d+, column \d+: ")
_MAX_SHOWN, _MAX_LOOKED_AT = 5, 20_000


def ask_library(
    database: GraphDatabase, query: LibraryQuery, values: Mapping[str, Any], bounds: Bounds, *, sink: RowSink | None = None
) -> QueryResult:
    """Answer a question of the library.

    Where nothing comes of it, values that name no node of the graph are said, with those that may have been meant.

    Args:
        database: The graph.
        query: The question.
        values: The value of each of its parameters.
        bounds: What it may take.
        sink: Takes the rows as they come.
    """
    result = database.query(query.text, values, bounds=bounds, sink=sink)
    # Places in a text that the asker has not written help nobody.
    notes = [_PLACE.sub("", warning) for warning in result.warnings]
    if not result.n_rows:
        notes += [_missing(database, name, str(values[name])) for name in _NAMES if name in values]
    return replace(result, warnings=tuple(dict.fromkeys(filter(None, notes))))


def _missing(database: GraphDatabase, parameter: str, value: str) -> str:
    """Say that no node is called so; nothing where one is."""
    node = schema.node_type(_NAMES[parameter])
    if database.query(f"MATCH (n:{node.label}) WHERE n.{node.key} = $value RETURN count(n) AS n", {"value": value}).rows != [[0]]:
        return ""
    if node.key != "value":
        return f"{parameter}: no {node.name} has the id {value[:60]!r}"
    names = [str(row[0]) for row in database.query(f"MATCH (n:{node.label}) RETURN n.value AS name ORDER BY name", max_rows=_MAX_LOOKED_AT).rows]
    alike = [name for name in names if value.casefold() in name.casefold()][:_MAX_SHOWN] or list(filter(None, [closest(value, names)]))
    shown = f"; there is {', '.join(map(repr, alike))}" if alike else ""
    return f"{parameter}: no {node.name} is called {value[:60]!r}{shown}"
