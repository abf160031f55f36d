"""The records of the ledger: events, changes of items, edited interests. They are the same whether they came by file or over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kg.validation.events import Event

Fields = Mapping[str, Any]
Operation = Literal["put", "patch", "upsert", "delete", "delete_events"]


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


def stored_event(event: Event, now: float, event_id: str) -> StoredEvent:
    """Return a checked event as the ledger stores it.

    Args:
        event: As it came by REST or by file.
        now: Its time where it names none, Unix seconds.
        event_id: What makes it one event; empty where nothing names it.
    """
    return StoredEvent(
        0,
        event.user_id,
        event.item_id,
        event.kind,
        now if event.time is None else event.time,
        event.quantity,
        event.value,
        event.price_cents,
        event_id,
        event.properties,
    )


_AS_SENT = ("seq", "event_id", "user_id", "item_id", "kind", "time", "quantity", "value", "price_cents", "properties", "received_s")


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A change that was acknowledged.

    Attributes:
        seq: Its place in the ledger, from 1.
        item_id: Which item.
        operation: put: these are its fields now, the others are unknown; patch: only these change, null forgets one; upsert: a patch that adds the
            item where there is none; delete: its events and edges go with it; delete_events: every event of it that matches goes.
        fields: Those given. Of delete_events: `user_id`, and `kind`, `time` where they are given; `events_seq` is the last event it is about.
        received_s: When it was acknowledged, Unix seconds.
    """

    seq: int
    item_id: str
    operation: Operation
    fields: Fields = field(default_factory=dict)
    received_s: float = 0.0


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
