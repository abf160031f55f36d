"""From the trees' log-odds to a probability that stays right while the share of fraud changes.

    log-odds = slope · trees + offset + shift

`slope` and `offset` are Platt's, fitted on later parts of the training data that the trees had not seen. `shift` follows the share of fraud with
what is known before each row:

* Without labels, expectation–maximisation estimates the share of fraud among the last rows (`WINDOW`), and its distance from the share that the same
  estimate gave on the held-out parts counts `TRUST` of itself. Rows without labels can differ from those with labels in more than the share of fraud,
  so the full distance would follow that too.
* With labels that come back, it is the constant that makes the last scores add up to the last labels, drawn to 0 as by `PULL` labels.

A row's shift depends on strictly earlier rows alone, in steps of `STEP` rows counted from the first row, so it is the same however a file is cut.

Source: Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities", 10.1162/089976602753284446.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit, logit

from gnn.risk.past import Floats, Ints
from gnn.risk.transactions import FRAUD, UNKNOWN

WINDOW = 8_000
LABELLED_WINDOW = 1_000
STEP = 64
LABELLED_STEP = 16
TRUST = 0.7
PULL = 4.0
_FEWEST = 200
_SHRINK = 300
_LIMITS = (0.005, 0.95)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns log-odds into probabilities.

    Attributes:
        slope: Platt's slope.
        offset: Platt's offset.
        prior: Share of fraud among the labelled rows it was fitted on.
        reference: The share that expectation–maximisation finds among all rows of the same parts.
    """

    slope: float
    offset: float
    prior: float
    reference: float

    @classmethod
    def fit(cls, log_odds: Floats, labels: npt.NDArray[np.int8]) -> Calibration:
        """Fit on rows that the trees had not seen; rows of unknown label tell the reference."""
        known = labels != UNKNOWN
        sign, values = np.where(labels[known] == FRAUD, 1.0, -1.0), log_odds[known]

        def loss(parameters: Floats) -> float:
            return float(np.mean(np.logaddexp(0, -sign * (parameters[0] * values + parameters[1]))) + 1e-4 * (parameters[0] - 1) ** 2)

        slope, offset = (float(each) for each in minimize(loss, np.array([1.0, 0.0])).x)
        prior = float(np.clip((sign > 0).mean(), *_LIMITS))
        slope = max(slope, 0.05)
        return cls(slope, offset, prior, share_by_em(slope * log_odds + offset, prior))

    def plain(self, log_odds: Floats) -> Floats:
        """Return calibrated log-odds before the shift."""
        return np.asarray(self.slope * log_odds + self.offset)

    def shift_without_labels(self, plain: Floats, before: Ints, wanted: Ints) -> Floats:
        """Return the shift of each wanted row.

        Args:
            plain: Calibrated log-odds of all rows in the order of time; those that no window reaches may be NaN.
            before: How many rows are strictly earlier than each row.
            wanted: Positions of the rows.
        """
        ends = before[wanted] // STEP * STEP
        shifts: dict[int, float] = {}
        for end in np.unique(ends).tolist():
            window = plain[max(0, end - WINDOW) : end]
            shifts[end] = self._by_em(window) if len(window) >= _FEWEST else 0.0
        return np.array([shifts[end] for end in ends.tolist()], dtype=np.float64)

    def _by_em(self, window: Floats) -> float:
        share = (share_by_em(window, self.prior) * len(window) + self.reference * _SHRINK) / (len(window) + _SHRINK)
        return TRUST * float(logit(share) - logit(self.reference))

    def shift_by_labels(self, plain: Floats, labels: npt.NDArray[np.int8], seen: Ints, wanted: Ints) -> Floats:
        """Return the shift of each wanted row, from the labels that are known by then.

        Args:
            plain: As for `shift_without_labels`.
            labels: Of all rows.
            seen: How many rows' labels are known at each row.
            wanted: Positions of the rows.
        """
        known = np.flatnonzero(labels != UNKNOWN)
        counts = np.searchsorted(known, seen[wanted]) // LABELLED_STEP * LABELLED_STEP
        shifts: dict[int, float] = {}
        for count in np.unique(counts).tolist():
            rows = known[max(0, count - LABELLED_WINDOW) : count]
            shifts[count] = _balancing(plain[rows], float((labels[rows] == FRAUD).sum())) if len(rows) else 0.0
        return np.array([shifts[count] for count in counts.tolist()], dtype=np.float64)


def share_by_em(log_odds: Floats, prior: float) -> float:
    """Estimate the share of fraud in a sample from calibrated log-odds for another share.

    Args:
        log_odds: Of the sample.
        prior: The share that they were calibrated for.
    """
    share = prior
    for _ in range(30):
        share = float(np.clip(expit(log_odds + logit(share) - logit(prior)).mean(), *_LIMITS))
    return share


def _balancing(log_odds: Floats, frauds: float) -> float:
    """Return the constant that makes the scores add up to the labels, drawn to 0."""
    shift = 0.0
    for _ in range(12):
        chance = expit(log_odds + shift)
        slope = float((chance * (1 - chance)).sum()) + PULL
        shift += float(np.clip((frauds - float(chance.sum()) - PULL * shift) / slope, -1, 1))
    return shift


def calibration_error(scores: Floats, frauds: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width: the mean distance of score and share of fraud, weighted by rows."""
    places = np.minimum((scores * bins).astype(int), bins - 1)
    gap = np.bincount(places, weights=scores - frauds, minlength=bins)
    return float(np.abs(gap).sum() / len(scores))
