"""Which candidate answers a question, and whether any does: tree ensembles over what is known of the candidates.

Trained on candidates that the chains proposed for texts they had not seen, so that the ranker learns how far they can be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from kg.errors import ArtifactError
from kg.extract.learned.workers import side_by_side
from kg.models.forest import Forest

_BOOSTED, _EXTRA = 160, 150
_MAX_ROWS = 50_000
"""Candidates that the trees learn from: a seeded draw of more."""
THRESHOLDS = tuple(round(0.1 + 0.02 * step, 2) for step in range(31))

Rows = NDArray[np.float32]
Measure = Callable[[NDArray[np.float64], float], float]


@dataclass(frozen=True)
class Ranker:
    """Scores candidates; the best of a question answers it if its score exceeds the threshold.

    Attributes:
        forests: Ensembles whose mean is the score.
        threshold: From where on the best candidate is given.
        f1: F1 over the training questions, out of fold.
    """

    forests: tuple[Forest, ...]
    threshold: float
    f1: float

    @classmethod
    def fit_by(
        cls, features: Rows, right: NDArray[np.bool_], folds: NDArray[np.int64], measure: Measure, *, seed: int = 0, boosted_only: bool = False
    ) -> tuple[Ranker, NDArray[np.float64]]:
        """Train on candidates; the threshold is the one with the best measure of the out-of-fold scores, which are returned too.

        Args:
            features: What is known of each candidate, [n, n features].
            right: Which are right, [n].
            folds: Which are held out together, [n].
            measure: (scores, threshold) → F1.
            seed: For everything random.
            boosted_only: Do without randomised trees.

        Shapes:
            returns scores [n].
        """
        if not right.any() or right.all():
            # Nothing to tell apart: the chains' own probability decides.
            likely = features[:, 0].astype(np.float64)
            return cls((), 0.3, measure(likely, 0.3)), likely
        scores = np.zeros(len(features))
        held_out = [-1, *(fold for fold in np.unique(folds).tolist() if 0 < right[folds != fold].sum() < (folds != fold).sum())]
        fit = partial(_without, features, right, folds, seed, boosted_only)
        whole, *parts = side_by_side(fit, held_out)
        for fold, forests in zip(held_out[1:], parts, strict=True):
            scores[folds == fold] = _score(forests, features[folds == fold])
        f1 = {threshold: measure(scores, threshold) for threshold in THRESHOLDS}
        best = max(THRESHOLDS, key=lambda threshold: (f1[threshold], -abs(threshold - 0.36)))
        return cls(whole, best, f1[best]), scores

    def scores(self, features: Rows) -> NDArray[np.float64]:
        """Return the probability that each candidate is the answer.

        Shapes:
            [n, n features] → [n].
        """
        if not self.forests:
            return features[:, 0].astype(np.float64)
        return _score(self.forests, features)

    def arrays(self, prefix: str = "ranker") -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` needs."""
        stored = {f"{prefix}.{n}.{name}": array for n, forest in enumerate(self.forests) for name, array in forest.arrays().items()}
        return {**stored, prefix: np.array([len(self.forests), self.threshold, self.f1])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str = "ranker", *, n_features: int) -> Ranker:
        """Rebuild a stored ranker.

        Raises:
            ArtifactError: The arrays are not those of a ranker.
        """
        head = arrays[name]
        if head.shape != (3,) or not 0 <= head[0] <= 16:
            raise ArtifactError("the stored ranker is inconsistent", hint="train it again with `reckon extract train`")
        forests = []
        for number in range(int(head[0])):
            prefix = f"{name}.{number}."
            stored = {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
            forests.append(Forest.from_arrays(stored, n_features=n_features))
        return cls(tuple(forests), float(head[1]), float(head[2]))


def _without(features: Rows, right: NDArray[np.bool_], folds: NDArray[np.int64], seed: int, boosted_only: bool, fold: int) -> tuple[Forest, ...]:
    """Fit on all candidates but those of one fold; fold -1 leaves nothing out."""
    kept = np.flatnonzero(folds != fold)
    kept = np.sort(np.random.default_rng(seed).permutation(kept)[:_MAX_ROWS])
    boosting = GradientBoostingClassifier(
        n_estimators=_BOOSTED, learning_rate=0.07, max_depth=4, min_samples_leaf=15, subsample=0.6, max_features=0.4, random_state=seed
    )
    boosted = Forest.boosting(boosting.fit(features[kept], right[kept]))
    if boosted_only:
        return (boosted,)
    extra = ExtraTreesClassifier(n_estimators=_EXTRA, min_samples_leaf=2, max_features=0.3, random_state=seed, n_jobs=1)
    return boosted, Forest.extra_trees(extra.fit(features[kept], right[kept]))


def _score(forests: Sequence[Forest], features: Rows) -> NDArray[np.float64]:
    return np.asarray(np.mean([forest.predict(features) for forest in forests], axis=0), dtype=np.float64)


def best_of(scores: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of the best candidate of each question, -1 where there is none.

    Shapes:
        scores [Σ sizes], sizes [n] → [n].
    """
    starts = np.cumsum(sizes) - sizes
    return np.array(
        [start + int(np.argmax(scores[start : start + size])) if size else -1 for start, size in zip(starts, sizes, strict=True)], dtype=np.int64
    )
