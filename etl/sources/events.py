"""Events on their way into a build: each chunk goes to disk as it is read, so that memory does not grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from etl.clean.config import FLAGS, CleanConfig
from etl.clean.events import Verdicts, verdicts
from kg.tables import INTERACTION_COLUMNS, empty
from kg.validation.ratings import RatingScale

COLUMNS: Mapping[str, pl.DataType] = {
    **INTERACTION_COLUMNS,
    "order": pl.String(),
    "event_id": pl.String(),
    "cancels": pl.Boolean(),
    "line": pl.Int64(),
    "flag": pl.String(),
}
"""One row per event as read: what the catalogue keeps, and what cleaning needs."""

FLAGGED_COLUMNS: Mapping[str, pl.DataType] = {
    "source": pl.String(),
    "line": pl.Int64(),
    "flag": pl.String(),
    **INTERACTION_COLUMNS,
    "order": pl.String(),
}
"""One row per flagged row: where it stands, why, and what it says. Flagged items have only an `item_id`."""


@dataclass
class EventFiles:
    """The events of an import.

    Args:
        folder: A folder of their own, empty.
    """

    folder: Path
    n_reduced: int = 0
    _sources: list[str] = field(default_factory=list)
    _n_parts: int = 0

    def add(self, source: str, rows: pl.DataFrame) -> None:
        """Add a chunk of a source's events."""
        self._sources.append(source)
        rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).write_parquet(self._part(len(self._sources) - 1), compression="lz4")

    def clean(self, config: CleanConfig, ratings: RatingScale | None = None) -> dict[str, Counter[str]]:
        """Judge all events and part the good from the flagged; returns source → flag → rows.

        A flag that `config.use_flagged` names keeps its rows among the good ones too, and they count as flagged all the same.
        """
        flags: dict[str, Counter[str]] = {}
        judged = verdicts(self._scanned(), config, ratings) if self._sources else Verdicts(pl.Series(dtype=pl.UInt8), pl.DataFrame())
        self.n_reduced = judged.reduced.height
        names = pl.Series([None, *FLAGS], dtype=pl.String)
        start = 0
        for n, source in enumerate(self._sources):
            rows = pl.read_parquet(self._part(n))
            flag = names.gather(judged.codes[start : start + rows.height]).alias("flag")
            rows = self._reduced(rows.with_columns(flag), judged.reduced, start)
            start += rows.height
            good = rows.filter(pl.col("flag").is_null() | pl.col("flag").is_in(list(config.use_flagged)))
            good.select(*INTERACTION_COLUMNS).write_parquet(self._part(n, "good"), compression="lz4")
            flagged = rows.filter(pl.col("flag").is_not_null())
            self._write_flagged(n, source, flagged)
            flags.setdefault(source, Counter()).update({str(name): int(count) for name, count in flagged["flag"].value_counts().iter_rows()})
            self._part(n).unlink()
        return flags

    def add_flagged(self, source: str, rows: pl.DataFrame) -> None:
        """Add flagged rows of another table: `line`, `flag`, `item_id`."""
        more = pl.concat([empty(FLAGGED_COLUMNS), rows.select("line", "flag", "item_id", source=pl.lit(source))], how="diagonal")
        self._n_parts += 1
        more.write_parquet(self.folder / f"other{self._n_parts:06}.flagged.parquet")

    def good(self) -> pl.LazyFrame:
        """Return the events that enter the graph, in the order of the files."""
        parts = sorted(self.folder.glob("*.good.parquet"))
        return pl.scan_parquet(parts, glob=False) if parts else empty(INTERACTION_COLUMNS).lazy()

    def flagged(self) -> pl.LazyFrame:
        """Return the flagged rows."""
        parts = sorted(self.folder.glob("*.flagged.parquet"))
        return pl.scan_parquet(parts, glob=False) if parts else empty(FLAGGED_COLUMNS).lazy()

    def _part(self, n: int, kind: str = "read") -> Path:
        return self.folder / f"{n:06}.{kind}.parquet"

    def _scanned(self) -> pl.LazyFrame:
        return pl.scan_parquet([self._part(n) for n in range(len(self._sources))], glob=False)

    def _reduced(self, rows: pl.DataFrame, reduced: pl.DataFrame, start: int) -> pl.DataFrame:
        here = reduced.filter(pl.col("row").is_between(start, start + rows.height, closed="left")) if reduced.height else reduced
        if not here.height:
            return rows
        return rows.with_columns(rows["quantity"].scatter(here["row"] - start, here["quantity"]))

    def _write_flagged(self, n: int, source: str, flagged: pl.DataFrame) -> None:
        if flagged.height:
            table = flagged.with_columns(source=pl.lit(source)).select(pl.col(name).cast(dtype) for name, dtype in FLAGGED_COLUMNS.items())
            table.write_parquet(self._part(n, "flagged"))
