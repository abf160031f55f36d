"""What is known of a transaction before it is judged: its own amount and the behaviour of its entities in strictly earlier rows.

Counts, gaps, amounts against the entity's own history, velocities, novelty of pairs. Nothing is a rate of labels; those are in
`gnn.risk.label_features`. Sums are of whole numbers (cents, and logarithms in steps of 1/10,000), so that they are the same to the last bit
however a file is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gnn.risk.past import Floats, Ints, Past, codes

WINDOWS = (20, 200, 2_000, 8_000)
"""Windows of time that velocities are counted in, in mean distances between two transactions."""
KEYS = ("S", "T", "L", "Y", "ST", "SL", "SY", "TL", "TY", "LY", "SA", "TA", "STA", "TLY", "TB", "SB")
"""Entities and combinations: S source, T target, L location, Y type, A exact amount, B size of amount."""
_ENTITIES = {"S": "source", "T": "target", "L": "location", "Y": "type"}
_MIX = ("ST", "SL", "SY", "TL", "TY", "SA", "SB", "TB")
_LOG = 10_000
_MISSING = np.nan
"""Stands for "never"; each split of the trees has learned where such rows go."""


@dataclass(frozen=True)
class Stream:
    """Transactions in the order of time, with numbers for names.

    Attributes:
        time: In mean distances between two transactions of the training part.
        before: How many rows are strictly earlier.
        cents: Amounts.
        logs: log(1 + amount) in steps of 1/10,000.
        base: Code per entity letter.
    """

    time: Floats
    before: Ints
    cents: Ints
    logs: Ints
    base: Mapping[str, Ints]

    @classmethod
    def of(cls, rows: pl.DataFrame, spacing: float) -> Stream:
        """Take over checked transactions in the order of time.

        Args:
            rows: See `gnn.risk.transactions`.
            spacing: Mean distance between two transactions.
        """
        time, cents = rows["time"].to_numpy() / spacing, rows["amount_cents"].to_numpy()
        logs = np.round(np.log1p(cents / 100) * _LOG).astype(np.int64)
        base = {letter: rows[name].rank("dense").to_numpy().astype(np.int64) for letter, name in _ENTITIES.items()}
        base |= {"A": np.unique(cents, return_inverse=True)[1].astype(np.int64), "B": logs * 3 // (2 * _LOG)}
        return cls(time, np.searchsorted(time, time, side="left"), cents, logs, base)

    def key(self, letters: str) -> Ints:
        """Number a combination of entities."""
        return codes(*(self.base[letter] for letter in letters))

    def known_before(self, delay: float) -> Ints:
        """Return how many rows are earlier than each row by more than a delay; 0 counts the strictly earlier ones."""
        return np.searchsorted(self.time, self.time - delay, side="left")

    def low(self, window: float) -> Ints:
        """Return the position of the first row that is within a window before each row."""
        return np.searchsorted(self.time, self.time - window, side="left")


def spacing_of(rows: pl.DataFrame) -> float:
    """Return the mean distance in time between two transactions; 1 where all are at one time."""
    time = rows["time"]
    span = float(time.max() or 0) - float(time.min() or 0)  # type: ignore[arg-type]  # a column of numbers
    return span / max(rows.height - 1, 1) or 1.0


def behaviour(stream: Stream) -> dict[str, npt.NDArray[np.float32]]:
    """Compute the behaviour features of all rows.

    Returns:
        Name → [n]. A name begins with the key that it is about: "ST.gap".
    """
    features: dict[str, npt.NDArray[np.float32]] = {}
    pasts = {key: Past(stream.key(key), stream.before) for key in KEYS}
    lows = {window: stream.low(window) for window in WINDOWS}
    _put(features, "amount", stream.logs / _LOG)
    _put(features, "S.run", _run(stream))
    _put(features, "amount.cents", stream.cents % 100)
    for place, step in (("round", 100), ("round10", 1000)):
        _put(features, f"amount.{place}", stream.cents % step == 0)
    for key, past in pasts.items():
        _paces(features, key, past, stream, lows)
        if not set(key) & {"A", "B"}:
            _amounts(features, key, past, stream, lows)
    _repeats(features, pasts, stream)
    _mixes(features, pasts, stream, lows)
    return features


def log_gap(time: Floats, at: Ints) -> Floats:
    """Return log(1 + time since) the row that each row looks back to; 0 where it looks back to none."""
    return np.asarray(np.log1p(np.where(at >= 0, time - time[at], 0.0)))


def _put(features: dict[str, npt.NDArray[np.float32]], name: str, values: npt.ArrayLike, known: npt.NDArray[np.bool_] | None = None) -> None:
    column = np.asarray(values, dtype=np.float64)
    features[name] = (column if known is None else np.where(known, column, _MISSING)).astype(np.float32)


def _run(stream: Stream) -> Ints:
    """Return how many of the last rows before each are of its source without another in between; rows of equal time count as one."""
    source, n = stream.base["S"], len(stream.time)
    last = stream.before - 1
    breaks = np.concatenate([[True], source[1:] != source[:-1]])
    opened = np.maximum.accumulate(np.where(breaks, np.arange(n), 0))
    same = (last >= 0) & (source[last] == source)
    return np.where(same, last - opened[last] + 1, 0)


def _ratio(top: npt.ArrayLike, bottom: Ints) -> Floats:
    return np.asarray(top, dtype=np.float64) / np.maximum(bottom, 1)


def _paces(features: dict[str, npt.NDArray[np.float32]], key: str, past: Past, stream: Stream, lows: Mapping[int, Ints]) -> None:
    """Add how often and how lately a key was seen."""
    for k, name in ((1, "gap"), (3, "gap3"), (10, "gap10")):
        at = past.latest(k)
        _put(features, f"{key}.{name}", log_gap(stream.time, at), at >= 0)
    if "S" in key:
        first = past.earliest()
        age = np.where(first >= 0, stream.time - stream.time[first], 0.0)
        _put(features, f"{key}.count", past.count)
        _put(features, f"{key}.age", np.log1p(age), first >= 0)
        _put(features, f"{key}.pace", np.log1p(_ratio(age, past.count)), first >= 0)
    for window, low in lows.items():
        _put(features, f"{key}.n{window}", past.end - past.since(low))


def _amounts(features: dict[str, npt.NDArray[np.float32]], key: str, past: Past, stream: Stream, lows: Mapping[int, Ints]) -> None:
    """Add how the amount compares with earlier ones of the key."""
    logs, squares = stream.logs, stream.logs**2
    spans = [(f"r{window}", f"z{window}", past.since(low)) for window, low in list(lows.items())[1:]]
    if "S" in key:
        spans.append(("ratio", "z", past.start))
        peak = past.largest(logs)
        _put(features, f"{key}.peak", (logs - peak) / _LOG, peak >= 0)
        _put(features, f"{key}.sum2000", np.log1p(past.total(stream.cents, past.since(lows[2_000])) / 100))
    for ratio, z, first in spans:
        count = past.end - first
        mean = _ratio(past.total(logs, first), count)
        spread = np.sqrt(np.maximum(_ratio(past.total(squares, first), count) - mean**2, 0)) / _LOG
        off = (logs - mean) / _LOG
        _put(features, f"{key}.{ratio}", off, count > 0)
        _put(features, f"{key}.{z}", off / (spread + 0.3), count > 0)
        if ratio == "ratio":
            _put(features, f"{key}.spread", spread, count > 0)
    for k in (1, 2, 3):
        at = past.latest(k)
        _put(features, f"{key}.step{k}", (logs - logs[at]) / _LOG, at >= 0)
        if k == 1:
            _put(features, f"{key}.move", np.abs(logs - logs[at]) / _LOG, at >= 0)


def _repeats(features: dict[str, npt.NDArray[np.float32]], pasts: Mapping[str, Past], stream: Stream) -> None:
    """Add whether the last rows of the source and the target were like this one."""
    for letter in "ST":
        for k in (1, 2):
            at = pasts[letter].latest(k)
            for other in "STLYA":
                if other != letter:
                    _put(features, f"{letter}.same{k}{other}", stream.base[other][at] == stream.base[other], at >= 0)


def _mixes(features: dict[str, npt.NDArray[np.float32]], pasts: Mapping[str, Past], stream: Stream, lows: Mapping[int, Ints]) -> None:
    """Add which part of an entity's rows a pair makes up, and how many sources are new lately."""
    low = lows[2_000]
    for pair in _MIX:
        whole, part = pasts[pair[0]], pasts[pair]
        _put(features, f"{pair}.share", _ratio(part.count, whole.count), whole.count > 0)
        lately = whole.end - whole.since(low)
        _put(features, f"{pair}.share2000", _ratio(part.end - part.since(low), lately), lately > 0)
    new = pasts["S"].firsts()
    for key in ("T", "L", "Y", "TY"):
        for window in (200, 2_000):
            first = pasts[key].since(lows[window])
            lately = pasts[key].end - first
            _put(features, f"{key}.new{window}", _ratio(pasts[key].total(new, first), lately), lately > 0)
