"""Accounts of a shop that act together: bursts of new accounts on one item, accounts in lockstep, and blocks too dense for chance.

Looks at who bought what when. A test must fail an account beyond chance: thresholds are p-values corrected for everything that was looked at, or
overlaps that honest shoppers do not reach, so that a heavy buyer is not flagged for buying much.

    weight of an account = 1 − suspicion          (0 where a person confirmed, 1 where one cleared)

The events of an account count in training while its weight is at least `COUNTED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from gnn.events.timing import CLOCK_FROM
from gnn.risk.blocks import dense_block

Ints = npt.NDArray[np.int64]
CHOSEN = ("purchase", "rating", "cart")
"""Kinds of events that push an item."""
WINDOW_FRACTION = 1 / 100
"""Length of a window where the shop has no clock, as a part of all time."""
WINDOW_S = 86_400.0
"""Length of a window where it has one."""
FEWEST = 5
"""Accounts that a group has at least."""
CHANCE = 1e-3
"""Chance that anything at all is flagged in a shop where accounts act alone."""
OVERLAP = 0.5
"""Part of the shorter account's (item, window) cells that two accounts in lockstep share."""
SHARED = 5
"""Cells that they share at least."""
COUNTED = 0.5
_NEW = 1_000
_MAX_CELL = 200
"""Cells of more accounts are too common to say anything."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Why accounts are suspected.

    Attributes:
        kind: "burst", "lockstep" or "block".
        sentence: For a person; names items, no accounts.
        users: The accounts.
        items: What they pushed or share, the most shared first.
        suspicion: 0–1.
        clears: What would clear it.
    """

    kind: str
    sentence: str
    users: tuple[str, ...]
    items: tuple[str, ...]
    suspicion: float
    clears: str


@dataclass(frozen=True)
class Report:
    """What was found in a shop's events.

    Attributes:
        signals: The strongest first.
        suspicion: Of each suspected account, the largest of its signals.
        events: Events of each suspected account.
        users: How many accounts were looked at.
    """

    signals: tuple[Signal, ...]
    suspicion: Mapping[str, float] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    users: int = 0


@dataclass(frozen=True)
class _Choices:
    """Events as numbers: one row per account, item and window."""

    user_ids: list[str]
    item_ids: list[str]
    users: Ints
    items: Ints
    windows: Ints


def examine(interactions: pl.DataFrame) -> Report:
    """Look for accounts that act together.

    Args:
        interactions: Events (`kg.tables.INTERACTION_COLUMNS`); those without a time are left out.
    """
    chosen = interactions.filter(pl.col("kind").is_in(CHOSEN))
    if not chosen.height:
        return Report(())
    events = _numbered(chosen)
    if not len(events.users):
        return Report((), users=chosen["user_id"].n_unique())
    signals = [*_bursts(events), *_lockstep(events)]
    suspicion: dict[str, float] = {}
    for signal in signals:
        for user in signal.users:
            suspicion[user] = max(suspicion.get(user, 0.0), signal.suspicion)
    counts = interactions.filter(pl.col("user_id").is_in(list(suspicion))).group_by("user_id").len()
    ordered = sorted(signals, key=lambda signal: (-signal.suspicion, -len(signal.users), signal.sentence))
    return Report(tuple(ordered), suspicion, dict(counts.sort("user_id").iter_rows()), len(events.user_ids))


def _numbered(chosen: pl.DataFrame) -> _Choices:
    timed = chosen.drop_nulls("time")
    times = timed["time"].to_numpy()
    low, high = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    width = WINDOW_S if high >= CLOCK_FROM else max((high - low) * WINDOW_FRACTION, 1e-9)
    cells = (
        timed.select("user_id", "item_id", window=((pl.col("time") - low) / width).floor().cast(pl.Int64))
        .unique()
        .sort("window", "user_id", "item_id")
    )
    user_ids, item_ids = cells["user_id"].unique().sort(), cells["item_id"].unique().sort()
    users, items = (
        cells[name].cast(pl.Enum(ids)).to_physical().to_numpy().astype(np.int64) for name, ids in (("user_id", user_ids), ("item_id", item_ids))
    )
    return _Choices(user_ids.to_list(), item_ids.to_list(), users, items, cells["window"].to_numpy())


def _bursts(events: _Choices) -> list[Signal]:
    """Find items that more new accounts chose within two windows than those who chose other things explain.

    An account is new in the window of its first event and the next one. Two successive windows are looked at together, so that no limit
    between them cuts a burst. What chance gives is the part of new accounts among the choices of others in the same windows; p is the binomial tail,
    corrected for all items and windows.
    """
    first = np.full(len(events.user_ids), np.iinfo(np.int64).max)
    np.minimum.at(first, events.users, events.windows)
    new = events.windows - first[events.users] <= 1
    span = int(events.windows.max()) + 2
    cells = np.concatenate([events.items * span + events.windows, events.items * span + events.windows + 1])
    keys, place = np.unique(cells, return_inverse=True)
    members = sp.csr_matrix((np.tile(np.where(new, _NEW, 1), 2), (place, np.tile(events.users, 2))), shape=(len(keys), len(events.user_ids)))
    fresh = np.bincount(place, weights=np.tile(new, 2), minlength=len(keys))
    ranked = []
    for at in np.flatnonzero(fresh >= FEWEST).tolist():
        part = slice(members.indptr[at], members.indptr[at + 1])
        chose, size = np.sort(members.indices[part][members.data[part] >= _NEW]), part.stop - part.start
        chance, usual = _chance(events, new, int(keys[at]) % span, chose, size)
        ranked.append((chance * len(keys), usual, at, chose, size))
    popular = np.bincount(events.items)
    signals, flagged = [], np.zeros(len(events.user_ids), dtype=bool)
    # The item that is chosen least at other times comes first: it is what a farm pushes, the others are what it buys beside.
    # Accounts that it explains count no more in others: to buy what a farm bought too is no sign.
    for chance, usual, at, chose, size in sorted(ranked, key=lambda cell: (-len(cell[3]) / popular[int(keys[cell[2]]) // span], cell[0], cell[2])):
        left = chose[~flagged[chose]]
        if len(left) >= FEWEST and chance < CHANCE:
            flagged[left] = True
            signals.append(_burst_signal(events, left, int(keys[at]) // span, size, usual, chance))
    return signals


def _chance(events: _Choices, new: npt.NDArray[np.bool_], window: int, chose: Ints, size: int) -> tuple[float, float]:
    """Return the chance of so many new accounts among those who chose an item, and the part of new accounts that it rests on."""
    usual = _usual(events, new, window, chose)
    return float(binom.sf(len(chose) - 1, size, usual)), usual


def _usual(events: _Choices, new: npt.NDArray[np.bool_], window: int, users: Ints) -> float:
    """Return the part of new accounts among the choices of a window and the one before, without these accounts'; one of each kind is added."""
    start, end = np.searchsorted(events.windows, [window - 1, window + 1])
    others = ~np.isin(events.users[start:end], users)
    return float((new[start:end][others].sum() + 1) / (others.sum() + 2))


def _burst_signal(events: _Choices, users: Ints, item: int, size: int, usual: float, chance: float) -> Signal:
    name = events.item_ids[item]
    sentence = (
        f"{len(users)} new accounts chose item {name} within two windows of time, among {size} accounts who did; "
        f"of the other accounts' choices at that time {usual:.0%} are by new accounts"
    )
    clears = "the accounts go on to choose different things at different times, or a campaign that brought them is named"
    return Signal("burst", sentence, _names(events, users), (name,), 1 - min(1.0, chance), clears)


def _names(events: _Choices, users: Ints) -> tuple[str, ...]:
    return tuple(events.user_ids[user] for user in users.tolist())


def _lockstep(events: _Choices) -> list[Signal]:
    """Find groups of accounts that chose the same items in the same windows, and in each the block that is densest."""
    n_windows = int(events.windows.max(initial=0)) + 1
    cells = np.unique(events.items * n_windows + events.windows, return_inverse=True)[1]
    matrix = sp.csr_matrix((np.ones(len(cells), dtype=np.int32), (events.users, cells)))
    common = np.asarray(matrix.sum(axis=0)).ravel()
    rare = matrix[:, (common >= 2) & (common <= _MAX_CELL)]
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    shared = sp.coo_matrix(sp.triu(rare @ rare.T, k=1))
    close = (shared.data >= SHARED) & (shared.data >= OVERLAP * np.minimum(totals[shared.row], totals[shared.col]))
    n = len(totals)
    graph = sp.csr_matrix((np.ones(int(close.sum())), (shared.row[close], shared.col[close])), shape=(n, n))
    groups = connected_components(graph, directed=False)[1]
    signals = []
    for group in np.flatnonzero(np.bincount(groups) >= FEWEST).tolist():
        members = np.flatnonzero(groups == group)
        inside, columns = dense_block(rare[members])
        if len(inside) >= FEWEST:
            signals.append(_lockstep_signal(events, members[inside], rare[members][inside][:, columns]))
    return signals


def _lockstep_signal(events: _Choices, users: Ints, block: sp.csr_matrix) -> Signal:
    per_user = np.asarray(block.sum(axis=1)).ravel()
    mine = np.isin(events.users, users)
    counted = np.bincount(events.items[mine], minlength=len(events.item_ids))
    items = tuple(events.item_ids[item] for item in np.argsort(-counted / np.bincount(events.items), kind="stable")[:10].tolist() if counted[item])
    middle = float(np.median(per_user))
    sentence = f"{len(users)} accounts chose the same items in the same windows: {middle:.0f} of the choices of the middle one are shared"
    clears = "the accounts belong to one household or company that is named, or stop acting together"
    part = float(per_user.sum()) / max(int(mine.sum()), 1)
    return Signal("lockstep", sentence, _names(events, users), items, 0.5 + 0.5 * min(1.0, part), clears)


def event_weights(suspicion: Mapping[str, float], decisions: Mapping[str, str]) -> dict[str, float]:
    """Return what the events of accounts count; accounts that are not named count 1.

    Args:
        suspicion: Of suspected accounts.
        decisions: What persons said of accounts: "confirm" counts 0, "clear" counts 1, "watch" leaves what was found.

    >>> event_weights({"a": 0.9, "b": 0.9}, {"b": "clear", "c": "confirm"})
    {'a': 0.1, 'c': 0.0}
    """
    weights = {user: round(1 - value, 6) for user, value in suspicion.items()}
    weights |= {user: 0.0 if decision == "confirm" else 1.0 for user, decision in decisions.items() if decision in ("confirm", "clear")}
    return {user: weight for user, weight in sorted(weights.items()) if weight < 1}


def counted(interactions: pl.DataFrame, weights: Mapping[str, float]) -> pl.DataFrame:
    """Leave out the events of accounts whose weight is below `COUNTED`.

    Args:
        interactions: Events.
        weights: See `event_weights`.
    """
    return interactions.filter(~pl.col("user_id").is_in([user for user, weight in weights.items() if weight < COUNTED]))
