"""Dense blocks of accounts and columns, by peeling.

A column that very many accounts have in common counts little, 1 / log(5 + its accounts): buying what everybody buys hides nothing.

Source: Hooi et al. 2016, "FRAUDAR: Bounding graph fraud in the face of camouflage", 10.1145/2939672.2939747, algorithm 1.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Ints = npt.NDArray[np.int64]


def dense_block(matrix: sp.csr_matrix) -> tuple[Ints, Ints]:
    """Return the rows and the columns of the block with the most weight per row and column.

    Peels off whatever has the least weight left, one at a time, and keeps the best block on the way: at least half as dense as the densest there is.

    Shapes:
        matrix [n_rows, n_columns], not negative.
    """
    ones = sp.csr_matrix((matrix > 0).astype(np.float64))
    degrees = np.asarray(ones.sum(axis=0)).ravel()
    weighted = sp.csr_matrix(ones @ sp.diags(1 / np.log(5 + degrees)))
    n_rows = weighted.shape[0]
    columns = sp.csr_matrix(weighted.T)
    left = np.concatenate([np.asarray(weighted.sum(axis=1)).ravel(), np.asarray(columns.sum(axis=1)).ravel()])
    heap = [(weight, node) for node, weight in enumerate(left.tolist())]
    heapq.heapify(heap)
    total, gone, order = float(left[:n_rows].sum()), np.zeros(len(left), dtype=bool), []
    best, keep = total / max(len(left), 1), 0
    while heap:
        weight, node = heapq.heappop(heap)
        if gone[node] or weight != left[node]:
            continue
        gone[node] = True
        order.append(node)
        total -= weight
        side, other, offset = (weighted, node, n_rows) if node < n_rows else (columns, node - n_rows, 0)
        part = slice(side.indptr[other], side.indptr[other + 1])
        for neighbour, value in zip((side.indices[part] + offset).tolist(), side.data[part].tolist(), strict=True):
            if not gone[neighbour]:
                left[neighbour] -= value
                heapq.heappush(heap, (float(left[neighbour]), neighbour))
        remaining = len(left) - len(order)
        if remaining and total / remaining > best + 1e-12:
            best, keep = total / remaining, len(order)
    kept = np.ones(len(left), dtype=bool)
    kept[order[:keep]] = False
    return np.flatnonzero(kept[:n_rows]), np.flatnonzero(kept[n_rows:])
