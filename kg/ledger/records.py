"""What crosses from the ledger to whoever reckons with it: a shopper's acknowledged events and edited interests."""

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
        price_cents: What was paid, for all pieces together.
    """

    seq: int
    user_id: str
    item_id: str | None
    kind: str
    time: float
    quantity: float = 1.0
    value: float | None = None
    price_cents: int | None = None


@dataclass(frozen=True, slots=True)
class InterestEdit:
    """One interest as its user wants it.

    Attributes:
        user_id: Whose.
        relation: "has_category", "has_brand", …
        value: The value, as its node in the graph is called.
        weight: Factor on everything that this interest contributes: 0 hides it, 1 is as if it had never been edited.
        revision: Number of the edit.
    """

    user_id: str
    relation: str
    value: str
    weight: float
    revision: int = 0
