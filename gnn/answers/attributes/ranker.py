"""Attributes ranked by how well they answer a question: boosted trees over what `features` measures, learned from questions with labelled candidates.

The pairs of words are learned from other questions than those whose features the trees see, as they will be when the model is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.answers.attributes.associations import SLOTS, Weights, fit, pairs
from gnn.answers.attributes.features import WIDTH, measured
from gnn.answers.conformal import confidence, threshold
from kg.errors import ArtifactError, InputError
from kg.models.array_file import Format, read_arrays, write_arrays
from kg.models.forest import Forest

FALSE_REFUSALS = 0.05
FORMAT = Format("attribute ranker", 1, "train it: `reckon answers train --pairs FILE.parquet --out MODEL`")
_FOLDS, _INNER_FOLDS, _SPREAD = 5, 4, 1.0
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with every candidate.

    Attributes:
        question: What is asked.
        candidates: Attributes as written.
        labels: 1 where a candidate answers it.
    """

    question: str
    candidates: tuple[str, ...]
    labels: npt.NDArray[np.int8]


@dataclass(frozen=True)
class _Fitted:
    words: Weights
    constant: float
    trees: Forest

    @classmethod
    def of(cls, questions: Sequence[LabelledQuestion]) -> _Fitted:
        from sklearn.ensemble import GradientBoostingClassifier

        labels, x = [one.labels for one in questions], [pairs(one.question, one.candidates) for one in questions]
        learned: dict[int, Weights] = {}
        for known, kept in _folds(questions, _INNER_FOLDS):
            weights, constant = fit(sp.vstack([x[n] for n in known]), np.concatenate([labels[n] for n in known]))
            learned |= {n: np.asarray(x[n] @ weights + constant, dtype=np.float32) for n in kept}
        features = np.vstack([measured(one.question, one.candidates, learned[n]) for n, one in enumerate(questions)])
        trees = GradientBoostingClassifier(
            n_estimators=150, learning_rate=0.06, max_depth=4, subsample=0.6, max_features=0.3, min_samples_leaf=15, random_state=0
        ).fit(features, np.concatenate(labels))
        words, constant = fit(sp.vstack(x), np.concatenate(labels))
        return cls(words, constant, Forest.boosting(trees))

    def scores(self, question: str, candidates: Sequence[str]) -> Scores:
        """Return log-odds."""
        learned = np.asarray(pairs(question, candidates) @ self.words + self.constant, dtype=np.float32)
        chances = np.clip(self.trees.predict(measured(question, candidates, learned)), 1e-9, 1 - 1e-9)
        return np.asarray(np.log(chances / (1 - chances)), dtype=np.float64)


@dataclass(frozen=True)
class AttributeRanker:
    """A trained ranker.

    Attributes:
        fitted: What was learned from all questions.
        at: Log-odds of the best candidate below which a question is refused.
        measured: What cross-validation found.
    """

    fitted: _Fitted
    at: float
    measured: dict[str, float] = field(default_factory=dict)

    @classmethod
    def train(cls, questions: Sequence[LabelledQuestion]) -> AttributeRanker:
        """Learn from questions with labelled candidates, and measure on questions about other items.

        Raises:
            InputError: Too few questions have both a right and a wrong candidate.
        """
        n_usable = sum(0 < one.labels.sum() < len(one.labels) for one in questions)
        if n_usable < 20 or len({one.candidates for one in questions}) < _FOLDS * 2:
            raise InputError(f"{n_usable} questions have a right and a wrong candidate", hint="give 20 questions or more, about 10 items or more")
        scores_of: dict[int, Scores] = {}
        for known, kept in _folds(questions, _FOLDS):
            fitted = _Fitted.of([questions[n] for n in known])
            scores_of |= {n: fitted.scores(questions[n].question, questions[n].candidates) for n in kept}
        answered = [(scores_of[n], one.labels) for n, one in enumerate(questions) if one.labels.any()]
        at = threshold(np.array([scores.max() for scores, _ in answered]), FALSE_REFUSALS)
        return cls(_Fitted.of(questions), at if np.isfinite(at) else 0.0, _measures(answered, at))

    def rank(self, question: str, candidates: Sequence[str]) -> Scores:
        """Return how well each candidate answers a question, between 0 and 1; where all are below 0.5, none does.

        Shapes:
            → [n candidates].
        """
        if not candidates:
            return np.zeros(0)
        return confidence(self.fitted.scores(question, candidates), self.at, _SPREAD)

    def save(self, path: Path) -> None:
        """Write the model: arrays and numbers, nothing that is executed when it is read."""
        meta = {"at": self.at, "constant": self.fitted.constant, "measured": self.measured}
        write_arrays(path, FORMAT, meta, {"words": self.fitted.words, **self.fitted.trees.arrays()})

    @classmethod
    def load(cls, path: Path) -> AttributeRanker:
        """Read a model.

        Raises:
            ArtifactError: It is missing, damaged or something else.
        """
        meta, arrays = read_arrays(path, FORMAT)
        try:
            words = arrays.pop("words")
            if words.shape != (SLOTS,):
                raise ValueError(f"it has {words.shape} weights of words")
            trees = Forest.from_arrays(arrays, n_features=WIDTH)
            return cls(_Fitted(words, float(meta["constant"]), trees), float(meta["at"]), dict(meta["measured"]))
        except (KeyError, ValueError, TypeError) as error:
            raise ArtifactError(f"{path} is damaged: {error}", hint=FORMAT.hint) from error


def _folds(questions: Sequence[LabelledQuestion], n: int) -> Iterator[tuple[list[int], list[int]]]:
    """Give learned and kept questions; those about one item, which have the same candidates, are never on both sides."""
    from sklearn.model_selection import GroupKFold

    numbers: dict[tuple[str, ...], int] = {}
    items = [numbers.setdefault(tuple(sorted(one.candidates)), len(numbers)) for one in questions]
    for known, kept in GroupKFold(min(n, len(numbers))).split(items, groups=items):
        yield known.tolist(), kept.tolist()


def _measures(answered: Sequence[tuple[Scores, npt.NDArray[np.int8]]], at: float) -> dict[str, float]:
    precisions, first = [], []
    for scores, labels in answered:
        ordered = labels[sorted(range(len(labels)), key=lambda n: -scores[n])]
        precisions.append(float((np.cumsum(ordered) / np.arange(1, len(ordered) + 1))[ordered == 1].mean()))
        first.append(float(ordered[0]))
    removed = [scores[labels == 0].max() < at for scores, labels in answered if not labels.all()]
    return {"map": float(np.mean(precisions)), "p_at_1": float(np.mean(first)), "refused_without_answer": float(np.mean(removed))}
