"""Attribute values of items, as vectors: what re-rankers compare and count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from kg.errors import InputError
from kg.schema import EdgeType, family

IntArray = npt.NDArray[np.int64]


class Neighbourhoods:
    """Attribute values of items, as vectors.

    Args:
        artifact: The build, with what changed since.

    Attributes:
        artifact: The same.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self._types: list[EdgeType] = [edge_type for edge_type in artifact.edges if family(edge_type) == "attribute"]

    def similarity(self, nums: IntArray) -> npt.NDArray[np.float64]:
        """Compare items by what they share.

        Shapes:
            [n], → [n, n] cosine, 0 to 1; 0 for items without attributes.
        """
        blocks = [self._block(edge_type, nums) for edge_type in self._types]
        rows = sp.hstack(blocks, format="csr") if blocks else sp.csr_matrix((len(nums), 0))
        norm = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows = sp.diags(np.divide(1.0, norm, out=np.zeros_like(norm), where=norm > 0)) @ rows
        return np.asarray((rows @ rows.T).toarray(), dtype=np.float64)

    def _block(self, edge_type: EdgeType, nums: IntArray) -> sp.csr_matrix:
        edges = self.artifact.edges[edge_type]
        rows = edges.forward[nums]
        shared = np.diff(edges.reverse.indptr)[rows.indices].astype(np.float64)
        weights = np.log1p(self.artifact.n_items / np.maximum(shared, 1.0))
        return sp.csr_matrix((weights, rows.indices, rows.indptr), shape=rows.shape)

    def values(self, relation: str, num: int) -> list[tuple[str, int]]:
        """Return the values of one relation of one item.

        Raises:
            InputError: The graph has no such relation.
        """
        values = []
        for edge_type in self.check(relation):
            forward = self.artifact.edges[edge_type].forward
            values += [(edge_type[2], int(value)) for value in forward.indices[forward.indptr[num] : forward.indptr[num + 1]]]
        return values

    def check(self, relation: str) -> list[EdgeType]:
        """Return the edge types of a relation of items.

        Raises:
            InputError: The graph has no such relation.
        """
        types = [edge_type for edge_type in self.artifact.edges if edge_type[0] == "item" and edge_type[1] == relation]
        if not types:
            known = sorted({edge_type[1] for edge_type in self._types})
            raise InputError(f"the graph has no relation {relation[:60]!r} of items", hint=f"caps are per {', '.join(known) or 'nothing here'}")
        return types
