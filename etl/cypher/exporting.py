"""The rows of a library query, written to a file as the database gives them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl.cypher.output import rows_into, say_beside
from etl.export.exporters import ExportOptions
from etl.export.row_formats import RowFormat

if TYPE_CHECKING:
    from kg.store import QueryResult
    from kg.workspace import Workspace


def export_query(
    workspace: Workspace, name: str, parameters: Sequence[str], form: RowFormat, out: Path, options: ExportOptions, *, timeout_s: float
) -> QueryResult:
    """Write all rows of a query of the library; none is left out.

    Args:
        workspace: Whose graph.
        name: The query.
        parameters: Its parameters, NAME=VALUE.
        form: How they are written.
        out: The file.
        options: What was asked for besides the format.
        timeout_s: Longest time of the query.

    Raises:
        NotFoundError: There is no such query.
        InputError: A parameter is wrong, or the format cannot hold the rows.
        LimitError: It took longer than it may.
    """
    from etl.console import Console
    from etl.pipeline.graph_database import PublishedGraph
    from kg.config import load_config
    from kg.store import Bounds
    from kg.store.library import library_query
    from kg.store.library_answers import ask_library

    query = library_query(name)
    values = query.values(query.read(parameters))
    bounds = Bounds(timeout_s, max_rows=sys.maxsize, max_bytes=sys.maxsize)
    graph = PublishedGraph(workspace, load_config(workspace.root, os.environ), Console())
    with graph.reading() as store, rows_into(out, form, options) as sink:
        result = ask_library(store, query, values, bounds, sink=sink)
    say_beside(result)
    return result
