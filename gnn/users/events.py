"""A user's events and the weighted history that they make.

What the build knows of a shopper and what the ledger has taken in since are joined to one table of events, and weighted as one: an answer right
after an event is the answer of a build that had seen the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.model.history import History, HistoryWeights
from gnn.users.interests import NO_EDITS, Edits
from kg import schema
from kg.catalog.records import StoredEvent
from kg.schema import kind_of

IntArray = npt.NDArray[np.int64]
SHOWN = schema.kind_relation("impression")
DISLIKED = schema.kind_relation("dislike")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `Events`: how a shopper met an item in one way.

    Attributes:
        item: item_num.
        relation: "purchased", "viewed", …
        count: How often.
        last_time: When last, Unix seconds or an order number; NaN where unknown.
        rating: The last rating given; NaN where there is none.
    """

    item: int
    relation: str
    count: float
    last_time: float
    rating: float = float("nan")


@dataclass(frozen=True, slots=True)
class Events:
    """All events of a shopper, one row per item and relation.

    Attributes:
        relations: Names, sorted.
        items: item_num of each row.
        kinds: Position of its relation in `relations`.
        counts: How often.
        times: When last; NaN where unknown.
        ratings: The last rating given; NaN where there is none.
    """

    relations: tuple[str, ...]
    items: IntArray
    kinds: IntArray
    counts: npt.NDArray[np.float64]
    times: npt.NDArray[np.float64]
    ratings: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Events:
        """Make a table of rows, in their order."""
        rows = list(rows)
        relations = tuple(sorted({row.relation for row in rows}))
        kinds = {name: kind for kind, name in enumerate(relations)}
        return cls(
            relations,
            np.asarray([row.item for row in rows], dtype=np.int64),
            np.asarray([kinds[row.relation] for row in rows], dtype=np.int64),
            np.asarray([row.count for row in rows], dtype=np.float64),
            np.asarray([row.last_time for row in rows], dtype=np.float64),
            np.asarray([row.rating for row in rows], dtype=np.float64),
        )

    def rows(self) -> list[Row]:
        """Return the rows one by one."""
        columns = (self.items.tolist(), self.kinds.tolist(), self.counts.tolist(), self.times.tolist(), self.ratings.tolist())
        return [Row(item, self.relations[kind], *rest) for item, kind, *rest in zip(*columns, strict=True)]

    def chosen(self, rows: npt.NDArray[np.bool_]) -> Events:
        """Return only some rows."""
        return Events(self.relations, self.items[rows], self.kinds[rows], self.counts[rows], self.times[rows], self.ratings[rows])

    def of_relations(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Say for each row whether it is of one of these relations."""
        return np.isin(self.kinds, [kind for kind, name in enumerate(self.relations) if name in set(names)])

    def met(self) -> IntArray:
        """Return the item_nums the shopper has met in any way but having been shown them."""
        return np.unique(self.items[~self.of_relations([SHOWN])])

    def joined(self, other: Events) -> Events:
        """Return both, equal items and relations as one row: counts are added up, the later time and the later rating stay."""
        if not len(other.items):
            return self
        relations = tuple(sorted({*self.relations, *other.relations}))
        kinds = np.concatenate([_renumbered(self, relations), _renumbered(other, relations)])
        items = np.concatenate([self.items, other.items])
        keys, inverse = np.unique(items * len(relations) + kinds, return_inverse=True)
        times = np.full(len(keys), np.nan)
        np.fmax.at(times, inverse, np.concatenate([self.times, other.times]))
        counts = np.bincount(inverse, weights=np.concatenate([self.counts, other.counts]), minlength=len(keys)).astype(np.float64)
        every_time, every_rating = np.concatenate([self.times, other.times]), np.concatenate([self.ratings, other.ratings])
        ratings = _last_ratings(inverse, every_time, every_rating, len(keys))
        return Events(relations, keys // len(relations), keys % len(relations), counts, times, ratings)

    def item_ratings(self) -> tuple[IntArray, npt.NDArray[np.float64]]:
        """Return every item, ascending, and its last rating; NaN where it has none."""
        nums, inverse = np.unique(self.items, return_inverse=True)
        return nums, _last_ratings(inverse, self.times, self.ratings, len(nums))


NO_EVENTS = Events.of(())


def fresh_events(fresh: Sequence[StoredEvent], item_nums: Mapping[str, int]) -> Events:
    """Return the events that the ledger has taken in since the build; searches and items that the build does not know are left out.

    Args:
        fresh: In any order.
        item_nums: Item id → item_num.
    """
    rows = [
        Row(
            item_nums[event.item_id],
            schema.kind_relation(event.kind),
            1.0,
            event.time,
            np.nan if event.kind != "rating" or event.value is None else event.value,
        )
        for event in fresh
        if event.item_id is not None and event.item_id in item_nums
    ]
    return NO_EVENTS.joined(Events.of(rows)) if rows else NO_EVENTS


def weighted(events: Events, weights: HistoryWeights, user_id: str | None, edits: Edits = NO_EDITS) -> History:
    """Join the kinds of each item to one weight; the heaviest kind names the edge to the shopper.

    Args:
        events: Of one shopper.
        weights: How they count.
        user_id: Who; None for an ad-hoc history.
        edits: The shopper's edited interests.
    """
    values = event_values(events, weights) * edits.of_items(events.items)
    chosen = events.chosen(values != 0)
    items, kinds, values = chosen.items, chosen.kinds, values[values != 0]
    nums, inverse = np.unique(items, return_inverse=True)
    totals = np.bincount(inverse, weights=values, minlength=len(nums)).astype(np.float64)
    order = np.lexsort((kinds, values, inverse))
    # The last of each item's rows, the heaviest kind; of equal ones the last by name.
    last = np.searchsorted(inverse[order], np.arange(len(nums)), side="right") - 1
    heaviest = kinds[order][last]
    norm = float(np.sqrt((totals**2).sum()))
    rated, ratings = events.item_ratings()
    factors = np.ones(len(rated)) if weights.ratings is None else weights.ratings.factors(ratings)
    here = np.searchsorted(rated, nums)
    ratings, factors = ratings[here], factors[here]
    totals = totals / (norm or 1.0) * factors
    relations = [events.relations[kind] for kind in heaviest.tolist()]
    counted = np.flatnonzero(factors)
    return History(nums[counted].astype(np.int64), totals[counted], [relations[n] for n in counted.tolist()], user_id, ratings[counted])


def event_values(events: Events, weights: HistoryWeights) -> npt.NDArray[np.float64]:
    """Return the weight of each row before the history is brought to length 1; age counts from the shopper's last event."""
    if not len(events.items):
        return np.zeros(0)
    by_kind = np.asarray([weights.weight(kind_of(name)) for name in events.relations], dtype=np.float64)
    last = np.nanmax(events.times) if np.isfinite(events.times).any() else np.nan
    return weights.of_events(by_kind[events.kinds], events.counts, last - events.times)


def _last_ratings(inverse: IntArray, times: npt.NDArray[np.float64], ratings: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Return the latest rating of each position; of equal times the higher one, as a build takes it."""
    last = np.full(n, np.nan)
    rated = np.flatnonzero(np.isfinite(ratings))
    if len(rated):
        order = rated[np.lexsort((ratings[rated], np.nan_to_num(times[rated], nan=-np.inf)))]
        # Of repeated positions the last assignment stays.
        last[inverse[order]] = ratings[order]
    return last


def _renumbered(events: Events, relations: tuple[str, ...]) -> IntArray:
    return np.searchsorted(np.asarray(relations), np.asarray(events.relations, dtype=str))[events.kinds] if len(events.items) else events.kinds
