"""What a shopper may want to buy again: what was bought, often and lately; each item's own purchases are the whole reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.history import Events, event_values
from gnn.scorer import HistoryWeights
from gnn.walks import FloatArray
from kg import schema

BOUGHT = schema.kind_relation("purchase")


@dataclass(frozen=True)
class BuyAgain:
    """Scores of a shopper's own purchases.

    Attributes:
        scores: The purchases' weight in the history, [n_items]; 0 for what was never bought.
        counts: item_num → how often it was bought.
    """

    scores: FloatArray
    counts: dict[int, int]

    @classmethod
    def of(cls, events: Events, weights: HistoryWeights, n_items: int) -> BuyAgain:
        """Weigh the purchases among a shopper's events."""
        bought: npt.NDArray[np.bool_] = events.of_relations([BOUGHT])
        values = event_values(events, weights)
        scores = np.bincount(events.items[bought], weights=values[bought], minlength=n_items).astype(np.float32)
        counts = dict(zip(events.items[bought].tolist(), events.counts[bought].astype(int).tolist(), strict=True))
        return cls(scores, counts)

    def sentence(self, num: int) -> str:
        """Say how often an item was bought."""
        count = self.counts[num]
        return f"You bought this {'once' if count == 1 else f'{count:,} times'}"
