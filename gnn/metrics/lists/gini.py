"""gini@k: how concentrated the recommendations are.

Source: Fleder and Hosanagar 2009, doi:10.1287/mnsc.1080.0974.
"""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, ListsMetric, RankedLists


def gini(counts: IntArray) -> float:
    """Return the Gini index of how often each item is recommended: 0 all alike, towards 1 a few items only."""
    total = counts.sum()
    if total == 0 or len(counts) < 2:
        return 0.0
    ordered = np.sort(counts).astype(np.float64)
    n = len(ordered)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * total))


class Gini(ListsMetric):
    """Gini index of how often each item is recommended: 0 all alike, towards 1 a few items only"""

    name = "gini"
    title = "Gini"
    order = 13

    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return it for all lists together."""
        return gini(np.bincount(lists.shown(k), minlength=len(lists.popularity)))


METRICS.register(Gini())
