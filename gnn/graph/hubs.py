"""Hubs: nodes with so many neighbours that their paths would number in the square of them, and that say little about any one.

A hub v, a node with more than `max_degree` neighbours, counts less than its degree power alone, min(1, max_degree / |N(v)|), and a walk that comes
through it goes on only to its first `fanout` neighbours: items by popularity, the most popular first; other nodes by how few neighbours they have
themselves; equal ones by the smaller number. This order depends on nothing that is learned. So the cost of a hub is linear in its degree, and every
score stays a sum over paths whose edges all exist. A walk may set out from any number of neighbours: the first item of a path is no node between.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

FloatArray = npt.NDArray[np.float32]


def hub_factor(degree: FloatArray, max_degree: int) -> FloatArray:
    """Return min(1, max_degree / degree), by which a node counts less for its degree.

    >>> hub_factor(np.array([10, 100, 400], dtype=np.float32), 100).tolist()
    [1.0, 1.0, 0.25]

    Shapes:
        [n] → [n].
    """
    return np.asarray(max_degree / np.maximum(degree, max_degree), dtype=np.float32)


def has_hubs(degree: npt.NDArray[np.generic], *, max_degree: int, fanout: int) -> bool:
    """Say whether `onward` would leave anything out where nodes have these degrees.

    >>> has_hubs(np.array([3, 120]), max_degree=100, fanout=50), has_hubs(np.array([3, 120]), max_degree=100, fanout=200)
    (True, False)
    """
    return len(degree) > 0 and int(degree.max()) > max(max_degree, fanout)


def onward(adjacency: sp.csr_matrix, *, max_degree: int, fanout: int, popularity: FloatArray | None) -> sp.csr_matrix:
    """Return where walks go on to: the adjacency with the rows of hubs cut down to their first neighbours.

    Args:
        adjacency: Ones, each row sorted by column.
        max_degree: Nodes with more neighbours are hubs.
        fanout: Neighbours that a hub leads on to.
        popularity: Shoppers per item where the columns are items; None where they are other nodes.

    Returns:
        The adjacency itself where nothing is left out.

    Shapes:
        [n, m] → [n, m].
    """
    degree = np.diff(adjacency.indptr)
    if not has_hubs(degree, max_degree=max_degree, fanout=fanout):
        return adjacency
    place = _places(adjacency, popularity)
    kept = np.ones(adjacency.nnz, dtype=bool)
    for hub in np.flatnonzero(degree > max(max_degree, fanout)).tolist():
        first, end = int(adjacency.indptr[hub]), int(adjacency.indptr[hub + 1])
        kept[first:end] = False
        kept[first + np.argpartition(place[adjacency.indices[first:end]], fanout)[:fanout]] = True
    indptr = np.concatenate([[0], np.cumsum(np.where(degree > max(max_degree, fanout), fanout, degree), dtype=np.int64)])
    return sp.csr_matrix((adjacency.data[kept], adjacency.indices[kept], indptr), shape=adjacency.shape)


def _places(adjacency: sp.csr_matrix, popularity: FloatArray | None) -> npt.NDArray[np.int64]:
    """Return the place of each column in the order in which hubs lead on, [m]."""
    key = -popularity if popularity is not None else np.bincount(adjacency.indices, minlength=adjacency.shape[1])
    places = np.empty(adjacency.shape[1], dtype=np.int64)
    places[np.argsort(key, kind="stable")] = np.arange(adjacency.shape[1])
    return places
