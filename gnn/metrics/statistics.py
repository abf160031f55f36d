"""Whether a difference of means over users is more than chance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gnn.types import Values


def bootstrap_interval(values: Values, *, samples: int, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean over users.

    Source: Efron and Tibshirani 1993, section 13.3.
    """
    if not samples or len(values) < 2:
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = np.empty(samples)
    for start in range(0, samples, 50):
        stop = min(start + 50, samples)
        means[start:stop] = values[rng.integers(0, len(values), (stop - start, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def paired_p_value(first: Values, second: Values, *, samples: int, seed: int) -> float:
    """Return the two-sided p-value of a paired randomisation test on the difference of two means.

    The sign of each user's difference is flipped at random; the p-value is how often the mean difference is at least as large as the one seen.

    Source: Smucker, Allan and Carterette 2007, doi:10.1145/1321440.1321528.
    """
    difference = first - second
    difference = difference[difference != 0]
    if not len(difference) or not samples:
        return 1.0
    rng = np.random.default_rng(seed)
    seen = abs(difference.sum())
    extreme = 0
    for start in range(0, samples, 50):
        signs = rng.integers(0, 2, (min(50, samples - start), len(difference)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ difference) >= seen - 1e-12).sum())
    return (extreme + 1) / (samples + 1)


def means(values: Mapping[str, Values]) -> dict[str, float]:
    """Return the mean over users of every measure."""
    return {name: float(array.mean()) if len(array) else 0.0 for name, array in values.items()}
