"""One event of a shopper, as it was acknowledged: what crosses from the ledger to whoever reckons with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreshEvent:
    """An acknowledged event.

    Attributes:
        seq: Place in the ledger, from 1; a later event has a higher one.
        user_id: Who.
        item_id: What it is about; None for a search.
        kind: "view", "cart", "purchase", "rating", …, or a kind that the shop defines.
        time: Unix seconds.
        quantity: How many, of purchases.
        value: The rating, of ratings; None elsewhere.
    """

    seq: int
    user_id: str
    item_id: str | None
    kind: str
    time: float
    quantity: float = 1.0
    value: float | None = None
