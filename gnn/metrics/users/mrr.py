"""mrr@k: how far up the first hit stands."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


class MeanReciprocalRank(UserMetric):
    """1 / rank of the first hit, 0 without one"""

    name = "mrr"
    title = "MRR"
    columns = ()
    order = 6
    ranx = "mrr"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        top = hits[:, :k]
        first = np.where(top.any(axis=1), top.argmax(axis=1) + 1.0, np.inf)
        return np.asarray(1.0 / first, dtype=np.float64)


METRICS.register(MeanReciprocalRank())
