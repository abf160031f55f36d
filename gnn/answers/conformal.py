"""A threshold that states its own error: how many good questions it refuses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def threshold(scores: npt.NDArray[np.float64], false_refusals: float) -> float:
    """Return the score below which to refuse, so that a new question like those scored is refused wrongly at most so often.

    Source: split conformal prediction, Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a Random World": of n exchangeable scores, a new one
    falls below the k-th smallest with probability k / (n + 1) at most.

    Args:
        scores: Of questions that should be answered, none of which was learned from.
        false_refusals: The wanted bound, between 0 and 1.

    >>> threshold(np.arange(1, 100) / 100, 0.05)
    0.05
    >>> threshold(np.array([0.2, 0.4]), 0.05)
    -inf
    """
    k = int(np.floor(false_refusals * (len(scores) + 1)))
    return float(np.sort(scores)[k - 1]) if k else -np.inf


def confidence(scores: npt.NDArray[np.float64], at: float, spread: float) -> npt.NDArray[np.float64]:
    """Return scores between 0 and 1 in the same order, 0.5 at the threshold; what is below it is refused."""
    return np.asarray(1 / (1 + np.exp(-np.clip((scores - at) / spread, -30, 30))), dtype=np.float64)
