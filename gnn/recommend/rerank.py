"""Re-rankers: they change the order of the best items, never a score.

Diversity is maximal marginal relevance over graph neighbourhoods: each place goes to the item with the largest

    (1 - λ) · s(i) / s(best)  -  λ · max over the items above of cos(N(i), N(j))

where N(i) is the item's row of attribute values, rare values counting more (idf). Caps leave out an item whose value has been shown often enough.
Exploration draws the order: item i comes next with probability proportional to s(i)^(1/T) (Plackett–Luce, drawn by Gumbel keys), the same for
the same seed.

Source: Carbonell and Goldstein 1998, doi:10.1145/290941.291025 (MMR); Kool, van Hoof and Welling 2019, arXiv:1903.06059 (Gumbel top-k).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray
from gnn.recommend.query import RecQuery
from gnn.recommend.ranking import Reranker
from kg.errors import InputError
from kg.schema import EdgeType, family

IntArray = npt.NDArray[np.int64]
TEMPERATURE = 0.1
DEPTHS = (200, 2_000)
"""How many of the best re-rankers see: the first of these that holds the list, so that the pages of one list come from one order."""


class Neighbourhoods:
    """Attribute values of items, as vectors.

    Args:
        artifact: The build.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
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
        edges = self._artifact.edges[edge_type]
        rows = edges.forward[nums]
        shared = np.diff(edges.reverse.indptr)[rows.indices].astype(np.float64)
        weights = np.log1p(self._artifact.n_items / np.maximum(shared, 1.0))
        return sp.csr_matrix((weights, rows.indices, rows.indptr), shape=rows.shape)

    def values(self, relation: str, num: int) -> list[tuple[str, int]]:
        """Return the values of one relation of one item.

        Raises:
            InputError: The graph has no such relation.
        """
        found = []
        for edge_type in self.check(relation):
            forward = self._artifact.edges[edge_type].forward
            found += [(edge_type[2], int(value)) for value in forward.indices[forward.indptr[num] : forward.indptr[num + 1]]]
        return found

    def check(self, relation: str) -> list[EdgeType]:
        """Return the edge types of a relation of items.

        Raises:
            InputError: The graph has no such relation.
        """
        types = [edge_type for edge_type in self._artifact.edges if edge_type[0] == "item" and edge_type[1] == relation]
        if not types:
            known = sorted({edge_type[1] for edge_type in self._types})
            raise InputError(f"the graph has no relation {relation[:60]!r} of items", hint=f"caps are per {', '.join(known) or 'nothing here'}")
        return types


def rerankers(query: RecQuery, neighbourhoods: Neighbourhoods, *, limited: bool, placed: bool) -> tuple[list[Reranker], tuple[str, ...], int]:
    """Return what changes the order of a list, the names of it, and how many of the best it looks at.

    Args:
        query: What the caller asked for.
        neighbourhoods: Attribute values of items.
        limited: Whether caps of business rules follow.
        placed: Whether pins of business rules follow.
    """
    end = query.offset + query.k + 1
    found: list[tuple[str, Reranker]] = []
    if query.seed is not None:
        seed = query.seed
        found.append(("exploration", lambda order, scores: explored(order, scores, seed)))
    if query.diversity > 0:
        found.append(("diversity", lambda order, scores: diversified(order, scores, neighbourhoods.similarity(order), query.diversity, end)))
    if query.caps:
        found.append(("caps", lambda order, _: capped(order, neighbourhoods, dict(query.caps))))
    some = bool(found or limited or placed)
    depth = next((depth for depth in DEPTHS[1 if query.caps or limited else 0 :] if depth >= end), end) if some else 0
    return [rerank for _, rerank in found], tuple(name for name, _ in found), depth


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


def capped(order: IntArray, neighbourhoods: Neighbourhoods, caps: Mapping[str, int]) -> IntArray:
    """Leave out items that would show one value of a relation more often than its cap."""
    counts: Counter[tuple[str, str, int]] = Counter()
    kept = []
    for num in order.tolist():
        values = {relation: [(relation, *value) for value in neighbourhoods.values(relation, num)] for relation in caps}
        if all(counts[value] < caps[relation] for relation, found in values.items() for value in found):
            counts.update(value for found in values.values() for value in found)
            kept.append(num)
    return np.asarray(kept, dtype=np.int64)


def explored(order: IntArray, scores: FloatArray, seed: int) -> IntArray:
    """Draw an order in which better items tend to come first."""
    keys = np.random.default_rng(seed).gumbel(size=len(order))
    positive = scores > 0
    keys = np.where(positive, np.log(np.where(positive, scores, 1.0)) / TEMPERATURE + keys, -np.inf)
    return order[np.argsort(-keys, kind="stable")]
