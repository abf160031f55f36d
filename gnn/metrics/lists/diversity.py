"""diversity@k: how different the items of a list are.

Source: Ziegler et al. 2005, doi:10.1145/1060745.1060754.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from gnn.metrics.base import METRICS, IntArray, ListsMetric, RankedLists


def intra_list_diversity(ranked: IntArray, features: sp.csr_matrix, k: int, *, max_lists: int = 500, seed: int = 0) -> float:
    """Return the mean of 1 - Jaccard similarity over the pairs of items in each list: 0 for all alike, 1 for nothing in common.

    Args:
        ranked: Items by rank, -1 where a list is shorter, [U, K].
        features: Ones where an item has a value, [n_items, n_values].
        k: Cut-off.
        max_lists: Lists measured; a seeded sample of more.
        seed: Seed of the sample.

    Returns:
        NaN without values or without a list of two items.
    """
    if not features.nnz:
        return float("nan")
    chosen = np.random.default_rng(seed).permutation(len(ranked))[:max_lists]
    diversities = []
    for row in ranked[np.sort(chosen), :k]:
        items = row[row >= 0]
        if len(items) > 1:
            own = features[items]
            shared = np.asarray((own @ own.T).todense(), dtype=np.float64)
            sizes = shared.diagonal()
            either = sizes[:, None] + sizes[None, :] - shared
            similar = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
            diversities.append(1 - float(similar[np.triu_indices(len(items), 1)].mean()))
    return float(np.mean(diversities)) if diversities else float("nan")


class Diversity(ListsMetric):
    """mean of 1 - Jaccard similarity of the attributes of two items, over the pairs of each list: 0 all alike, 1 nothing in common"""

    name = "diversity"
    title = "diversity"
    order = 15
    needs = ("features",)

    def of_lists(self, lists: RankedLists, k: int) -> float:
        """Return it for all lists together."""
        return float("nan") if lists.features is None else intra_list_diversity(lists.ranked, lists.features, k, seed=lists.seed)


METRICS.register(Diversity())
