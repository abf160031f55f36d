"""map@k: precision at the rank of each hit. ranx divides by |T| where we divide by min(k, |T|)."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


class MeanAveragePrecision(UserMetric):
    """Σ_{hit at rank r} precision@r  /  min(k, |T|)"""

    name = "map"
    title = "MAP"
    columns = ()
    order = 7

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        top = hits[:, :k].astype(np.float64)
        running = np.cumsum(top, axis=1) / np.arange(1, top.shape[1] + 1)
        return np.asarray((top * running).sum(axis=1) / np.minimum(n_relevant, k), dtype=np.float64)


METRICS.register(MeanAveragePrecision())
