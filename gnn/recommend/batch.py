"""Recommendations for everybody who has a history, by the build's own scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.graph.walks import FloatArray
from gnn.model.scorer import score
from gnn.recommend.candidates import exclusions
from gnn.recommend.query import RecQuery
from gnn.recommend.ranking import best
from gnn.recommend.snapshot import Snapshot

_BATCH_CELLS = 20_000_000


def recommend_all(snapshot: Snapshot, k: int = 10) -> pl.DataFrame:
    """Recommend to everybody who has a history.

    Args:
        snapshot: What answers depend on.
        k: How many items each.

    Returns:
        user_id, item_id, rank, score; one row per recommendation, users in order, best first.
    """
    artifact = snapshot.artifact
    parts = [pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float64})]
    for first, batch in _batches(snapshot):
        scores = score(batch, artifact.neighbours, artifact.model)
        users = [first + int(n) for n in np.flatnonzero(np.diff(batch.indptr))]
        parts += [_rows(snapshot, user, scores[user - first], k) for user in users]
    return pl.concat(parts)


def _batches(snapshot: Snapshot) -> Iterator[tuple[int, sp.csr_matrix]]:
    histories = snapshot.users.histories()
    size = max(1, _BATCH_CELLS // max(snapshot.artifact.n_items, 1))
    for first in range(0, histories.shape[0], size):
        yield first, histories[first : first + size]


def _rows(snapshot: Snapshot, user: int, scores: FloatArray, k: int) -> pl.DataFrame:
    artifact, popularity = snapshot.artifact, snapshot.scoring.popularity.scores
    user_id = artifact.user_ids[user]
    scores = np.array(scores)
    for exclusion in exclusions(snapshot, snapshot.users.user(user_id), RecQuery()):
        scores[exclusion.items] = -np.inf
    scores[snapshot.engine.duplicates.hidden(scores, popularity)] = -np.inf
    chosen = best(scores, popularity, k)
    return pl.DataFrame(
        {
            "user_id": [user_id] * len(chosen),
            "item_id": [artifact.item_ids[num] for num in chosen],
            "rank": np.arange(1, len(chosen) + 1, dtype=np.int64),
            "score": np.maximum(scores[chosen], 0.0).astype(np.float64),
        }
    )
