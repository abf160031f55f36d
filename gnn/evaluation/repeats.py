"""What is bought again, measured: a table of its own, for a list of new items and a list of known ones are different promises."""

from __future__ import annotations

import numpy as np
import polars as pl

from gnn.artifact.artifact import Artifact
from gnn.config import EvaluateConfig
from gnn.evaluation.evaluate import ModelResult, measured, test_users
from gnn.events.repeats import FEWEST_SHOPPERS, Purchases, RepeatModel, fit_repeats, ranked
from gnn.metrics import IntArray
from gnn.model.scorer import Values


def repeat_results(artifact: Artifact, train: pl.DataFrame, pairs: pl.DataFrame, config: EvaluateConfig) -> list[ModelResult]:
    """Rank each test user's own purchases, and measure which of them were bought again in the test part.

    Args:
        artifact: The build fitted on the training part.
        train: Its events.
        pairs: What was bought again (`Split.repeats`).
        config: Cut-offs and bootstrap.

    Returns:
        Buy-again as served, then frequency and recency alone; nothing where too few users buy anything again.
    """
    test = test_users(artifact, pairs, config)
    if len(test.users) < FEWEST_SHOPPERS:
        return []
    purchases = Purchases.of(train, artifact.user_ids, artifact.item_ids)
    model, rates, own, depth = (
        fit_repeats(train, artifact.user_ids, artifact.item_ids),
        purchases.rates(),
        purchases.chosen(test.users),
        max(config.cutoffs),
    )
    lists = {
        "buy again": own.scores(model, rates),
        "frequency alone": own.scores(RepeatModel(None, 0.0), rates),
        "recency alone": _latest(own),
    }
    return [measured(name, _table(ranked(*scores, depth), test.users, depth), test, config) for name, scores in lists.items()]


def _latest(purchases: Purchases) -> tuple[IntArray, IntArray, Values]:
    pairs, places = np.unique(purchases.users * purchases.n_items + purchases.items, return_inverse=True)
    last = np.full(len(pairs), -np.inf)
    np.maximum.at(last, places, np.nan_to_num(purchases.times, nan=-np.inf))
    return pairs // purchases.n_items, pairs % purchases.n_items, last


def _table(lists: dict[int, IntArray], users: IntArray, depth: int) -> IntArray:
    """Return the lists one below the other, [U, depth]; -1 where a list is shorter."""
    table = np.full((len(users), depth), -1, dtype=np.int64)
    for row, user in enumerate(users.tolist()):
        items = lists.get(user, np.zeros(0, dtype=np.int64))
        table[row, : len(items)] = items
    return table
