"""coverage@k: how much of the catalogue is recommended at all."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, ListsMetric, RankedLists


class Coverage(ListsMetric):
    """share of all items that somebody is recommended"""

    name = "coverage"
    title = "coverage"
    order = 11

    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return it for all lists together."""
        return float((np.bincount(lists.shown(k), minlength=len(lists.popularity)) > 0).mean())


METRICS.register(Coverage())
