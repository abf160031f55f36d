"""ndcg@k: hits count less the lower they stand. The one home of its discounts.

Source: Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418.
"""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


def discounts(k: int) -> Values:
    """Return what a hit counts at each rank: 1/log2(r+1), [k]."""
    return np.asarray(1.0 / np.log2(np.arange(2, k + 2)), dtype=np.float64)


def ideal_gain(n_relevant: IntArray, k: int) -> Values:
    """Return what the best possible list reaches, for each user; 0 where nothing is to be found."""
    return np.asarray(np.concatenate([[0.0], np.cumsum(discounts(k))])[np.minimum(n_relevant, k)], dtype=np.float64)


def ndcg(hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
    """Return ndcg@k of each user."""
    top = hits[:, :k].astype(np.float64)
    ranks = np.arange(1, top.shape[1] + 1)
    return np.asarray((top / np.log2(ranks + 1)).sum(axis=1) / ideal_gain(n_relevant, k), dtype=np.float64)


class Ndcg(UserMetric):
    """Σ_{hit at rank r} 1/log2(r+1)  /  Σ_{r ≤ min(k, |T|)} 1/log2(r+1)"""

    name = "ndcg"
    title = "ndcg"
    columns = (10, 20)
    order = 2
    ranx = "ndcg"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        return ndcg(hits, n_relevant, k)


METRICS.register(Ndcg())
