"""Caps: an item is left out whose value of a relation has been shown often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from gnn.graph.walks import FloatArray
from gnn.recommend.rerankers.base import RERANKERS, IntArray, RerankContext, Reranker
from gnn.recommend.rerankers.neighbourhoods import Neighbourhoods


class Caps(Reranker):
    """Limits how many items of one value a list has."""

    name = "caps"
    summary = "leaves out what is beyond so many items of one value"
    parameter = "caps"
    deep = True
    order = 30

    def rerank(self, order: IntArray, scores: FloatArray, context: RerankContext) -> IntArray:
        """Leave out what is beyond the caps of the query."""
        return capped(order, context.neighbourhoods, dict(context.query.caps))


def capped(order: IntArray, neighbourhoods: Neighbourhoods, caps: Mapping[str, int]) -> IntArray:
    """Leave out items that would show one value of a relation more often than its cap."""
    counts: Counter[tuple[str, str, int]] = Counter()
    kept = []
    for num in order.tolist():
        values = {relation: [(relation, *value) for value in neighbourhoods.values(relation, num)] for relation in caps}
        if all(counts[value] < caps[relation] for relation, counted in values.items() for value in counted):
            counts.update(value for counted in values.values() for value in counted)
            kept.append(num)
    return np.asarray(kept, dtype=np.int64)


RERANKERS.register(Caps())
