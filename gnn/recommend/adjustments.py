"""What keeps items out of a list, and what changes their scores before they are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.explain.messages.message import Text

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Items that must not be shown.

    Attributes:
        why: For a person ("already in the history").
        items: Their item_nums, or for each item whether it is excluded, [n_items] bool.
    """

    why: Text
    items: npt.NDArray[np.int64] | npt.NDArray[np.bool_]

    def holds(self, num: int) -> bool:
        """Say whether an item is excluded."""
        return bool(self.items[num]) if self.items.dtype == np.bool_ else bool((self.items == num).any())

    def __len__(self) -> int:
        """Return how many items it excludes."""
        return int(np.count_nonzero(self.items)) if self.items.dtype == np.bool_ else len(self.items)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is added to the scores of some items before they are ranked; each becomes a reason of its kind.

    Attributes:
        kind: Kind of the reason ("impressions", "rule").
        items: item_nums, each at most once.
        factors: What the score of each is multiplied with, above 0.
        messages: For a person, one per item.
    """

    kind: str
    items: IntArray
    factors: npt.NDArray[np.float64]
    messages: Sequence[Text]


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """One adjustment of one item: what it adds to the score."""

    kind: str
    delta: float
    message: Text
