"""The build as it is with what changed since: the same artifact, with new items after the last and edited ones in their places.

Whatever reads items and their edges (filters, caps, popularity, titles) takes this one and need not know of changes. Scores and explanations do not:
they come from the build's own arrays and the overlay, whose weights hold the degrees of the build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact, Edges
from gnn.live.live_items import LiveArrays
from gnn.live.overlay import Overlay
from kg.schema import EdgeType, family


def current_artifact(overlay: Overlay) -> Artifact:
    """Return the build with what changed since; its `model` and `neighbours` stay those of the build, without new items."""
    base, arrays = overlay.artifact, overlay.arrays
    if not (arrays.items or overlay.unchanged or overlay.available or overlay.gone):
        return base
    titles, prices = _fields(overlay)
    n_new = arrays.n_items - arrays.n_base
    current = replace(
        base,
        item_ids=arrays.item_ids,
        titles=titles,
        node_keys=_node_keys(base, arrays),
        edges=_edges(arrays),
        popularity=arrays.popularity,
        price_cents=prices,
        available=_available(overlay),
        meetings=replace(base.meetings, first=np.concatenate([base.meetings.first, np.full(n_new, np.nan)])),
    )
    # Filled in here: to number a hundred thousand items again takes longer than all the rest.
    current.__dict__["item_nums"] = arrays.item_nums
    current.__dict__["user_nums"] = base.user_nums
    return current


class CurrentEdges(Mapping[EdgeType, Edges]):
    """The edges as they are now, each type worked out when it is first asked for.

    Args:
        arrays: What changed.
    """

    def __init__(self, arrays: LiveArrays) -> None:
        self._arrays = arrays
        self._facts: dict[EdgeType, list[tuple[int, str]]] = {}
        for num, item in zip(arrays.positions.tolist(), arrays.items, strict=True):
            for edge_type, values in item.facts.items():
                self._facts.setdefault(edge_type, []).extend((num, value) for value in values)
        self._types = sorted({*arrays.artifact.edges, *self._facts})
        self._known: dict[EdgeType, Edges] = {}

    def __getitem__(self, edge_type: EdgeType) -> Edges:
        if edge_type not in self._known:
            self._known[edge_type] = self._edges(edge_type)
        return self._known[edge_type]

    def __iter__(self) -> Iterator[EdgeType]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def _edges(self, edge_type: EdgeType) -> Edges:
        arrays, edges = self._arrays, self._arrays.artifact.edges.get(edge_type)
        if edges is None and edge_type not in self._facts:
            raise KeyError(edge_type)
        sizes = [arrays.n_items if end == "item" else self._n_nodes(end) for end in (edge_type[0], edge_type[2])]
        if family(edge_type) != "attribute" and edges is not None:
            return replace(edges, forward=widened(edges.forward, (sizes[0], sizes[1])), reverse=widened(edges.reverse, (sizes[1], sizes[0])))
        rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        if edges is not None:
            row = np.repeat(np.arange(edges.forward.shape[0]), np.diff(edges.forward.indptr))
            kept = ~arrays.is_live[row]
            rows, columns = [row[kept]], [edges.forward.indices[kept]]
        facts = self._facts.get(edge_type, [])
        rows.append(np.asarray([num for num, _ in facts], dtype=np.int64))
        columns.append(np.asarray([arrays.value_num(edge_type[2], value) for _, value in facts], dtype=np.int64))
        row, column = np.concatenate(rows), np.concatenate(columns)
        forward = sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, column)), shape=(sizes[0], sizes[1]))
        forward.sort_indices()
        return Edges(forward, forward.T.tocsr(), {})

    def _n_nodes(self, node_type: str) -> int:
        known = self._arrays.artifact.user_ids if node_type == "user" else self._arrays.artifact.node_keys.get(node_type, [])
        return len(known) + len(self._arrays.new_keys.get(node_type, ()))


def _edges(arrays: LiveArrays) -> Mapping[EdgeType, Edges]:
    """Return the edges as they are now, the same as long as the live items are."""
    if arrays.edges is None:
        arrays.edges = CurrentEdges(arrays) if arrays.items else arrays.artifact.edges
    return arrays.edges


def widened(matrix: sp.csr_matrix, shape: tuple[int, int]) -> sp.csr_matrix:
    """Return a matrix with empty rows and columns added; its entries are shared, not copied."""
    if matrix.shape == shape:
        return matrix
    grown = sp.csr_matrix(shape, dtype=matrix.dtype)
    grown.indptr = np.concatenate([matrix.indptr, np.full(shape[0] - matrix.shape[0], matrix.indptr[-1], dtype=matrix.indptr.dtype)])
    grown.indices, grown.data = matrix.indices, matrix.data
    grown.has_sorted_indices = grown.has_canonical_format = True
    return grown


def _fields(overlay: Overlay) -> tuple[list[str], np.ndarray]:
    """Return titles and prices by position."""
    arrays, base = overlay.arrays, overlay.artifact
    n_new = arrays.n_items - arrays.n_base
    titles, prices = [*base.titles, *[""] * n_new], np.concatenate([base.price_cents, np.full(n_new, np.nan)])
    changed = [
        *zip(arrays.positions.tolist(), arrays.items, strict=True),
        *((base.item_nums[name], item) for name, item in overlay.unchanged.items()),
    ]
    for num, item in changed:
        titles[num], prices[num] = item.title, item.price_cents
    return titles, prices


def _available(overlay: Overlay) -> np.ndarray:
    n_new = overlay.n_items - overlay.arrays.n_base
    available = np.concatenate([overlay.artifact.available, np.ones(n_new, dtype=bool)])
    for item_id, now in overlay.available.items():
        num = overlay.num(item_id)
        if num is not None:
            available[num] = now
    available[overlay.gone_nums] = False
    return available


def _node_keys(base: Artifact, arrays: LiveArrays) -> dict[str, list[str]]:
    return {**base.node_keys, **{name: [*base.node_keys.get(name, []), *keys] for name, keys in arrays.new_keys.items() if keys}}
