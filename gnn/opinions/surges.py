"""Surges of negative opinion: when did the share of negatives of a stream rise, and how unlikely is that by chance?

For each day s of the last weeks, the reviews since s are compared under two hypotheses: the share is that of the baseline as it was known
before s, or a part of what was not negative turned so on day s. Their likelihood ratio, both integrated over what is not known of the share,
has mean 1 where nothing happened. The statistic adds the ratios of all s (Shiryaev–Roberts): without a change it reaches A once in A days or
less often, however often it is looked at. So 30 / A bounds the false alarms of a stream in a month; it is given as the p-value of an alert, and the
threshold follows from the false alarms that are allowed. The rate holds for each stream, so several thousand of them need no further correction.

Source: Roberts 1966, Technometrics 8(3); Pollak 1985, Annals of Statistics 13(1); e-detectors by Shin, Ramdas and Rinaldo 2022, arXiv:2203.03532.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, logsumexp

from gnn.opinions.baselines import Floats, Pool, pooled

Ints = npt.NDArray[np.int64]

WINDOW_DAYS = 35
"""A surge is looked for in so many days back."""
MONTH_DAYS = 30
FALSE_ALARMS = 2e-3
"""Bound on the false alarms of a stream in a month. The bound is not tight: in simulations a third of it is seen (docs/opinions.md)."""
TURNED = 0.25
"""Part of the opinions not negative before that is seen to turn so in a typical surge: a third turns, and a classifier misses some."""
CERTAINTY = 12.0
"""Reviews that the share in a surge counts as before any is seen: few, as surges differ."""
FEWEST_NEGATIVES = 4
"""A surge has at least so many negative reviews: less is no pattern, whatever the odds."""
POOL_EVERY_DAYS = 7


@dataclass(frozen=True, slots=True)
class Surge:
    """A rise of the share of negatives.

    Attributes:
        stream: Number of the stream.
        start: Day on which it most likely began.
        detected: Day on which the threshold was reached.
        reviews: Reviews from start to detection.
        negatives: The negative ones among them.
        expected: Share of negatives in the baseline.
        p_value: Bound on how often so strong a statistic is reached in a month where nothing changes.
    """

    stream: int
    start: int
    detected: int
    reviews: int
    negatives: int
    expected: float
    p_value: float


class Stream:
    """The daily counts of one stream, and what is known before each day.

    Args:
        number: Of the stream.
        days: Days with reviews, in order.
        n: Reviews of each day.
        k: The negative ones among them.
    """

    def __init__(self, number: int, days: Ints, n: Ints, k: Ints) -> None:
        self.number, self.days = number, days
        self.n, self.k = n.astype(np.float64), k.astype(np.float64)
        self.past_n, self.past_k = _before(self.n), _before(self.k)

    def leave_out(self, first: int, last: int) -> None:
        """Keep days out of the baseline: they are part of a surge."""
        kept = np.ones(len(self.days))
        kept[first : last + 1] = 0
        n, k = np.diff(self.past_n) * kept, np.diff(self.past_k) * kept
        self.past_n, self.past_k = _before(n), _before(k)


def _before(counts: Floats) -> Floats:
    """Return how many there are before each day, and after the last."""
    return np.concatenate([[0.0], np.cumsum(counts)])


def log_ratios(n: Floats, k: Floats, negative: Floats, positive: Floats) -> Floats:
    """Return the log likelihood ratio of a surge against the baseline, for each day that it may have begun on.

    Args:
        n: Reviews since that day.
        k: The negative ones among them.
        negative: Beta parameter of the share, as known before that day.
        positive: The other parameter.
    """
    share = negative / (negative + positive)
    turned = share + (1 - share) * TURNED
    surge = betaln(CERTAINTY * turned + k, CERTAINTY * (1 - turned) + n - k) - betaln(CERTAINTY * turned, CERTAINTY * (1 - turned))
    usual = betaln(negative + k, positive + n - k) - betaln(negative, positive)
    return np.asarray(surge - usual, dtype=np.float64)


def pools(streams: Sequence[Stream], first: int, last: int) -> Pool:
    """Return what all streams have in common before each week."""
    edges = first + POOL_EVERY_DAYS * np.arange((last - first) // POOL_EVERY_DAYS + 1)
    n, k = np.zeros((len(edges), len(streams))), np.zeros((len(edges), len(streams)))
    for number, stream in enumerate(streams):
        before = np.searchsorted(stream.days, edges)
        n[:, number], k[:, number] = stream.past_n[before], stream.past_k[before]
    return pooled(n, k)


def surges(streams: Sequence[Stream], *, false_alarms: float = FALSE_ALARMS) -> list[Surge]:
    """Find the surges of all streams, each day judged by what was known on it.

    Args:
        streams: With their days in order.
        false_alarms: Per stream and month, at most.
    """
    occupied = [stream for stream in streams if len(stream.days)]
    if not occupied:
        return []
    first, last = min(int(s.days[0]) for s in occupied), max(int(s.days[-1]) for s in occupied)
    shared = pools(occupied, first, last)
    raised = [surge for stream in occupied for surge in _surges_of(stream, shared, first, np.log(MONTH_DAYS / false_alarms))]
    return sorted(raised, key=lambda surge: (surge.detected, surge.stream))


def _surges_of(stream: Stream, shared: Pool, first: int, threshold: float) -> list[Surge]:
    raised: list[Surge] = []
    position = 0
    begin = 0
    while position < len(stream.days):
        surge = _judge(stream, position, begin, shared, first, threshold) if stream.k[position] else None
        if surge is None:
            position += 1
            continue
        raised.append(surge)
        opened = int(np.searchsorted(stream.days, surge.start))
        position = begin = _recovered(stream, opened, position, surge)
        stream.leave_out(opened, position - 1)
    return raised


def _judge(stream: Stream, position: int, begin: int, shared: Pool, first: int, threshold: float) -> Surge | None:
    today = int(stream.days[position])
    start = max(begin, int(np.searchsorted(stream.days, today - WINDOW_DAYS + 1)))
    n, k = (np.cumsum(counts[start : position + 1][::-1])[::-1] for counts in (stream.n, stream.k))
    if k[0] < FEWEST_NEGATIVES:
        return None
    days = stream.days[start : position + 1]
    known = slice(start, position + 1)
    negative, positive = shared.at((days - first) // POOL_EVERY_DAYS).baseline(stream.past_n[known], stream.past_k[known])
    ratios = log_ratios(n, k, negative, positive)
    statistic = float(logsumexp(ratios))
    rising = k / n > negative / (negative + positive)
    best = int(np.argmax(np.where(rising, ratios, -np.inf)))
    if statistic < threshold or not rising[best] or k[best] < FEWEST_NEGATIVES:
        return None
    return Surge(
        stream=stream.number,
        start=int(days[best]),
        detected=today,
        reviews=int(n[best]),
        negatives=int(k[best]),
        expected=float(negative[best] / (negative[best] + positive[best])),
        p_value=float(min(1.0, MONTH_DAYS * np.exp(-statistic))),
    )


RECOVERY_REVIEWS = 20
"""A surge is over when the share of so many reviews in a row is nearer to the baseline than to the surge."""
LONGEST_DAYS = 60
"""A share that stays up for so long is the new usual one."""


def _recovered(stream: Stream, opened: int, position: int, surge: Surge) -> int:
    """Return the first position after a surge: recovered, or risen for good."""
    middle = (surge.expected + surge.negatives / surge.reviews) / 2
    n, k = np.concatenate([[0.0], np.cumsum(stream.n)]), np.concatenate([[0.0], np.cumsum(stream.k)])
    for at in range(position + 1, len(stream.days)):
        if stream.days[at] - stream.days[opened] >= LONGEST_DAYS:
            return at
        since = max(position + 1, int(np.searchsorted(n, n[at + 1] - RECOVERY_REVIEWS, side="right")) - 1)
        reviews = n[at + 1] - n[since]
        if reviews >= RECOVERY_REVIEWS and (k[at + 1] - k[since]) / reviews < middle:
            return at + 1
    return len(stream.days)
