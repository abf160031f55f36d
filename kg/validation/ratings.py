"""The scale of ratings: what a rating may be, as the shop says or as its ratings show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kg.errors import InputError

_FROM_NOTHING = ((0.0, 1.0), (1.0, 5.0), (0.0, 5.0), (1.0, 7.0), (1.0, 10.0), (0.0, 10.0), (0.0, 100.0))
FAMILIAR = (*_FROM_NOTHING, (-1.0, 1.0), (-5.0, 5.0), (-10.0, 10.0), (-100.0, 100.0))
"""Scales that shops use, tried in this order."""
_WIDEST = (-100.0, 100.0)
_STRAY_FRACTION = 0.01
_FAR = 10.0
"""A value further outside a scale than so many times its width is a mistake, not a sign of a wider scale."""


@dataclass(frozen=True, slots=True)
class RatingScale:
    """What a rating may be.

    Attributes:
        lowest: The least.
        highest: The most.
    """

    lowest: float
    highest: float

    @classmethod
    def learned(cls, values: npt.NDArray[np.float64]) -> RatingScale:
        """Learn it: the first familiar scale that holds all ratings but a few absurd ones; else from the lowest to the highest.

        >>> RatingScale.learned(np.array([3.0, 5.0, -1e6]))
        RatingScale(lowest=1.0, highest=5.0)

        Args:
            values: At least one, finite.
        """
        allowed = max(1, int(_STRAY_FRACTION * len(values))) if len(values) > 1 else 0
        for low, high in FAMILIAR:
            outside = values[(values < low) | (values > high)]
            beyond = np.maximum(low - outside, outside - high)
            if len(outside) <= allowed and bool((beyond > _FAR * (high - low)).all()):
                return cls(low, high)
        return cls(float(values.min()), float(values.max()))

    def __str__(self) -> str:
        """Return "1 to 5"."""
        return f"{self.lowest:g} to {self.highest:g}"


def checked_rating(value: float, scale: RatingScale | None) -> float:
    """Return a rating that a shop can use.

    Args:
        value: The rating.
        scale: What the shop knows of its ratings; where it has none yet, anything that some shop rates by.

    Raises:
        InputError: It is outside.
    """
    known = scale or RatingScale(*_WIDEST)
    if not known.lowest <= value <= known.highest:
        raise InputError(f"value {value:g} is outside the scale of ratings, {known}", hint="send it on that scale, or set [shop] rating_scale")
    return value
