"""recall@k: how many of the test items are found."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


def recall(hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
    """Return the share of the test items that are among the first k, for each user."""
    return np.asarray(hits[:, :k].sum(axis=1) / n_relevant, dtype=np.float64)


class Recall(UserMetric):
    """hits / |T|"""

    name = "recall"
    title = "recall"
    columns = (10, 20)
    order = 1
    ranx = "recall"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        return recall(hits, n_relevant, k)


METRICS.register(Recall())
