"""An item as it is now, and small helpers over sorted keys and rows of ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.graph.walks import FloatArray, WalkWeights, attraction, power
from kg.schema import EdgeType

IntArray = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Facts = Mapping[EdgeType, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class LiveItem:
    """An item as it is now.

    Attributes:
        item_id: Which.
        title: What a person reads.
        facts: Attribute edge type → its values, each once; all that the item has, not only what changed.
        price_cents: NaN where unknown.
    """

    item_id: str
    title: str
    facts: Facts
    price_cents: float = float("nan")

    @property
    def reading(self) -> Hashable:
        """What it reads like depends on: equal readings, equal answers."""
        return self.item_id, self.title, tuple(sorted((edge_type, tuple(sorted(values))) for edge_type, values in self.facts.items()))


def row_of(matrix: sp.csr_matrix, row: int) -> IntArray:
    """Return the columns of a row of ones."""
    return np.asarray(matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]], dtype=np.int64)


def position(keys: Sequence[str], key: str) -> int:
    """Return the position of a key in sorted keys, or -1."""
    place = bisect_left(keys, key)
    return place if place < len(keys) and keys[place] == key else -1


def ends(walk: WalkWeights, degree: FloatArray, popularity: FloatArray, season: FloatArray) -> tuple[Values, Values]:
    """Return the factors of items with these degrees, this popularity and this season, as part of a history and as candidates.

    Shapes:
        [n], [n], [n] → [n], [n].
    """
    end = power(degree, walk.end_exponent) * attraction(popularity, walk.popularity_exponent) * season
    return power(degree, walk.start_exponent).astype(np.float64), end.astype(np.float64)
