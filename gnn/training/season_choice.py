"""Which season factor a shop has, if any: chosen over several windows of its past, each with what was known before it.

The factor multiplies whatever ranks, so a plain factorisation stands for the whole model here: what helps it in one window and in the next is the
season, and not the chance of the window that tunes the gates.
"""

from __future__ import annotations

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
WINDOWS = 2
FEWEST_SHOPPERS = 50
"""A window with fewer shoppers decides nothing."""
MOST_SHOPPERS = 500
_WIDTH, _ITERATIONS = 32, 6
_LEAST_GAIN = 0.01
_DEPTH = 10


def choose_season(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig) -> Season | None:
    """Return the factor that ranks best over the windows, None where none helps in each of them or the events have no times.

    Args:
        graph: The graph.
        interactions: The events to learn from.
        config: `season`, `validation_fraction` and `seed` are read.
    """
    if not config.season or timing_of(interactions["time"]) != "clock":
        return None
    tried = [None, *(Season(*pair) for pair in product(HALF_LIVES_DAYS, EXPONENTS))]
    reached, known = [], interactions
    for _ in range(WINDOWS):
        split = split_interactions(known, method="time", test_fraction=config.validation_fraction, seed=config.seed)
        if split.method != "time":
            break
        found = _window(graph, split.train, split.new_items(), tried, config.seed)
        if found is not None:
            reached.append(found)
        known = split.train
    if len(reached) < WINDOWS:
        return None
    gains = np.asarray(reached) / np.maximum(np.asarray(reached)[:, :1], 1e-9) - 1.0
    # Over all windows by so much, and in none of them a loss.
    gains[:, gains.min(axis=0) < 0] = 0.0
    mean = gains.mean(axis=0)
    best = int(np.argmax(mean))
    return tried[best] if mean[best] >= _LEAST_GAIN else None


def _window(graph: GraphArrays, train: pl.DataFrame, wanted: pl.DataFrame, tried: list[Season | None], seed: int) -> Values | None:
    """Return the ndcg@10 of each factor on what shoppers met for the first time in one window; None with too few of them."""
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
    learned = als_item_factors(ones, factors=_WIDTH, iterations=_ITERATIONS, regularization=50.0, confidence=confidence_for(ones), seed=seed)
    both = folded(learned, learned, regularization=50.0)
    meetings = Interactions.of(known)
    factors = [np.ones(graph.n_items, dtype=np.float32) if season is None else meetings.season(season) for season in tried]
    lists: list[list[IntArray]] = [[] for _ in tried]
    nums = np.arange(graph.n_items, dtype=np.int32)
    for user in pairs["user"].to_list():
        row = ones[user]
        scores: FloatArray = np.asarray(both.target @ both.source[row.indices].sum(axis=0), dtype=np.float32)
        for place, factor in enumerate(factors):
            now = scores * factor
            now[row.indices] = -np.inf
            lists[place].append(largest(now, nums, _DEPTH).astype(np.int64))
    counts = np.asarray([len(row) for row in relevant], dtype=np.int64)
    found = [ndcg(hits_of(np.stack(ranked), relevant), counts, _DEPTH).mean() for ranked in lists]
    return np.asarray(found, dtype=np.float64)
