"""Cancellations net out: each takes back, of the same user's earlier purchases of the same item, the latest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

_TINY = 1e-9
_PAIR = ["user", "item"]


@dataclass
class Cancellations:
    """What the cancellations of a shop take back.

    Attributes:
        matched: Rows of cancellations that found something to take back.
        unmatched: Rows of those that found nothing.
        cancelled: Rows of purchases that were taken back whole.
        reduced: Row of a purchase taken back in part → the quantity that is left.
    """

    matched: list[int] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    reduced: dict[int, float] = field(default_factory=dict)


def net_out(events: pl.DataFrame) -> Cancellations:
    """Net cancellations out against purchases.

    Args:
        events: Purchases and cancellations: `row`, `user`, `item`, `time`, `quantity`, `cancels` (whether it is a cancellation).

    Returns:
        The rows that are affected. An event without a time counts as later than those before it in the file.
    """
    netted = Cancellations()
    pairs = events.filter("cancels").select(_PAIR).unique()
    affected = events.join(pairs, on=_PAIR, how="semi").sort(*_PAIR, "time", "cancels", "row", nulls_last=True)
    for group in _groups(affected):
        _net_group(group, netted)
    for rows in (netted.matched, netted.unmatched, netted.cancelled):
        rows.sort()
    return netted


Event = tuple[int, float, bool]
"""(row, quantity, whether it cancels)."""


def _groups(affected: pl.DataFrame) -> Iterator[list[Event]]:
    group: list[Event] = []
    last = None
    for user, item, row, quantity, cancels in affected.select(*_PAIR, "row", "quantity", "cancels").iter_rows():
        if (user, item) != last and group:
            yield group
            group = []
        last = (user, item)
        group.append((row, abs(quantity), cancels))
    if group:
        yield group


def _net_group(group: list[Event], netted: Cancellations) -> None:
    open_purchases: list[tuple[int, float]] = []
    for row, quantity, cancels in group:
        if not cancels:
            open_purchases.append((row, quantity))
            continue
        (netted.matched if open_purchases else netted.unmatched).append(row)
        left = quantity
        while left > _TINY and open_purchases:
            bought, amount = open_purchases.pop()
            if amount > left + _TINY:
                open_purchases.append((bought, amount - left))
                netted.reduced[bought] = amount - left
                break
            left -= amount
            netted.cancelled.append(bought)
            netted.reduced.pop(bought, None)
