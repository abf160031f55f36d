"""hit@k: whether anything is found."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, UserMetric
from gnn.types import BoolArray, Values


class Hit(UserMetric):
    """1 if hits > 0, else 0"""

    name = "hit"
    title = "hit"
    order = 3
    ranx = "hit_rate"

    def per_user(self, hits: BoolArray, n_relevant: IntArray, k: int) -> Values:
        """Return it for each user."""
        return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


METRICS.register(Hit())
