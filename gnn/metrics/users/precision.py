"""precision@k: how many of the first k are test items."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


def precision(hits: BoolArray, k: int) -> Values:
    """Return the share of the first k that are test items, for each user."""
    return np.asarray(hits[:, :k].sum(axis=1) / k, dtype=np.float64)


class Precision(UserMetric):
    """hits / k"""

    name = "precision"
    title = "precision"
    order = 4
    ranx = "precision"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        return precision(hits, k)


METRICS.register(Precision())
