"""A user's weighted history: what each event counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.config import KIND_WEIGHTS
from gnn.ratings import RatingWeights
from gnn.types import IntArray


@dataclass(frozen=True, slots=True)
class History:
    """A weighted history.

    Attributes:
        nums: item_nums, ascending.
        weights: c_uj, aligned.
        relations: How the shopper met each item ("purchased"), aligned; the first edge of every path.
        user_id: Whose it is; None for an ad-hoc history.
        ratings: What the shopper rated each, NaN where nothing; None where nothing is known of ratings.
    """

    nums: IntArray
    weights: npt.NDArray[np.float64]
    relations: Sequence[str]
    user_id: str | None = None
    ratings: npt.NDArray[np.float64] | None = None

    def rating(self, position: int) -> float:
        """Return what the shopper rated an item of it; NaN where nothing."""
        return float("nan") if self.ratings is None else float(self.ratings[position])

    def row(self, n_items: int) -> sp.csr_matrix:
        """Return it as a row of c.

        Shapes:
            [1, n_items], float32.
        """
        indptr = np.array([0, len(self.nums)])
        return sp.csr_matrix((self.weights.astype(np.float32), self.nums, indptr), shape=(1, n_items))


@dataclass(frozen=True, slots=True)
class HistoryWeights:
    """How much each item of a shopper's history counts.

        c_uj = f_uj · Σ_kind weight_kind · count^count_exponent · 2^(-age / half_life), the sum divided by the Euclidean norm of the history

    The norm changes no ranking; it makes the scores of short and long histories comparable. f, what the user's rating of the item says
    (`gnn.ratings`), is multiplied after it: an item that is all of a history counts more where it was rated 5 than where it was rated 3.

    Attributes:
        kind_weights: Kind → weight; a kind that is not listed counts `default_weight`.
        count_exponent: 0 ignores repeats, 1 counts each.
        half_life: Age at which an event counts half, in the unit of the shop's times (seconds, or order numbers); None never fades.
        default_weight: Weight of kinds that the shop defines itself.
        ratings: What the value of a rating says; None where ratings have none.
    """

    kind_weights: Mapping[str, float] = field(default_factory=lambda: dict(KIND_WEIGHTS))
    count_exponent: float = 0.5
    half_life: float | None = None
    default_weight: float = 0.5
    ratings: RatingWeights | None = None

    def weight(self, kind: str) -> float:
        """Return the weight of one kind."""
        return self.kind_weights.get(kind, self.default_weight)

    def of_events(
        self, kind_weights: float | npt.NDArray[np.float64], counts: npt.NDArray[np.generic], ages: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Return weight_kind · count^count_exponent · 2^(-age / half_life) of events: what each adds to c_uj, before the norm.

        Args:
            kind_weights: `weight` of the kind of all, or of each.
            counts: How often each was repeated.
            ages: Before the user's last event; NaN where unknown.
        """
        values = np.asarray(kind_weights * counts.astype(np.float64) ** self.count_exponent, dtype=np.float64)
        return values if self.half_life is None else values * fade(ages, self.half_life)


def fade(age: np.ndarray, half_life: float) -> np.ndarray:
    """Return 2^(-age / half_life); unknown ages count as 0.

    Args:
        age: In the unit of the shop's times.
        half_life: In the same unit.
    """
    known = np.nan_to_num(np.asarray(age, dtype=np.float64), nan=0.0)
    faded: np.ndarray = np.exp2(-np.maximum(known, 0.0) / half_life)
    return faded
