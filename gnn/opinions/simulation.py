"""How soon surges are found and how often nothing is taken for one, by the number of reviews a day: the power table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnn.opinions.surges import FALSE_ALARMS, MONTH_DAYS, Stream, surges

_WEEK = np.array([0.8, 0.8, 0.9, 1.0, 1.1, 1.3, 1.1])
"""Reviews by day of the week."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated.

    Attributes:
        reviews_per_day: Of each stream, on average.
        streams: How many.
        days: How long.
        share: Mean share of negatives; streams differ by a beta distribution.
        alike: The concentration of that distribution.
        turned: Part of the opinions not negative that turn so in a surge; 0 for none.
        surge_days: How long a surge lasts.
    """

    reviews_per_day: float
    streams: int = 100
    days: int = 240
    share: float = 0.1
    alike: float = 40.0
    turned: float = 1 / 3
    surge_days: int = 21


@dataclass(frozen=True, slots=True)
class Power:
    """What came of a simulation.

    Attributes:
        detected: Share of the surges found within 14 days of their beginning.
        median_delay: Days from the beginning to the alert, over those found at all.
        false_alarms: Per 1,000 stream-months without a surge.
        stream_months: That the false alarms were counted over.
    """

    detected: float
    median_delay: float
    false_alarms: float
    stream_months: float


def simulate(plan: Plan, *, seed: int = 0, false_alarms: float = FALSE_ALARMS) -> Power:
    """Draw streams, inject a surge into each, and watch them."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(plan.days // 2, plan.days - plan.surge_days - 7, plan.streams)
    streams = [_drawn(plan, number, int(start), rng) for number, start in enumerate(starts)]
    raised = surges(streams, false_alarms=false_alarms)
    early = 0
    delays: dict[int, int] = {}
    for surge in raised:
        since = surge.detected - int(starts[surge.stream])
        if not plan.turned or since < 0:
            early += 1
        elif since < plan.surge_days + 7:
            delays.setdefault(surge.stream, since)
    quiet_days = plan.days * plan.streams if not plan.turned else int(starts.sum())
    return Power(
        detected=float(np.mean([delays.get(number, 99) < 14 for number in range(plan.streams)])),
        median_delay=float(np.median(list(delays.values()))) if delays else float("nan"),
        false_alarms=1000 * early * MONTH_DAYS / quiet_days,
        stream_months=quiet_days / MONTH_DAYS,
    )


def _drawn(plan: Plan, number: int, start: int, rng: np.random.Generator) -> Stream:
    days = np.arange(plan.days)
    n = rng.poisson(plan.reviews_per_day * _WEEK[days % 7])
    share = np.full(plan.days, rng.beta(plan.share * plan.alike, (1 - plan.share) * plan.alike))
    share[start : start + plan.surge_days] += (1 - share[start : start + plan.surge_days]) * plan.turned
    k = rng.binomial(n, share)
    occupied = n > 0
    return Stream(number, days[occupied], n[occupied], k[occupied])
