"""What the reviews of each item say of each aspect: how many mention it, how many praise it, how many complain of it."""

from __future__ import annotations

import polars as pl

from kg.errors import InputError

FEWEST_MENTIONS = 3
"""Reviews that mention an aspect before a summary speaks of it."""
_COUNTED = ("mentions", "praised", "complained")


def summarised(frame: pl.DataFrame, key: str, place: str, *, fewest: int = FEWEST_MENTIONS) -> pl.DataFrame:
    """Count reviews per key and aspect. Each review counts once; one that praises and complains of the same aspect counts as both.

    Args:
        frame: What `reckon opinions run` wrote.
        key: Column of what is summarised.
        place: Where the reviews come from, for messages.
        fewest: Reviews that mention an aspect.

    Returns:
        key, aspect, mentions, praised, complained and a sentence; per key the aspects that most reviews mention first, praise and complaint alike.

    Raises:
        InputError: The column `aspects` is not one that `reckon opinions run` wrote.
    """
    if not isinstance(frame["aspects"].dtype, pl.List):
        raise InputError(f"{place}, column aspects: {frame['aspects'].dtype} are no aspects", hint="give the file that `reckon opinions run` wrote")
    rows = (
        frame.select(pl.col(key), pl.col("aspects")).with_row_index("row").drop_nulls(key).explode("aspects").drop_nulls("aspects").unnest("aspects")
    )
    said = rows.group_by("row", key, pl.col("name").alias("aspect")).agg(
        praised=(pl.col("polarity") == "positive").any(), complained=(pl.col("polarity") == "negative").any()
    )
    counts = said.group_by(key, "aspect").agg(mentions=pl.len(), praised=pl.col("praised").sum(), complained=pl.col("complained").sum())
    kept = counts.filter(pl.col("mentions") >= fewest).with_columns(pl.col(*_COUNTED).cast(pl.Int64))
    return kept.with_columns(sentence=_sentence()).sort(key, "mentions", "aspect", descending=[False, True, False])


def _sentence() -> pl.Expr:
    """Return the side that most are on; where they are even, both."""
    praise = pl.format("praised for {} by {} of {} who mention it", "aspect", "praised", "mentions")
    complaint = pl.format("{} is complained of by {} of {} who mention it", "aspect", "complained", "mentions")
    even = pl.format("{}: praised by {} and complained of by {} of {} who mention it", "aspect", "praised", "complained", "mentions")
    return (
        pl.when(pl.col("praised") > pl.col("complained")).then(praise).when(pl.col("praised") < pl.col("complained")).then(complaint).otherwise(even)
    )
