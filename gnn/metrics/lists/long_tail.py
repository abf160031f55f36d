"""long_tail@k: how many of the recommendations are not the most popular items."""

from __future__ import annotations

import numpy as np

from gnn.metrics.base import METRICS, IntArray, ListsMetric, RankedLists
from gnn.types import BoolArray


def most_popular(popularity: IntArray, share: float = 0.8) -> BoolArray:
    """Mark the most popular items that together have `share` of the events."""
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    head = np.zeros(len(popularity), dtype=bool)
    head[order] = before < share * popularity.sum()
    return head


class LongTail(ListsMetric):
    """share of the recommendations outside the most popular items that make up 80 % of the events"""

    name = "long_tail"
    title = "long-tail share"
    order = 14

    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return it for all lists together."""
        shown = lists.shown(k)
        return float((~most_popular(lists.popularity)[shown]).mean()) if len(shown) else 0.0


METRICS.register(LongTail())
