"""What crosses from the ledger to whoever reckons with it: a shopper's acknowledged events and edited interests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as the ledger stores it.

    Attributes:
        seq: Place in the ledger, from 1; a later event has a higher one. 0 where it has not been appended yet.
        user_id: Who.
        item_id: What it is about; None for a search.
        kind: "view", "cart", "purchase", "rating", …, or a kind that the shop defines.
        time: Unix seconds.
        quantity: How many, of purchases.
        value: The rating, of ratings; None elsewhere.
        price_cents: What was paid, for all pieces together, where the shop says so.
        event_id: What makes it one event, however often it is sent; empty where only its effect was read from the ledger.
        properties: Whatever else the shop wants to keep with it; no score depends on these.
        received_s: When it was acknowledged, Unix seconds.
    """

    seq: int
    user_id: str
    item_id: str | None
    kind: str
    time: float
    quantity: float = 1.0
    value: float | None = None
    price_cents: int | None = None
    event_id: str = ""
    properties: Mapping[str, Any] | None = None
    received_s: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON holds: the members that were sent, with `seq` and `received_s`."""
        return {name: getattr(self, name) for name in _AS_SENT}


_AS_SENT = ("seq", "event_id", "user_id", "item_id", "kind", "time", "quantity", "value", "price_cents", "properties", "received_s")


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
