"""Rows that cannot be used, with the reason: counted, kept, never dropped silently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
import polars as pl

from kg.files.atomic import whole_file

COLUMNS = {"file": pl.String, "line": pl.Int64, "column": pl.String, "value": pl.String, "why": pl.String}
_SHOWN = 200


def rejected(file: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return reject rows from `line`, `column`, `value`, `why`; long values are cut."""
    shown = rows.with_columns(file=pl.lit(file), value=pl.col("value").str.slice(0, _SHOWN))
    return shown.select(*COLUMNS).cast(COLUMNS)  # type: ignore[arg-type]  # polars asks for a wider type of mapping


def write(path: Path, parts: Sequence[pl.DataFrame]) -> int:
    """Write all rejects as JSON lines, whole or not at all; returns how many there are."""
    rows = pl.concat([pl.DataFrame(schema=COLUMNS), *parts])
    with whole_file(path) as temporary, temporary.open("xb") as file:
        for row in rows.iter_rows(named=True):
            file.write(orjson.dumps(row) + b"\n")
    return rows.height
