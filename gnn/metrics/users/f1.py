"""f1@k: the harmonic mean of precision and recall."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.metrics.users.precision import precision
from gnn.metrics.users.recall import recall
from gnn.types import BoolArray, Values


class F1(UserMetric):
    """2 · precision · recall / (precision + recall)"""

    name = "f1"
    title = "F1"
    order = 5
    ranx = "f1"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        recalled, precise = recall(hits, n_relevant, k), precision(hits, k)
        both = precise + recalled
        return np.divide(2 * precise * recalled, both, out=np.zeros_like(both), where=both > 0)


METRICS.register(F1())
