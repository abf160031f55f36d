"""Repeat purchases: how fast a purchase loses its hold, and which items are bought again at all, learned from the events of a shop.

    s(u, i) = r_i^e · Σ_{t ∈ purchases of i by u} 2^(-(T - t) / half_life)

T is the shopper's last purchase and r_i the share of the buyers of an item who bought it a second time. Each purchase is one addend, so the score
is explained by its purchases exactly.

Measured on Complete Journey (docs/benchmarks.md): the frequency of a purchase alone is a strong guess, its recency alone a weak one; the interval
between the purchases of an item, as its own half-life or as the time when it is due, made the ranking worse and is left out.

Source: the exponential decay of repeat consumption of Anderson et al. 2014, doi:10.1145/2566486.2568018; the personal frequencies that are hard to
beat in next-basket recommendation, Hu et al. 2020, doi:10.1145/3397271.3401066.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from gnn.events.split import split_interactions
from gnn.events.timing import timing_of
from gnn.graph.walks import FloatArray
from gnn.metrics.users.ndcg import discounts
from gnn.model.history import fade
from gnn.model.scorer import IntArray, Values

HALF_LIVES_DAYS = (30.0, 60.0, 90.0, 120.0, 180.0)
HALF_LIVES_ORDER = (3.0, 10.0, 30.0)
EXPONENTS = (0.0, 0.5, 1.0)
FEWEST_SHOPPERS = 20
MOST_SHOPPERS = 2_000
_PRIOR = 10.0
_DAY_S = 86_400.0
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class RepeatModel:
    """What was learned.

    Attributes:
        half_life: Age at which a purchase counts half, in the unit of the shop's times (seconds, or order numbers); None never fades.
        exponent: e, how much it matters that others bought the item again; 0 ignores it.
    """

    half_life: float | None = None
    exponent: float = 0.5

    def addends(self, ages: Values, rates: Values) -> Values:
        """Return what each purchase adds.

        Args:
            ages: T - t of each purchase; unknown ones count as 0.
            rates: r_i of its item.

        Shapes:
            [n], [n] → [n].
        """
        faded = np.ones(len(ages)) if self.half_life is None else fade(ages, self.half_life)
        return np.asarray(rates**self.exponent * faded, dtype=np.float64)


@dataclass(frozen=True)
class Repeats:
    """What serving needs to know of repeat purchases.

    Attributes:
        model: Half-life and exponent.
        rates: r_i, [n_items].
    """

    model: RepeatModel
    rates: FloatArray

    @classmethod
    def learned(cls, model: RepeatModel, interactions: pl.DataFrame, user_ids: Sequence[str], item_ids: Sequence[str]) -> Repeats:
        """Count r_i over all events with the model that was chosen on a part of them."""
        return cls(model, Purchases.of(interactions, user_ids, item_ids).rates())


@dataclass(frozen=True)
class Purchases:
    """Purchases one by one.

    Attributes:
        users: User numbers, [n].
        items: item_nums, [n].
        times: When; NaN where unknown, [n].
        n_items: Number of items of the shop.
    """

    users: IntArray
    items: IntArray
    times: Values
    n_items: int

    @classmethod
    def of(cls, interactions: pl.DataFrame, user_ids: Sequence[str], item_ids: Sequence[str]) -> Purchases:
        """Gather the purchases among events (`kg.tables.INTERACTION_COLUMNS`), one per shopper, item and time; others are left out."""
        users = pl.DataFrame({"user_id": list(user_ids)}, schema={"user_id": pl.String}).with_row_index("user_num")
        items = pl.DataFrame({"item_id": list(item_ids)}, schema={"item_id": pl.String}).with_row_index("item_num")
        bought = interactions.filter(pl.col("kind") == "purchase").join(users, on="user_id").join(items, on="item_id")
        rows = bought.select("user_num", "item_num", "time").unique().sort("user_num", "item_num", "time")
        columns = (rows["user_num"].to_numpy().astype(np.int64), rows["item_num"].to_numpy().astype(np.int64))
        return cls(*columns, rows["time"].fill_null(np.nan).to_numpy().astype(np.float64), len(item_ids))

    def rates(self) -> FloatArray:
        """Return r_i: the share of an item's buyers who bought it again, drawn towards that of the whole shop where buyers are few.

        Shapes:
            [n_items].
        """
        pairs, counts = np.unique(self.users * self.n_items + self.items, return_counts=True)
        items = pairs % self.n_items
        buyers = np.bincount(items, minlength=self.n_items)
        again = np.bincount(items, weights=counts > 1, minlength=self.n_items)
        mean = (float(again.sum()) + 1.0) / (float(buyers.sum()) + 1.0)
        return np.asarray((again + _PRIOR * mean) / (buyers + _PRIOR), dtype=np.float32)

    def chosen(self, users: IntArray) -> Purchases:
        """Return those of some users."""
        own = np.isin(self.users, users)
        return Purchases(self.users[own], self.items[own], self.times[own], self.n_items)

    def scores(self, model: RepeatModel, rates: FloatArray) -> tuple[IntArray, IntArray, Values]:
        """Add up each shopper's purchases of each item.

        Returns:
            Users, items and scores, one entry per pair.
        """
        last = np.full(int(self.users.max(initial=-1)) + 1, -np.inf)
        np.maximum.at(last, self.users, np.nan_to_num(self.times, nan=-np.inf))
        values = model.addends(last[self.users] - self.times, rates[self.items].astype(np.float64))
        pairs, places = np.unique(self.users * self.n_items + self.items, return_inverse=True)
        return pairs // self.n_items, pairs % self.n_items, np.asarray(np.bincount(places, weights=values), dtype=np.float64)


def ranked(users: IntArray, items: IntArray, scores: Values, depth: int) -> dict[int, IntArray]:
    """Return each user's best items, best first; equal scores by the smaller item number."""
    order = np.lexsort((items, -scores, users))
    users, items = users[order], items[order]
    starts = np.flatnonzero(np.diff(users, prepend=-1))
    ends = np.append(starts[1:], len(users))
    return {int(users[start]): items[start : min(start + depth, end)] for start, end in zip(starts, ends, strict=True)}


def ndcg(lists: dict[int, IntArray], wanted: dict[int, IntArray], k: int = _DEPTH) -> float:
    """Return the mean ndcg@k over the users who want something."""
    gains = discounts(k)
    ideal = np.cumsum(gains)
    reached = []
    for user, items in wanted.items():
        hits = np.isin(lists.get(user, np.zeros(0, dtype=np.int64))[:k], items)
        reached.append(float(gains[: len(hits)] @ hits) / float(ideal[min(k, len(items)) - 1]))
    return float(np.mean(reached)) if reached else float("nan")


def fit_repeats(interactions: pl.DataFrame, user_ids: Sequence[str], item_ids: Sequence[str], *, fraction: float = 0.1, seed: int = 1) -> RepeatModel:
    """Choose half-life and exponent by the ndcg of what is bought again in the last part of the events.

    Args:
        interactions: The events to learn from (`kg.tables.INTERACTION_COLUMNS`).
        user_ids: By user number.
        item_ids: By item_num.
        fraction: Share of the events that is withheld to choose by.
        seed: Seed of the split and of the sample of shoppers.

    Returns:
        The best of the grid; the defaults where too few shoppers buy anything again.
    """
    purchases = interactions.filter(pl.col("kind") == "purchase")
    split = split_interactions(purchases, test_fraction=fraction, seed=seed)
    later = Purchases.of(split.repeats().with_columns(kind=pl.lit("purchase"), time=pl.lit(None, dtype=pl.Float64)), user_ids, item_ids)
    users = np.unique(later.users)
    if len(users) < FEWEST_SHOPPERS:
        return RepeatModel()
    if len(users) > MOST_SHOPPERS:
        users = np.sort(np.random.default_rng(seed).choice(users, MOST_SHOPPERS, replace=False))
    known = Purchases.of(split.train, user_ids, item_ids)
    rates, known = known.rates(), known.chosen(users)
    wanted = {int(user): later.items[later.users == user] for user in users}
    unit, half_lives = (_DAY_S, HALF_LIVES_DAYS) if timing_of(purchases["time"]) == "clock" else (1.0, HALF_LIVES_ORDER)
    tried = [RepeatModel(value, exponent) for value, exponent in product([None, *(unit * value for value in half_lives)], EXPONENTS)]
    reached = [ndcg(ranked(*known.scores(model, rates), _DEPTH), wanted) for model in tried]
    return tried[int(np.argmax(reached))]
