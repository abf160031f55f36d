"""novelty@k: how surprising what is recommended is.

Source: Vargas and Castells 2011, doi:10.1145/2043932.2043955.
"""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, ListsMetric, RankedLists


class Novelty(ListsMetric):
    """mean of -log2(share of the events that the item has), in bits; items without events count as if they had one"""

    name = "novelty"
    title = "novelty"
    order = 12

    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return it for all lists together."""
        shown, popularity = lists.shown(k), lists.popularity
        surprise = -np.log2(np.maximum(popularity, 1) / max(int(popularity.sum()), 1))
        return float(surprise[shown].mean()) if len(shown) else 0.0


METRICS.register(Novelty())
