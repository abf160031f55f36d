"""The ranker of attribute candidates: a first opinion on each, and a second one that knows the first on all candidates of the text.

Values of two attributes hardly ever overlap. So what is likely to answer another question of the same text, and where the values beside a candidate
begin and end, says much about the candidate.

Source: Wolpert 1992, Stacked generalization, Neural Networks 5(2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.ranking.ranker import Ranker, Rows, best_of

N_FOLDS = 3
CONTEXT = ("first", "lead", "better", "rest", "overlapping", "same_span", "overlapping_best", "within", "before", "after")
"""What the second opinion knows beside the candidate's own features."""


@dataclass(frozen=True)
class Proposals:
    """Candidates of many questions, one question after the other and the questions of a text together.

    Attributes:
        features: [n candidates, n features].
        first: First word of each, [n candidates].
        last: Last word of each, [n candidates].
        sizes: Candidates per question; 0 where nothing was proposed, [n questions].
        texts: Text each question is about, [n questions].
    """

    features: Rows
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    sizes: NDArray[np.int64]
    texts: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """Question of each candidate."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


@dataclass(frozen=True)
class Questions:
    """Proposals whose answers are known.

    Attributes:
        proposals: The candidates.
        right: Which candidates are gold, [n candidates].
        stated: Which questions have an answer, [n questions].
    """

    proposals: Proposals
    right: NDArray[np.bool_]
    stated: NDArray[np.bool_]

    def f1(self, scores: NDArray[np.float64], threshold: float) -> float:
        """Return the F1 of giving the best candidate of each question where its score exceeds a threshold."""
        best = best_of(scores, self.proposals.sizes)
        given = (best >= 0) & (scores[np.maximum(best, 0)] > threshold) if len(scores) else np.zeros(len(best), dtype=bool)
        right = given & self.right[np.maximum(best, 0)]
        return float(2 * right.sum() / max(1, given.sum() + self.stated.sum()))


@dataclass(frozen=True)
class StackedRanker:
    """Scores candidates; the best of a question answers it if its score exceeds the threshold.

    Attributes:
        opening: The first opinion, on each candidate alone.
        closing: The second, among all of the text; None where it was not the better one.
    """

    opening: Ranker
    closing: Ranker | None

    @classmethod
    def fit(cls, questions: Questions, *, seed: int = 0) -> StackedRanker:
        """Train on candidates whose answers are known.

        The second opinion learns from first ones on texts that the first was not trained on. It is kept if its F1 out of fold is the higher one:
        where values of attributes overlap, or few are asked for at a time, it may not be.
        """
        proposals, measure = questions.proposals, questions.f1
        folds = (proposals.texts % N_FOLDS)[proposals.owners]
        opening, scores = Ranker.fit_by(proposals.features, questions.right, folds, measure, seed=seed)
        closing, _ = Ranker.fit_by(_with_context(proposals, scores), questions.right, folds, measure, seed=seed + 1, boosted_only=True)
        return cls(opening, closing if closing.f1 > opening.f1 else None)

    @property
    def threshold(self) -> float:
        """From where on the best candidate is given."""
        return (self.closing or self.opening).threshold

    @property
    def f1(self) -> float:
        """F1 over the training questions, out of fold."""
        return (self.closing or self.opening).f1

    def scores(self, proposals: Proposals) -> NDArray[np.float64]:
        """Return the probability that each candidate is the answer, [n candidates]."""
        if not len(proposals.features):
            return np.zeros(0)
        scores = self.opening.scores(proposals.features)
        return self.closing.scores(_with_context(proposals, scores)) if self.closing else scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` needs."""
        return self.opening.arrays("opening") | (self.closing.arrays("closing") if self.closing else {})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, n_features: int) -> StackedRanker:
        """Rebuild a stored ranker.

        Raises:
            ArtifactError: The arrays are not those of one.
        """
        opening = Ranker.from_arrays(arrays, "opening", n_features=n_features)
        closing = Ranker.from_arrays(arrays, "closing", n_features=n_features + len(CONTEXT)) if "closing" in arrays else None
        return cls(opening, closing)


def _with_context(proposals: Proposals, scores: NDArray[np.float64]) -> Rows:
    """Shapes: [n, n features] → [n, n features + len(CONTEXT)]."""
    context = np.zeros((len(scores), len(CONTEXT)), dtype=np.float32)
    owners = proposals.owners
    top = np.zeros(len(scores), dtype=bool)
    best = best_of(scores, proposals.sizes)
    top[best[best >= 0]] = True
    texts = proposals.texts[owners]
    cuts = [0, *(np.flatnonzero(np.diff(texts)) + 1).tolist(), len(texts)]
    for start, end in pairwise(cuts):
        at = slice(start, end)
        context[at] = _context(proposals.first[at], proposals.last[at], owners[at], scores[at], top[at])
    return np.hstack([proposals.features, context])


def _context(
    first: NDArray[np.int64], last: NDArray[np.int64], owner: NDArray[np.int64], score: NDArray[np.float64], top: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return what the first opinion on a text's candidates says of each. Shapes: [n] each → [n, len(CONTEXT)]."""
    own = owner[:, None] == owner[None, :]
    alike = own & ~np.eye(len(score), dtype=bool)
    overlaps = ~own & (first[:, None] <= last[None, :]) & (first[None, :] <= last[:, None])
    same = overlaps & (first[:, None] == first[None, :]) & (last[:, None] == last[None, :])
    within = overlaps & (first[:, None] <= first[None, :]) & (last[None, :] <= last[:, None])
    before, after = ~own & top[None, :] & (last[None, :] == first[:, None] - 1), ~own & top[None, :] & (first[None, :] == last[:, None] + 1)

    def most(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.where(mask, score[None, :], 0.0).max(axis=1), dtype=np.float64)

    better = (alike & (score[None, :] > score[:, None])).sum(axis=1)
    rest = np.where(alike, score[None, :], 0.0).sum(axis=1)
    masks = (overlaps, same, overlaps & top[None, :], within, before, after)
    return np.column_stack([score, score - most(alike), better, rest, *map(most, masks)])
