"""A shopper's events and the weights they get: the only place where kind, count and recency become c_uj."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gnn.addends import History
from gnn.scorer import HistoryWeights, fade
from kg.schema import kind_of


@dataclass(frozen=True, slots=True)
class Event:
    """How a shopper met an item in one way.

    Attributes:
        item: item_num.
        relation: "purchased", "viewed", …
        count: How often.
        last_time: When last, Unix seconds or an order number; NaN where unknown.
    """

    item: int
    relation: str
    count: float
    last_time: float


def weighted(events: Iterable[Event], weights: HistoryWeights, user_id: str | None) -> History:
    """Join the kinds of each item to one weight; the heaviest kind names the edge to the shopper."""
    events = list(events)
    time = np.asarray([event.last_time for event in events], dtype=np.float64)
    last = np.full(len(time), np.nanmax(time) if np.isfinite(time).any() else np.nan)
    totals: dict[int, float] = {}
    heaviest: dict[int, tuple[float, str]] = {}
    for n, event in enumerate(events):
        part = slice(n, n + 1)
        value = float(event_weights(event.relation, np.asarray([event.count]), time[part], last[part], weights)[0])
        if value:
            totals[event.item] = totals.get(event.item, 0.0) + value
            heaviest[event.item] = max(heaviest.get(event.item, (0.0, event.relation)), (value, event.relation))
    ordered = sorted(totals)
    values = np.asarray([totals[num] for num in ordered])
    norm = float(np.sqrt((values**2).sum()))
    return History(np.asarray(ordered, dtype=np.int64), values / norm if norm else values, [heaviest[num][1] for num in ordered], user_id)


def event_weights(relation: str, count: np.ndarray, time: np.ndarray, last: np.ndarray, weights: HistoryWeights) -> np.ndarray:
    """Return the weight of each event before the history is brought to length 1."""
    values = weights.weight(kind_of(relation)) * np.asarray(count, dtype=np.float64) ** weights.count_exponent
    if weights.half_life is not None:
        values = values * fade(np.where(np.isfinite(last), last, np.nan) - time, weights.half_life)
    return values
