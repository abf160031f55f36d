"""What the value of a rating says: the scale of a shop, and how much an item counts by what its user gave it.

    f_uj = max(0, min(1 + (r_uj - m_u) / h, (r_uj - l) / h)) ,   m_u = (Σ_j r_uj + λ m) / (n_u + λ)

r_uj is the last rating that user u gave item j, m the mean of the shop, l its lowest rating, h half of the range, and m_u the user's own mean, drawn
towards that of the shop as long as there are few. f multiplies all that the item counts in the history, whatever its events; without a value it is 1.
The lowest rating counts nothing and the middle 1 at most, whoever gave it.

A rating above the middle of the shop's range is a high one. Walks through shoppers who rated two items, popularity and what trends know high ratings
and ratings without a value; a low one is still part of its user's history, as far as f goes, and its item is not recommended to them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from kg.schema import RATED, RATED_LOW, EdgeType, family
from kg.validation.ratings import RatingScale

Values = npt.NDArray[np.float64]
SHRINKAGE = 5.0
"""λ: a user with as many ratings is judged half by their own mean and half by the shop's."""
_MOST = 2.0


@dataclass(frozen=True, slots=True)
class RatingWeights:
    """The ratings of a shop, as weights need them.

    Attributes:
        mean: Of all ratings.
        lowest: The lowest there is.
        highest: The highest there is.
        scale: Lowest and highest value that a rating may have.
    """

    mean: float
    lowest: float
    highest: float
    scale: tuple[float, float]

    @classmethod
    def of(cls, edges: Mapping[EdgeType, pl.DataFrame], scale: RatingScale | None = None) -> RatingWeights | None:
        """Learn them from the interactions of a graph; None where no rating has a value.

        Args:
            edges: Edge type → its table.
            scale: The shop's own; learned from the ratings by default.
        """
        columns = [frame["rating"] for frame in edges.values() if "rating" in frame.columns]
        values = pl.concat(columns).drop_nulls().to_numpy() if columns else np.zeros(0)
        values = values[np.isfinite(values)]
        if not len(values):
            return None
        known = scale or RatingScale.learned(values)
        values = values[(values >= known.lowest) & (values <= known.highest)]
        if not len(values):
            return None
        return cls(float(values.mean()), float(values.min()), float(values.max()), (known.lowest, known.highest))

    @property
    def middle(self) -> float:
        """What a high rating lies above."""
        return (self.lowest + self.highest) / 2

    def is_high(self, rating: float) -> bool:
        """Say whether a rating lies above the middle; where all ratings are equal, every one does."""
        return rating > self.middle or self.lowest == self.highest

    def factors(self, ratings: Values, users: npt.NDArray[np.int64] | None = None) -> Values:
        """Return f of ratings.

        Args:
            ratings: One per user and item; NaN where there is none.
            users: Whose each is; of one user by default.

        Shapes:
            [n] → [n].
        """
        known = np.isfinite(ratings)
        if not known.any() or self.lowest == self.highest:
            return np.ones(len(ratings))
        owners = np.zeros(len(ratings), dtype=np.int64) if users is None else users
        given = np.where(known, np.clip(np.nan_to_num(ratings), *self.scale), 0.0)
        sums, counts = np.bincount(owners, weights=given), np.bincount(owners, weights=known)
        centres = (sums + SHRINKAGE * self.mean) / (counts + SHRINKAGE)
        half = (self.highest - self.lowest) / 2
        against_own = 1 + (given - centres[owners]) / half
        return np.where(known, np.clip(np.minimum(against_own, (given - self.lowest) / half), 0.0, _MOST), 1.0)

    @property
    def best(self) -> float | None:
        """What a rating is said to be out of ("5 of 5"): the end of a scale that begins at 0 or 1, where the shop's ratings reach it."""
        low, high = self.scale
        return high if low in (0, 1) and high > 1 and self.highest == high else None


def low_ratings(events: pl.DataFrame) -> pl.Series:
    """Say of each event whether it is a low rating.

    Args:
        events: Events (`kg.tables.INTERACTION_COLUMNS`).
    """
    rating = events["kind"] == "rating"
    known = RatingWeights.of({("user", RATED, "item"): events.filter(rating)})
    return rating & events["rating"].is_not_null() & _is_low(events["rating"], known)


def _is_low(ratings: pl.Series, known: RatingWeights | None) -> pl.Series:
    if known is None or known.lowest == known.highest:
        return pl.repeat(False, len(ratings), dtype=pl.Boolean, eager=True)
    return (ratings <= known.middle).fill_null(False)


def without_low(edges: Mapping[EdgeType, pl.DataFrame]) -> dict[EdgeType, pl.DataFrame]:
    """Return the edges of a graph with low ratings as edges of a type of their own, which no walk takes and nothing counts as chosen.

    Args:
        edges: Edge type → its table, with a `rating` where ratings have values.
    """
    separated = dict(edges)
    known = RatingWeights.of(edges)
    for edge_type, frame in edges.items():
        if known is None or edge_type[1] != RATED or family(edge_type) != "interaction" or "rating" not in frame.columns:
            continue
        low = _is_low(frame["rating"], known)
        if low.any():
            separated[edge_type] = frame.filter(~low)
            separated[(edge_type[0], RATED_LOW, edge_type[2])] = frame.filter(low)
    return dict(sorted(separated.items()))
