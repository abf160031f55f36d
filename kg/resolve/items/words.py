"""Learns which words matter: a shared or missing "upgrade" decides more than a shared or missing "software"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from kg.resolve.items.records import RecordPairs
from kg.resolve.items.tokens import Document, Text

_MAX_WORDS = 40
_MIN_PAIRS = 2
_STRENGTH = 0.3
"""Inverse regularisation of the logistic regression."""


def _differences(left: Text, right: Text, column: str) -> Iterator[str]:
    a, b = left.word_set, right.word_set
    if len(a) > _MAX_WORDS or len(b) > _MAX_WORDS:
        return
    for mark, words in (("both", a & b), ("left", a - b), ("right", b - a)):
        yield from (f"{mark} {column} {word}" for word in words)


def word_events(pairs: RecordPairs, left: Sequence[Document], right: Sequence[Document]) -> list[list[str]]:
    """List, per pair, the words that both sides share or that one side lacks, in every column with at most 40 words."""
    return [
        sorted(
            event
            for column in left[a].columns.keys() & right[b].columns.keys()
            for event in _differences(left[a].columns[column], right[b].columns[column], column)
        )
        for a, b in zip(pairs.left_num, pairs.right_num, strict=True)
    ]


@dataclass(frozen=True)
class WordWeights:
    """A linear score over shared and missing words.

    Attributes:
        weight: Event ("left title upgrade") → what it adds to the log odds of a match.
        bias: Log odds without any event.
    """

    weight: dict[str, float]
    bias: float

    def score(self, events: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Return the log odds of each pair. Shape [n_pairs]."""
        return np.array([self.bias + sum(self.weight.get(event, 0.0) for event in row) for row in events], dtype=np.float64)


@dataclass(frozen=True)
class WordTable:
    """Events of the training pairs as a sparse 0/1 matrix.

    Attributes:
        vocabulary: Events seen in at least two pairs, sorted.
        matrix: One row per pair. Shape [n_pairs, len(vocabulary)].
    """

    vocabulary: list[str]
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, events: Sequence[Sequence[str]]) -> WordTable:
        """Build the matrix."""
        counts = Counter(event for row in events for event in row)
        vocabulary = sorted(event for event, count in counts.items() if count >= _MIN_PAIRS)
        position = {event: number for number, event in enumerate(vocabulary)}
        columns = [[position[event] for event in row if event in position] for row in events]
        indptr = np.cumsum([0, *map(len, columns)])
        indices = np.array([column for row in columns for column in row], dtype=np.int32)
        shape = (len(events), len(vocabulary))
        return cls(vocabulary, sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=shape))

    def fit(self, rows: NDArray[np.bool_], match: NDArray[np.int8]) -> WordWeights:
        """Fit the weights on some rows."""
        if not self.vocabulary:
            return WordWeights({}, 0.0)
        model = LogisticRegression(C=_STRENGTH, solver="liblinear", random_state=0, max_iter=1000).fit(self.matrix[rows], match[rows])
        return WordWeights(dict(zip(self.vocabulary, map(float, model.coef_[0]), strict=True)), float(model.intercept_[0]))


def mean_weights(models: Sequence[WordWeights]) -> WordWeights:
    """Average several fits over one vocabulary."""
    weight = {event: sum(model.weight[event] for model in models) / len(models) for event in models[0].weight}
    return WordWeights(weight, sum(model.bias for model in models) / len(models))
