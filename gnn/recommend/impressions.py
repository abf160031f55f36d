"""Items that were shown to a shopper and left alone count less: a visible factor, so that shares still add up."""

from __future__ import annotations

import numpy as np

from gnn.explain.messages.message import say
from gnn.recommend.adjustments import Adjustment
from gnn.users.events import SHOWN, Events

MOST = 20


def ignored(events: Events, factor: float) -> Adjustment | None:
    """Return what impressions take off, or None where nothing was ignored.

    Args:
        events: All of a shopper's; an item met in any other way at or after its last impression was not ignored.
        factor: What each impression multiplies the score with; 1 takes nothing off.
    """
    shown = events.of_relations([SHOWN])
    if factor >= 1 or not shown.any():
        return None
    met_times: dict[int, float] = {}
    for item, time in zip(events.items[~shown].tolist(), events.times[~shown].tolist(), strict=True):
        met_times[item] = max(met_times.get(item, -np.inf), time)
    nums, counts = [], []
    for item, count, time in zip(events.items[shown].tolist(), events.counts[shown].tolist(), events.times[shown].tolist(), strict=True):
        if not met_times.get(item, -np.inf) >= time:
            nums.append(item)
            counts.append(int(count))
    if not nums:
        return None
    factors = factor ** np.minimum(np.asarray(counts, dtype=np.float64), MOST)
    messages = [say("impressions.ignored", count=count) for count in counts]
    return Adjustment("impressions", np.asarray(nums, dtype=np.int64), factors, messages)
