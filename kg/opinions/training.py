"""Training of the polarity classifier, with a held-out part that calibrates it and says how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from kg.errors import InputError
from kg.opinions.features import BLOCKS_OF, counted
from kg.opinions.labels import LabelValue
from kg.opinions.polarity import WEIGHTINGS, Block, Floats, PolarityModel
from kg.opinions.reading import Language
from kg.opinions.vocabulary import learn_aspects

Flags = npt.NDArray[np.bool_]

FEWEST_OF_EACH = 10
"""Positive and negative reviews that training needs."""
HELD_OUT = 5
"""One review of so many is held out."""
_FEWEST_TEXTS = {"words": 2, "characters": 3}
"""A feature counts when so many reviews have it."""
_SMOOTHING = 1.0
_FLOOR = 0.2
"""Added to the naive Bayes scale, so that features without a side of their own still take part."""
_COST: dict[Language, float] = {"en": 1.0, "zh": 0.3}
"""Of a training error, by what held-out reviews gave; 0.3 and 1 differ by .1 points in Chinese and .3 in English."""


def train(
    texts: Sequence[str], positive: Flags, language: Language, *, values: tuple[LabelValue, LabelValue] = (0, 1), seed: int = 0
) -> PolarityModel:
    """Train on labelled reviews.

    Args:
        texts: Reviews.
        positive: Whether each is positive.
        language: That they are in.
        values: What is written for negative and for positive.
        seed: Of the held-out part and of the classifiers.

    Raises:
        InputError: There are fewer than ten of a kind.
    """
    n_positive = int(positive.sum())
    if min(n_positive, len(texts) - n_positive) < FEWEST_OF_EACH:
        raise InputError(
            f"{n_positive} positive and {len(texts) - n_positive} negative reviews", hint=f"training needs at least {FEWEST_OF_EACH} of each"
        )
    features = counted(texts, language, BLOCKS_OF[language])
    held_out = _held_out(positive, seed)
    fitted = _fit({name: ones[~held_out] for name, ones in features.items()}, positive[~held_out], _COST[language], seed)
    margins = _margins(fitted, {name: ones[held_out] for name, ones in features.items()})
    calibrated = _calibrated(margins, positive[held_out])
    refitted = _fit(features, positive, _COST[language], seed)
    aspects = tuple(learn_aspects(texts, language))
    return replace(calibrated, language=language, values=values, blocks=refitted.blocks, bias=refitted.bias, aspects=aspects)


def _held_out(positive: Flags, seed: int) -> Flags:
    """Return a fifth of each kind."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(positive), dtype=bool)
    for kind in (False, True):
        rows = rng.permutation(np.flatnonzero(positive == kind))
        chosen[rows[: len(rows) // HELD_OUT]] = True
    return chosen


@dataclass(frozen=True)
class _Fitted:
    blocks: dict[str, Block]
    bias: Floats


def _fit(features: dict[str, Any], positive: Flags, cost: float, seed: int) -> _Fitted:
    places = {name: np.flatnonzero(ones.getnnz(axis=0) >= _FEWEST_TEXTS[name]).astype(np.int32) for name, ones in features.items()}
    kept = {name: ones[:, places[name]] for name, ones in features.items()}
    scales = {name: _scales(ones, positive) for name, ones in kept.items()}
    weights = {name: np.zeros_like(scales[name]) for name in kept}
    bias = np.zeros(WEIGHTINGS)
    for weighting in range(WEIGHTINGS):
        scaled = [normalize(ones.multiply(scales[name][:, weighting]).tocsr()) for name, ones in kept.items()]
        machine = LinearSVC(C=cost, class_weight="balanced", random_state=seed).fit(hstack(scaled, format="csr"), positive)
        bias[weighting] = machine.intercept_[0]
        ends = np.cumsum([len(scales[name]) for name in kept])
        for name, part in zip(kept, np.split(machine.coef_[0], ends[:-1]), strict=True):
            weights[name][:, weighting] = part
    return _Fitted({name: Block(places[name], scales[name], weights[name]) for name in kept}, bias)


def _scales(ones: Any, positive: Flags) -> npt.NDArray[np.float32]:
    """Return the inverse document frequency, and how far naive Bayes takes a feature to one side."""
    n_positive, n_negative = positive.sum(), (~positive).sum()
    of_positive = np.asarray(ones[positive].sum(axis=0)).ravel() + _SMOOTHING
    of_negative = np.asarray(ones[~positive].sum(axis=0)).ravel() + _SMOOTHING
    frequency = of_positive + of_negative - 2 * _SMOOTHING
    inverse = np.log((1 + len(positive)) / (1 + frequency)) + 1
    side = np.abs(np.log(of_positive / n_positive) - np.log(of_negative / n_negative)) + _FLOOR
    return np.stack([inverse, side], axis=1).astype(np.float32)


def _margins(fitted: _Fitted, features: dict[str, Any]) -> Floats:
    total = fitted.bias + sum(fitted.blocks[name].margins(ones) for name, ones in features.items())
    return np.asarray(total, dtype=np.float64)


def _calibrated(margins: Floats, positive: Flags) -> PolarityModel:
    """Return a model without features, calibrated and measured on held-out margins."""
    spread = np.maximum(margins.std(axis=0), 1e-6)
    mean = (margins / spread).mean(axis=1)
    platt = LogisticRegression(C=100.0).fit(mean[:, None], positive)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    probability = platt.predict_proba(mean[:, None])[:, 1]
    threshold = _threshold(probability, positive)
    called = probability >= threshold
    measured = {
        "accuracy": float((called == positive).mean()),
        "macro_f1": float(f1_score(positive, called, average="macro")),
        "brier": float(np.mean((probability - positive) ** 2)),
        "tpr": float((~called)[~positive].mean()),
        "fpr": float((~called)[positive].mean()),
        "rows": float(len(positive)),
        "share": float(positive.mean()),
    }
    return PolarityModel("en", {}, np.zeros(WEIGHTINGS), spread, slope, offset, threshold, (0, 1), (), {k: round(v, 6) for k, v in measured.items()})


def _threshold(probability: Floats, positive: Flags) -> float:
    """Return the probability from which calling a review positive gives the best sum of accuracy and macro-F1, smoothed over its neighbours."""
    steps = np.linspace(0.2, 0.8, 61)
    gains = [float(np.mean((probability >= t) == positive) + f1_score(positive, probability >= t, average="macro")) for t in steps]
    smooth = np.convolve(np.pad(gains, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    best = np.flatnonzero(smooth >= smooth.max() - 1e-9)
    return float(steps[best[np.argmin(np.abs(steps[best] - 0.5))]])
