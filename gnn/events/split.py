"""Hold-outs: which events train and which are kept for the test.

The test part is scored once and chooses nothing. Validation parts are carved from the training part by the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from gnn.config import SplitMethod
from gnn.events.timing import timing_of, timing_text
from gnn.ratings import low_ratings

_NOT_WANTED = ("impression", "search", "dislike")


@dataclass(frozen=True)
class Split:
    """Training and test events.

    Attributes:
        train: Events that may be learned from.
        test: Events that were withheld.
        method: "time", "last" or "random": what was done in the end.
        why: Why it was done so, in words.
        boundary: First time of the test part for a split by time, Unix seconds.
    """

    train: pl.DataFrame
    test: pl.DataFrame
    method: str
    why: str = "as configured"
    boundary: float | None = None

    def new_items(self) -> pl.DataFrame:
        """Return the withheld pairs that the user had not met in training: what a recommendation of new items should find.

        Returns:
            `user_id`, `item_id`, one row per pair, sorted.
        """
        return (
            wanted(self.test).join(self.train.select("user_id", "item_id").unique(), on=["user_id", "item_id"], how="anti").sort("user_id", "item_id")
        )

    def repeats(self) -> pl.DataFrame:
        """Return the withheld pairs that the user had met in training: what buy-again should find.

        Returns:
            `user_id`, `item_id`, one row per pair, sorted.
        """
        return (
            wanted(self.test).join(self.train.select("user_id", "item_id").unique(), on=["user_id", "item_id"], how="semi").sort("user_id", "item_id")
        )


def wanted(events: pl.DataFrame) -> pl.DataFrame:
    """Return the (user, item) pairs that count as a success: purchases and ratings that are not low, or else every event that shows interest.

    Returns:
        `user_id`, `item_id`, one row per pair.
    """
    strong = events.filter(pl.col("kind").is_in(["purchase", "rating"]))
    strong = strong.filter(~low_ratings(strong))
    chosen = strong if strong.height else events.filter(~pl.col("kind").is_in(list(_NOT_WANTED)))
    return chosen.select("user_id", "item_id").unique(maintain_order=True)


def split_interactions(interactions: pl.DataFrame, *, method: SplitMethod = "auto", test_fraction: float = 0.1, seed: int = 1) -> Split:
    """Withhold a part of the events; the order of the rows does not matter.

    * time: the last `test_fraction` of all events, one boundary for all users, as a shop would meet them.
    * last: the last `test_fraction` of each user's events, at least one, for users with two or more.
    * random: as many events of each user, drawn by `seed`.
    * auto: time where times are dates; last where they are order numbers, which say nothing about what other users had done by then; random
      where events have no order.

    A split by time that leaves nothing on one side (all events at one moment) falls back to random.

    Args:
        interactions: Events (`kg.tables.INTERACTION_COLUMNS`).
        method: See above.
        test_fraction: Share of the events to withhold.
        seed: Seed of a random split.
    """
    method, why = _method_for(interactions) if method == "auto" else (method, "as configured")
    if method == "time":
        split = _by_time(interactions, test_fraction, why)
        if split.train.height and split.test.height:
            return split
        method, why = "random", "all events have the same time"
    return _per_user(interactions, method, why, test_fraction, seed)


def _method_for(interactions: pl.DataFrame) -> tuple[SplitMethod, str]:
    """Return how to split, and why."""
    timing = timing_of(interactions["time"])
    if timing != "none" and interactions["time"].null_count() * 2 > interactions.height:
        return "random", "most events have no time"
    if timing == "order" and not _is_ordered(interactions):
        return "random", "the order numbers do not tell the events of a shopper apart"
    methods: dict[str, SplitMethod] = {"clock": "time", "order": "last", "none": "random"}
    return methods[timing], timing_text(timing)


def _is_ordered(interactions: pl.DataFrame) -> bool:
    """Say whether most shoppers with several events have different numbers on them."""
    several = interactions.group_by("user_id").agg(n=pl.len(), places=pl.col("time").n_unique()).filter(pl.col("n") > 1)
    return not several.height or 2 * several.filter(pl.col("places") > 1).height > several.height


def _by_time(interactions: pl.DataFrame, test_fraction: float, why: str) -> Split:
    boundary = interactions["time"].quantile(1 - test_fraction, interpolation="higher")
    if boundary is None:
        return Split(interactions, interactions.clear(), "time", why)
    late = pl.col("time").fill_null(-np.inf) >= boundary
    return Split(interactions.filter(~late), interactions.filter(late), "time", why, boundary)


def _per_user(interactions: pl.DataFrame, method: str, why: str, test_fraction: float, seed: int) -> Split:
    events = interactions.sort("user_id", "time", "item_id", "kind", "quantity", "rating", "price_cents", nulls_last=False)
    if method == "random":
        draw = np.random.default_rng(seed).random(events.height)
        events = events.with_columns(_draw=pl.Series(draw)).sort("user_id", "_draw").drop("_draw")
    place = pl.int_range(pl.len()).over("user_id")
    size = pl.len().over("user_id")
    kept_out = pl.max_horizontal(pl.lit(1), (size * test_fraction).round().cast(pl.Int64))
    late = (place >= size - kept_out) & (size >= 2)
    events = events.with_columns(_late=late)
    return Split(events.filter(~pl.col("_late")).drop("_late"), events.filter("_late").drop("_late"), method, why)
