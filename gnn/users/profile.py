"""What is known of a shopper, for the shopper and those who ask on the shopper's behalf: interests with the events behind them, and habits.

    weight of a value v = Σ_{history items j with v} c_uj / Σ_j c_uj

the part of the weighted history that v covers, edited interests left aside; a history item with two categories counts for both. Pure: everything is
worked out from the build and the events since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.events.activity import NOTHING, UserActivity
from gnn.events.timing import CLOCK_FROM
from gnn.users.events import Events, weighted
from gnn.users.users import User
from kg.catalog.records import StoredEvent
from kg.schema import family

CATEGORY, BRAND = "has_category", "has_brand"
_DAY_S, _QUARTER_S = 86_400.0, 900.0
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""


@dataclass(frozen=True, slots=True)
class InterestEvidence:
    """A history item behind an interest.

    Attributes:
        item_id: Which item.
        title: Its title.
        share: Its part of the interest's weight.
        events: (relation, how often, when last or NaN) of everything done with it.
    """

    item_id: str
    title: str
    share: float
    events: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Interest:
    """A value that the history leans to.

    Attributes:
        relation: "has_category", "has_brand", …
        value: The value.
        weight: Part of the weighted history that it covers, 0 to 1.
        edited: The factor that the shopper set; None where it was left alone.
        n_items: Items of the history that have it.
        evidence: The strongest of them.
    """

    relation: str
    value: str
    weight: float
    edited: float | None
    n_items: int
    evidence: tuple[InterestEvidence, ...]


@dataclass(frozen=True, slots=True)
class Habits:
    """When and how often, and what was paid.

    Attributes:
        events: How many events are known.
        purchases: How many of them are purchases.
        first_time: When the first was, Unix seconds; None where the shop has no clock or nothing is known.
        last_time: When the last was.
        active_days: On how many different days of the shop's time zone; None without a clock.
        days_between: Mean number of days from one active day to the next; None below two.
        hours: Events by hour of the day, by the shop's clocks; None without a clock.
        weekdays: The same by weekday, Monday first.
        spent_cents: Sum of what is known to have been paid; None where nothing is.
        priced_purchases: Purchases whose price is known.
        price_band: Quarter, half and three quarters of the prices paid, cents.
    """

    events: int
    purchases: int
    first_time: float | None
    last_time: float | None
    active_days: int | None
    days_between: float | None
    hours: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None
    spent_cents: int | None
    priced_purchases: int
    price_band: tuple[int, int, int] | None


def interests(artifact: Artifact, shopper: User, relation: str, *, n: int = 10, n_evidence: int = 5) -> tuple[Interest, ...]:
    """Return the values of a relation that a shopper's history leans to, the strongest first; edited ones are always among them.

    Args:
        artifact: The build.
        shopper: Who.
        relation: "has_category", "has_brand", …
        n: How many.
        n_evidence: How many history items are named for each.
    """
    history = weighted(shopper.events, artifact.model.history, None)
    shares = history.weights / history.weights.sum() if len(history.nums) else history.weights
    edited = {edit.value: edit.weight for edit, _ in shopper.edits.values if edit.relation == relation}
    parts: dict[str, dict[int, float]] = {value: {} for value in edited}
    for edge_type, edges in artifact.edges.items():
        if edge_type[1] != relation or family(edge_type) != "attribute":
            continue
        rows = edges.forward[history.nums].tocoo()
        for place, num in zip(rows.row.tolist(), rows.col.tolist(), strict=True):
            parts.setdefault(artifact.node_keys[edge_type[2]][num], {})[place] = float(shares[place])
    ranked = sorted(parts, key=lambda value: (-sum(parts[value].values()), value))
    listed = [value for rank, value in enumerate(ranked) if rank < n or value in edited]
    met = {num: _met(shopper.events, num) for value in listed for num in (int(history.nums[position]) for position in parts[value])}
    return tuple(_interest(artifact, relation, value, parts[value], edited.get(value), history.nums, met, n_evidence) for value in listed)


def habits(artifact: Artifact, user_id: str, fresh: Sequence[StoredEvent] = (), zone: tzinfo = UTC) -> Habits:
    """Return the habits of a user.

    Args:
        artifact: The build.
        user_id: Who.
        fresh: What happened since the build.
        zone: Time zone of the hours and days.
    """
    user = artifact.user_nums.get(user_id)
    known = NOTHING if user is None or artifact.activity is None else artifact.activity.of_user(user)
    # Of a shopper whose earlier events have no dates, the days and hours of the last ones alone would be shown as those of all.
    dated = artifact.timing == "clock" or not len(known.times)
    return habits_of(known.joined(fresh), zone, dated=dated)


def habits_of(activity: UserActivity, zone: tzinfo = UTC, *, dated: bool = True) -> Habits:
    """Return the habits that events show.

    Args:
        activity: The events.
        zone: Time zone of the hours and days.
        dated: Whether days and hours may be shown at all.
    """
    clock = np.sort(activity.times[activity.times >= CLOCK_FROM]) if dated else np.zeros(0)
    local = clock + _offsets(clock, zone)
    days = np.unique(np.floor(local / _DAY_S))
    paid = activity.paid_cents[activity.purchases & np.isfinite(activity.paid_cents)]
    band = [round(float(value)) for value in np.quantile(paid, (0.25, 0.5, 0.75))] if len(paid) else None
    return Habits(
        events=len(activity.times),
        purchases=int(activity.purchases.sum()),
        first_time=float(clock[0]) if len(clock) else None,
        last_time=float(clock[-1]) if len(clock) else None,
        active_days=len(days) if len(clock) or not len(activity.times) else None,
        days_between=float((days[-1] - days[0]) / (len(days) - 1)) if len(days) > 1 else None,
        hours=_counted(np.floor(local / 3600) % 24, 24) if len(clock) else None,
        weekdays=_counted((np.floor(local / _DAY_S) + _EPOCH_WEEKDAY) % 7, 7) if len(clock) else None,
        spent_cents=round(float(paid.sum())) if len(paid) else None,
        priced_purchases=len(paid),
        price_band=None if band is None else (band[0], band[1], band[2]),
    )


def _offsets(times: npt.NDArray[np.float64], zone: tzinfo) -> npt.NDArray[np.float64]:
    """Return how far local time is ahead of UTC at each of some times, in seconds; clocks change at quarters of an hour alone."""
    quarters, inverse = np.unique(np.floor(times / _QUARTER_S), return_inverse=True)
    offsets = [datetime.fromtimestamp(quarter * _QUARTER_S, zone).utcoffset() or timedelta() for quarter in quarters.tolist()]
    return np.asarray([offset.total_seconds() for offset in offsets], dtype=np.float64)[inverse]


def _interest(
    artifact: Artifact,
    relation: str,
    value: str,
    parts: dict[int, float],
    edited: float | None,
    nums: npt.NDArray[np.int64],
    met: dict[int, tuple[tuple[str, float, float], ...]],
    n_evidence: int,
) -> Interest:
    total = sum(parts.values())
    strongest = sorted(parts, key=lambda place: (-parts[place], place))[:n_evidence]
    evidence = tuple(
        InterestEvidence(artifact.item_ids[num], artifact.titles[num], parts[place] / total if total else 0.0, met[num])
        for place in strongest
        for num in (int(nums[place]),)
    )
    return Interest(relation, value, min(total, 1.0), edited, len(parts), evidence)


def _met(events: Events, num: int) -> tuple[tuple[str, float, float], ...]:
    rows = np.flatnonzero(events.items == num)
    return tuple((events.relations[int(events.kinds[row])], float(events.counts[row]), float(events.times[row])) for row in rows)


def _counted(places: npt.NDArray[np.float64], n: int) -> tuple[int, ...]:
    return tuple(np.bincount(places.astype(np.int64), minlength=n).tolist())
