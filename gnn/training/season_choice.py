"""Which season factor a shop has, if any: chosen over several windows of its past, each with what was known before it.

Each window ends where the next begins (rolling origin), and all shoppers who meet something new in it are asked. The factor multiplies whatever
ranks, so a plain factorisation stands for the whole model here. A window counts half as much as the one after it, for seasons change and the latest
resembles most what comes next; the factor is taken where its weighted gain is more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import polars as pl

from gnn.config import ModelConfig
from gnn.events.interactions import Interactions
from gnn.events.split import split_interactions
from gnn.events.timing import timing_of
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray, largest
from gnn.metrics import hits_of
from gnn.metrics.users.ndcg import ndcg
from gnn.model.history import HistoryWeights
from gnn.model.scorer import IntArray, Values, history_weights
from gnn.model.season import Season
from gnn.training.factors import als_item_factors, confidence_for, folded

HALF_LIVES_DAYS = (10.0, 20.0)
EXPONENTS = (0.25, 0.5)
WINDOWS = 3
FEWEST_WINDOWS = 2
FEWEST_SHOPPERS = 50
"""A window with fewer shoppers decides nothing."""
MOST_SHOPPERS = 5_000
_WIDTH, _ITERATIONS, _REGULARIZATION = 64, 5, 50.0
_LEAST_GAIN = 0.01
_DEPTH = 10
_NEAR = 1_000
"""Items that a factor may bring into a list: those that rank highest without it."""
_BATCH_CELLS = 10_000_000


def choose_season(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig) -> Season | None:
    """Return the factor that ranks best over the windows, None where none helps by more than chance or the events have no times.

    Args:
        graph: The graph.
        interactions: The events to learn from.
        config: `season`, `validation_fraction` and `seed` are read.
    """
    if not config.season or timing_of(interactions["time"]) != "clock":
        return None
    tried = [Season(*pair) for pair in product(HALF_LIVES_DAYS, EXPONENTS)]
    windows, known = [], interactions
    for _ in range(WINDOWS):
        split = split_interactions(known, method="time", test_fraction=config.validation_fraction, seed=config.seed)
        if split.method != "time":
            break
        window = _window(graph, split.train, split.new_items(), [None, *tried], config.seed)
        if window is not None:
            windows.append(window)
        known = split.train
    return chosen(tried, windows) if len(windows) >= FEWEST_WINDOWS else None


def chosen(tried: Sequence[Season], windows: Sequence[Values]) -> Season | None:
    """Return the factor that gains most; None where no gain is more than chance and enough to matter.

    Args:
        tried: The factors.
        windows: Per window, the latest first, the ndcg of each shopper without a factor and with each of them, [1 + n tried, n shoppers].
    """
    weights = 0.5 ** np.arange(len(windows))
    weights /= weights.sum()
    gains, errors, level = np.zeros(len(tried)), np.zeros(len(tried)), 0.0
    for weight, reached in zip(weights.tolist(), windows, strict=True):
        differences = reached[1:] - reached[0]
        gains += weight * differences.mean(axis=1)
        errors += weight**2 * differences.var(axis=1) / max(reached.shape[1] - 1, 1)
        level += weight * float(reached[0].mean())
    good = (gains > np.sqrt(errors)) & (gains >= _LEAST_GAIN * level)
    return tried[int(np.argmax(np.where(good, gains, -np.inf)))] if good.any() else None


def _window(graph: GraphArrays, train: pl.DataFrame, wanted: pl.DataFrame, tried: list[Season | None], seed: int) -> Values | None:
    """Return the ndcg@10 of each factor, of each shopper, on what they met for the first time in one window; None with too few of them."""
    known = graph.with_interactions(train)
    met = history_weights(known, HistoryWeights(count_exponent=0.0))
    users = pl.DataFrame({"user_id": list(graph.keys.get("user", ()))}, schema={"user_id": pl.String}).with_row_index("user")
    items = pl.DataFrame({"item_id": list(graph.item_ids)}, schema={"item_id": pl.String}).with_row_index("item")
    pairs = wanted.join(users, on="user_id").join(items, on="item_id").group_by("user").agg(pl.col("item").sort()).sort("user")
    pairs = pairs.filter(pl.col("user").is_in(np.flatnonzero(np.diff(met.indptr))))
    if pairs.height < FEWEST_SHOPPERS:
        return None
    pairs = pairs.sample(min(MOST_SHOPPERS, pairs.height), seed=seed, shuffle=True)
    relevant = tuple(np.asarray(row, dtype=np.int64) for row in pairs["item"].to_list())
    ones = met.copy()
    ones.data[:] = 1.0
    learned = als_item_factors(
        ones, factors=_WIDTH, iterations=_ITERATIONS, regularization=_REGULARIZATION, confidence=confidence_for(ones), seed=seed
    )
    both = folded(learned, learned, regularization=_REGULARIZATION)
    meetings = Interactions.of(known)
    factors = [np.ones(graph.n_items, dtype=np.float32) if season is None else meetings.season(season) for season in tried]
    lists: list[list[IntArray]] = [[] for _ in tried]
    # What nobody has met has no factors, and is never found.
    nums = np.flatnonzero(ones.getnnz(axis=0)).astype(np.int32)
    place_of = np.full(graph.n_items, -1, dtype=np.int64)
    place_of[nums] = np.arange(len(nums))
    target = both.target[nums]
    user_nums = pairs["user"].to_numpy().astype(np.int64)
    size = max(1, _BATCH_CELLS // max(len(nums), 1))
    for start in range(0, len(user_nums), size):
        rows = ones[user_nums[start : start + size]]
        scores: FloatArray = np.asarray((rows @ both.source) @ target.T, dtype=np.float32)
        for row, of_user in enumerate(scores):
            of_user[place_of[rows.indices[rows.indptr[row] : rows.indptr[row + 1]]]] = -np.inf
            near = largest(of_user, nums, _NEAR)
            for place, factor in enumerate(factors):
                best = largest(of_user[near] * factor[nums[near]], nums[near], _DEPTH)
                lists[place].append(nums[near[best]].astype(np.int64))
    counts = np.asarray([len(row) for row in relevant], dtype=np.int64)
    return np.stack([ndcg(hits_of(np.stack(ranked), relevant), counts, _DEPTH) for ranked in lists])
