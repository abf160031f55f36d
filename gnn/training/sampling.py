"""A few items have most of the events: what training may do about it, in the open. The defaults do nothing.

proposal         which items are drawn as negatives; the likelihood corrects for it, so it changes the noise, not the aim
target_weights   how much a tuning user counts; this changes the aim: rare items found are worth more
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gnn.config import NegativeSampling, TargetWeights
from gnn.metrics import IntArray
from gnn.types import Values

STRATA = 10
POPULARITY_POWER = 0.75
RARITY_POWER = 0.5


def proposal(popularity: Values, method: NegativeSampling) -> Values | None:
    """Return the probability of each item in a draw of negatives, or None for a uniform draw.

    Args:
        popularity: Users who met each item, [n_items].
        method: popularity: ∝ (1 + p)^0.75; inverse_popularity: ∝ (1 + p)^-0.5; stratified: ten groups of equal size by popularity that are drawn
            alike often.

    Shapes:
        → [n_items], sum 1.

    Source: the power 3/4 is that of word2vec (Mikolov et al. 2013, arXiv:1310.4546).
    """
    if method == "uniform":
        return None
    if method == "stratified":
        ranks = np.empty(len(popularity), dtype=np.int64)
        ranks[np.argsort(popularity, kind="stable")] = np.arange(len(popularity))
        strata = ranks * min(STRATA, len(popularity)) // len(popularity)
        weights = 1.0 / np.bincount(strata)[strata]
    else:
        weights = (1.0 + popularity) ** (POPULARITY_POWER if method == "popularity" else -RARITY_POWER)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def target_weights(popularity: Values, withheld: Sequence[IntArray], method: TargetWeights) -> Values | None:
    """Return how much each tuning user counts, or None for all alike.

    Args:
        popularity: Users who met each item, [n_items].
        withheld: What each user should find.
        method: inverse_popularity: mean of (1 + p)^-0.5 over these.

    Shapes:
        → [U].
    """
    if method == "even":
        return None
    return np.asarray([float(((1.0 + popularity[items]) ** -RARITY_POWER).mean()) for items in withheld])
