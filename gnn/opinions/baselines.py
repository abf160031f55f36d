"""What share of negative opinions a stream is expected to have: its own past, shrunk to that of all streams.

A stream's share is taken to be drawn from a beta distribution whose mean and concentration come from the past of all streams (empirical
Bayes). Its own counts are added to it. Nothing later than the day in question enters.

Source: Robbins 1956; moments of the beta-binomial as in Kleinman 1973, JASA 68(341).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

START_SHARE, START_WEIGHT = 0.1, 4.0
"""Share of negatives, and the reviews it counts as, before anything is known."""
LEAST_CONCENTRATION, MOST_CONCENTRATION = 4.0, 60.0
"""Reviews that the shop's share counts as in the baseline of a stream."""
FEWEST_IN_STREAM = 10
"""Reviews of a stream that takes part in measuring how far streams differ."""
LONGEST_MEMORY = 400.0
"""Reviews that a baseline counts as at most: shares drift, and no past makes a share certain."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What all streams have in common, at one or several times.

    Attributes:
        share: Mean share of negatives.
        concentration: How alike streams are: the reviews that the mean counts as in a stream's baseline.
    """

    share: Floats
    concentration: Floats

    def baseline(self, n: Floats, k: Floats) -> tuple[Floats, Floats]:
        """Return the two parameters of the beta distribution of a stream's share, at each time.

        Args:
            n: Past reviews of the stream.
            k: The negative ones among them.

        Shapes:
            n, k: [times], returns two times [times].
        """
        shrink = np.minimum(1.0, LONGEST_MEMORY / np.maximum(n + self.concentration, 1.0))
        negative = (k + self.share * self.concentration) * shrink
        positive = (n - k + (1 - self.share) * self.concentration) * shrink
        return negative, positive

    def at(self, times: npt.NDArray[np.int64]) -> Pool:
        """Return what holds at some of the times."""
        return Pool(self.share[times], self.concentration[times])


def pooled(n: Floats, k: Floats) -> Pool:
    """Measure what streams have in common from their past counts.

    Args:
        n: Past reviews of the streams.
        k: The negative ones among them.

    Shapes:
        n, k: [times, streams].
    """
    measured = [_share_and_concentration(*counts) for counts in zip(n, k, strict=True)]
    return Pool(np.array([share for share, _ in measured]), np.array([concentration for _, concentration in measured]))


def _share_and_concentration(n: Floats, k: Floats) -> tuple[float, float]:
    share = float((k.sum() + START_SHARE * START_WEIGHT) / (n.sum() + START_WEIGHT))
    enough = n >= FEWEST_IN_STREAM
    if enough.sum() < 3:
        return share, LEAST_CONCENTRATION
    sizes, shares = n[enough], k[enough] / n[enough]
    mean = float((sizes * shares).sum() / sizes.sum())
    spread = float((sizes * (shares - mean) ** 2).sum() / sizes.sum())
    binomial = mean * (1 - mean) * len(sizes) / float(sizes.sum())
    between = spread - binomial
    if between <= 0:
        return share, MOST_CONCENTRATION
    concentration = mean * (1 - mean) / between - 1
    return share, float(np.clip(concentration, LEAST_CONCENTRATION, MOST_CONCENTRATION))
