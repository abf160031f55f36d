"""Judgements: which items a person found good for a query, and the measures over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.metrics.users.ndcg import discounts
from kg.errors import InputError
from kg.files.parquet import read_parquet

HIGHEST = 3
K, DEPTH = 10, 100


@dataclass(frozen=True)
class Judgements:
    """Ratings per query.

    Attributes:
        ratings: Query → item id → rating from 0 to 3; only queries with a rating above 0 are in it.
        n_rows: Rows of the file.
        n_without: Queries without any item rated above 0, which no ranking can serve.
    """

    ratings: Mapping[str, Mapping[str, int]] = field(repr=False)
    n_rows: int = 0
    n_without: int = 0

    @property
    def queries(self) -> list[str]:
        """The queries, sorted."""
        return sorted(self.ratings)

    @classmethod
    def read(cls, path: Path) -> Judgements:
        """Read a Parquet file with the columns query, item_id (or docid) and rating.

        Raises:
            InputError: It cannot be read, lacks a column, or a rating is not from 0 to 3.
        """
        frame = read_parquet(path)
        item = next((name for name in ("item_id", "docid") if name in frame.columns), None)
        missing = [name for name in ("query", "rating") if name not in frame.columns] + ([] if item else ["item_id"])
        if item is None or missing:
            raise InputError(f"{path} lacks the columns {', '.join(missing)}", hint="it needs query, item_id (or docid) and rating")
        rows = frame.select(
            pl.col("query").cast(pl.String), pl.col(item).cast(pl.String).alias("item_id"), pl.col("rating").cast(pl.Int64, strict=False)
        )
        bad = rows.filter(pl.col("query").is_null() | pl.col("item_id").is_null() | ~pl.col("rating").is_between(0, HIGHEST).fill_null(False))
        if bad.height:
            raise InputError(
                f"{path}: {bad.height} rows such as {bad.row(0)}", hint="a rating is a whole number from 0 to 3, query and item are not empty"
            )
        ratings: dict[str, dict[str, int]] = {}
        for query, item_id, rating in rows.iter_rows():
            own = ratings.setdefault(query, {})
            own[item_id] = max(rating, own.get(item_id, 0))
        good = {query: own for query, own in ratings.items() if any(own.values())}
        if not good:
            raise InputError(f"{path} rates no item above 0", hint="give judgements with ratings of 1, 2 or 3")
        return cls(good, rows.height, len(ratings) - len(good))


def gains(ratings: Sequence[int]) -> npt.NDArray[np.float64]:
    """Return 2^rating − 1.

    Source: Burges et al. 2005, doi:10.1145/1102351.1102363.
    """
    return np.asarray(2.0 ** np.asarray(ratings, dtype=np.float64) - 1.0, dtype=np.float64)


def graded_ndcg(ranked: Sequence[int], judged: Sequence[int], k: int = K) -> float:
    """Return ndcg@k with graded gains; what was not judged counts 0.

    Args:
        ranked: Ratings of the items found, best place first.
        judged: All ratings of the query.
        k: Places that count.

    >>> graded_ndcg([3, 0], [0, 3])
    1.0
    """
    best = np.sort(gains(judged))[::-1][:k]
    got = gains(ranked[:k])
    ideal = float(best @ discounts(len(best)))
    return float(got @ discounts(len(got))) / ideal if ideal > 0 else 0.0


def recall(ranked: Sequence[int], judged: Sequence[int], depth: int = DEPTH) -> float:
    """Return the share of the items rated above 0 that are among the first `depth`."""
    return sum(rating > 0 for rating in ranked[:depth]) / max(sum(rating > 0 for rating in judged), 1)


def reciprocal_rank(ranked: Sequence[int]) -> float:
    """Return 1 / the place of the first item rated above 0; 0 where none was found."""
    return next((1.0 / place for place, rating in enumerate(ranked, start=1) if rating > 0), 0.0)
