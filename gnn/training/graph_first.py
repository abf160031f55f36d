"""Paths before embeddings at an equal ranking: how small the gate of the learned embeddings may be, and how much of the scores then runs over paths.

What of the learned parts runs over paths through shoppers who met both counts as such (`gnn.model.copurchases`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.graph.walks import FloatArray
from gnn.model.closed import GraphFirstPoint
from gnn.model.copurchases import CoPurchases
from gnn.model.history import History
from gnn.model.learned_paths import LearnedPaths
from gnn.training.candidates import Gates, Pool, strongest

FACTORS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1, 0.0)
SAMPLE = 150
"""Whose scores say how much runs over paths."""
_CANDIDATES, _LISTED = 60, 10


@dataclass(frozen=True)
class SharePool:
    """The strongest candidates of some shoppers.

    Attributes:
        features: What each part gives to each of them, as in `Pool`, [S, T, M].
        on_paths: What of that runs over paths, [S, T, M].
    """

    features: npt.NDArray[np.floating]
    on_paths: npt.NDArray[np.floating]

    def graph_share(self, gates: Gates) -> float:
        """Return the mean share that runs over paths, of the scores of the first ten."""
        scores, paths = self.features @ gates, self.on_paths @ gates
        listed = strongest(scores, _LISTED)
        scores, paths = np.take_along_axis(scores, listed, axis=1), np.take_along_axis(paths, listed, axis=1)
        good = scores > 0
        return float((paths[good] / scores[good]).mean()) if good.any() else 1.0


def share_pool(
    pool: Pool,
    gates: Gates,
    history: sp.csr_matrix,
    sources: FloatArray,
    targets: FloatArray,
    item_weights: sp.csr_matrix | None,
    begins: sp.csr_matrix,
    copurchases: CoPurchases,
    factor: FloatArray,
) -> SharePool:
    """Work out what of the first shoppers' strongest candidates runs over paths.

    Args:
        pool: Candidates; its last two parts are the item–item weights and the embeddings.
        gates: Which candidates are strong.
        history: c of the shoppers of the pool, [U, n_items].
        sources: a_j, [n_items, d].
        targets: b_i without the factor, [n_items, d].
        item_weights: B, where there are any.
        begins: The shoppers of each item, [n_items, n_users].
        copurchases: What the split is worked out from.
        factor: What the pool's features were multiplied with, [n_items].
    """
    some = pool.users(slice(0, SAMPLE))
    best = strongest(some.scores(gates), _CANDIDATES)
    items = np.take_along_axis(some.items, best, axis=1)
    there = np.isfinite(np.take_along_axis(some.offset, best, axis=1))
    # A row that is shorter than the pool is filled with candidates of no account.
    features = np.where(there[:, :, None], np.take_along_axis(some.features, best[:, :, None], axis=1), 0.0)
    on_paths = features.copy()
    # One split for each of the two parts, with its gate as the pool's scale has it.
    splits = [LearnedPaths(copurchases, begins, begins, targets, item_weights, pair) for pair in ((0.0, 1.0), (1.0, 0.0))]
    for row in range(len(items)):
        start, end = history.indptr[row : row + 2]
        known = History(history.indices[start:end].astype(np.int64), history.data[start:end].astype(np.float64), ())
        nums = items[row][there[row]]
        embedded = sources[known.nums].astype(np.float64)
        for part, split in zip((-2, -1), splits, strict=True):
            paths = split.split(known, embedded, known, nums).values.sum(axis=1)
            on_paths[row, there[row], part] = paths * factor[nums] / pool.scales[part]
    return SharePool(features, on_paths)


def choose_point(
    judged: Callable[[Gates], float], share: Callable[[Gates], float], gates: Gates, loss: float
) -> tuple[float, tuple[GraphFirstPoint, ...]]:
    """Choose what the gate of the embeddings, the last one, is multiplied with: the largest share on paths that costs no more than was allowed.

    Args:
        judged: The ndcg, on shoppers who did not tune, of their gates times these factors.
        share: The share on paths of gates.
        gates: The tuned gates.
        loss: Share of the best ndcg that may be given up.

    Returns:
        The factor, and every one that was tried, the largest first.
    """
    points = []
    for tried in FACTORS:
        factors = np.ones(len(gates))
        factors[-1] = tried
        points.append(GraphFirstPoint(tried, share(gates * factors), judged(factors)))
    least = (1 - loss) * max(point.ndcg for point in points)
    chosen = max((point for point in points if point.ndcg >= least), key=lambda point: (point.graph_share, point.factor))
    return chosen.factor, tuple(replace(point, chosen=point is chosen) for point in points)
