"""Exploration: the order is drawn. Item i comes next with probability proportional to s(i)^(1/T) (Plackett–Luce, drawn by Gumbel keys).

Source: Kool, van Hoof and Welling 2019, arXiv:1903.06059 (Gumbel top-k).
"""

from __future__ import annotations

import numpy as np

from gnn.graph.walks import FloatArray, largest
from gnn.recommend.rerankers.base import RERANKERS, IntArray, RerankContext, Reranker

TEMPERATURE = 0.1


class Exploration(Reranker):
    """Draws the order."""

    name = "exploration"
    summary = "draws the order, better items tend to come first; the same for the same seed"
    parameter = "seed"
    order = 10

    def rerank(self, order: IntArray, scores: FloatArray, context: RerankContext) -> IntArray:
        """Draw the order by the seed of the query."""
        return explored(order, scores, context.query.seed or 0)


def explored(order: IntArray, scores: FloatArray, seed: int) -> IntArray:
    """Draw an order in which better items tend to come first."""
    keys = np.random.default_rng(seed).gumbel(size=len(order))
    positive = scores > 0
    keys = np.where(positive, np.log(np.where(positive, scores, 1.0)) / TEMPERATURE + keys, -np.inf)
    return order[largest(keys, None, len(keys))]


RERANKERS.register(Exploration())
