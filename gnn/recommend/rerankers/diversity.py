"""Maximal marginal relevance over graph neighbourhoods: each place goes to the item with the largest

    (1 - λ) · s(i) / s(best)  -  λ · max over the items above of cos(N(i), N(j))

where N(i) is the item's row of attribute values, rare values counting more (idf).

Source: Carbonell and Goldstein 1998, doi:10.1145/290941.291025.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import FloatArray
from gnn.recommend.rerankers.base import RERANKERS, IntArray, RerankContext, Reranker


class Diversity(Reranker):
    """Spreads a list over the attributes."""

    name = "diversity"
    summary = "prefers items that share little with those above them (maximal marginal relevance)"
    parameter = "diversity"
    order = 20

    def rerank(self, order: IntArray, scores: FloatArray, context: RerankContext) -> IntArray:
        """Reorder by maximal marginal relevance."""
        return diversified(order, scores, context.neighbourhoods.similarity(order), context.query.diversity, context.end)


def diversified(order: IntArray, scores: FloatArray, similarity: npt.NDArray[np.float64], diversity: float, k: int) -> IntArray:
    """Reorder by maximal marginal relevance.

    Args:
        order: item_nums, best first.
        scores: Theirs.
        similarity: [n, n], in the same order.
        diversity: λ, 0 to 1.
        k: Places to fill; the rest keeps its order.
    """
    relevance = np.maximum(scores.astype(np.float64), 0.0)
    relevance /= max(float(relevance.max(initial=0.0)), 1e-12)
    closest, left, chosen = np.zeros(len(order)), np.ones(len(order), dtype=bool), []
    for _ in range(min(k, len(order))):
        gain = np.where(left, (1 - diversity) * relevance - diversity * closest, -np.inf)
        place = int(np.argmax(gain))
        chosen.append(place)
        left[place] = False
        closest = np.maximum(closest, similarity[place])
    places: IntArray = np.concatenate([np.asarray(chosen, dtype=np.int64), np.flatnonzero(left)])
    return np.asarray(order[places], dtype=np.int64)


RERANKERS.register(Diversity())
