"""Many queries at once: from a file of queries to a file of results."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gnn.search.engine import SearchEngine
from gnn.search.query.understanding import MAX_QUERY
from kg.errors import InputError
from kg.files.atomic import write_whole
from kg.files.parquet import read_parquet

SCHEMA = {"query": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float64}


def search_file(engine: SearchEngine, queries: Path, out: Path, k: int) -> tuple[int, int]:
    """Answer every query of a file.

    Args:
        engine: What answers.
        queries: Parquet with the column `query`.
        out: Parquet to write: query, item_id, rank, score; best first, queries in the order of the file, each once.
        k: Items per query.

    Returns:
        Queries, and rows written.

    Raises:
        InputError: The file cannot be read, lacks the column, or holds a query that cannot be answered; nothing is written.
    """
    frame = read_parquet(queries)
    if "query" not in frame.columns:
        raise InputError(f"{queries} lacks the column query", hint=f"it has {', '.join(frame.columns) or 'none'}")
    texts = [text for text in frame["query"].cast(pl.String).unique(maintain_order=True).to_list() if text is not None and text.strip()]
    rows: list[tuple[str, str, int, float]] = []
    for text in texts:
        try:
            matches = engine.rank(text, k)
        except InputError as error:
            raise InputError(
                f"{queries}: query {text[:60]!r}: {error.message}", hint=f"{error.hint}; a query has at most {MAX_QUERY} characters"
            ) from None
        rows.extend((text, item_id, rank, score) for rank, (item_id, score) in enumerate(matches, start=1))
    write_whole(out, pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet)
    return len(texts), len(rows)
