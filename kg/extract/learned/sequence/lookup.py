"""Scores of words by many chains: what the chains' features have in common is looked up once.

The scores are those of `Chain.scores` over the same features, up to the order in which numbers are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from kg.extract.learned.sequence.chain import Chain
from kg.extract.learned.sequence.features import BUCKETS, NO_MATCH, rate_names


@dataclass(frozen=True)
class KnownFeatures:
    """Features of words that some chain knows.

    Attributes:
        numbers: Feature numbers of all words, one word after the other.
        pointers: Where each word's begin, and the end of the last. Shape [n_words + 1].
    """

    numbers: NDArray[np.int64]
    pointers: NDArray[np.int64]

    def of(self, texts: Sequence[tuple[int, int]]) -> KnownFeatures:
        """Return those of some texts, given by their first word and the one after their last."""
        numbers = [self.numbers[self.pointers[start] : self.pointers[end]] for start, end in texts]
        counts = [np.diff(self.pointers[start : end + 1]) for start, end in texts]
        return KnownFeatures(np.concatenate(numbers), np.concatenate([[0], np.cumsum(np.concatenate(counts))]))


class Lookup:
    """Rows of the chains' weights by feature.

    Args:
        chains: Attribute → its chain.
    """

    def __init__(self, chains: Mapping[str, Chain]) -> None:
        self._numbers: dict[str, int] = {}
        add = self._numbers.setdefault
        self._own = {
            name: np.array([add(feature, len(self._numbers)) for feature in chain.feature_names], np.int64) for name, chain in chains.items()
        }
        self._weights = {name: np.vstack([chain.weights, np.zeros((1, len(chain.labels)), np.float32)]) for name, chain in chains.items()}
        self._rates = {name: _RateWeights.of(chain) for name, chain in chains.items()}
        self._features = {name: chain.features for name, chain in chains.items()}

    def find(self, features: Sequence[Sequence[str]]) -> KnownFeatures:
        """Look up features that all chains share, per word."""
        get = self._numbers.get
        result = [[number for name in here if (number := get(name)) is not None] for here in features]
        pointers = np.cumsum([0, *map(len, result)])
        return KnownFeatures(np.fromiter((number for here in result for number in here), dtype=np.int64, count=int(pointers[-1])), pointers)

    def scores(
        self, name: str, known: KnownFeatures, buckets: Sequence[NDArray[np.int64]], matched: Sequence[Sequence[tuple[int, str]]]
    ) -> NDArray[np.float64]:
        """Return the state scores of the words of some texts by one chain.

        Args:
            name: Its attribute.
            known: The shared features of the texts' words.
            buckets: How often each word is part of a value, per text (`features.buckets`).
            matched: What known values make, per text (`features.match_features`).

        Shapes:
            returns [Σ n_words, n_labels].
        """
        weights = self._weights[name]
        rows = np.full(len(self._numbers), len(weights) - 1, dtype=np.int64)
        rows[self._own[name]] = np.arange(len(weights) - 1)
        ones = np.ones(len(known.numbers), dtype=np.float32)
        shared = csr_matrix((ones, rows[known.numbers], known.pointers), shape=(len(known.pointers) - 1, len(weights))) @ weights
        scores: NDArray[np.float64] = np.asarray(shared, dtype=np.float64) + np.concatenate([self._rates[name].scores(here) for here in buckets])
        get = self._features[name].get
        none = weights[get(NO_MATCH, -1)].astype(np.float64)
        start, more = 0, []
        for rates, made in zip(buckets, matched, strict=True):
            if made:
                more += [(start + word, row) for word, feature in made if (row := get(feature)) is not None]
            else:
                scores[start : start + len(rates)] += none
            start += len(rates)
        if more:
            at, row = np.array(more, dtype=np.int64).T
            np.add.at(scores, at, weights[row].astype(np.float64))
        return scores


@dataclass(frozen=True)
class _RateWeights:
    """Weights of the features that say how often a word is part of a value: by the bucket of the word, the one before, the one after, and two."""

    here: NDArray[np.float32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    both: NDArray[np.float32]

    @classmethod
    def of(cls, chain: Chain) -> _RateWeights:
        zeros = np.zeros(len(chain.labels), dtype=np.float32)

        def weight(feature: str) -> NDArray[np.float32]:
            row = chain.features.get(feature)
            return zeros if row is None else chain.weights[row]

        names = [[rate_names(first, here, "^") for here in BUCKETS] for first in BUCKETS]
        return cls(
            np.stack([weight(names[0][here][0]) for here in range(len(BUCKETS))]),
            np.stack([weight(names[first][0][1]) for first in range(len(BUCKETS))]),
            np.stack([weight(rate_names("^", "^", last)[2]) for last in BUCKETS]),
            np.stack([[weight(name[3]) for name in row] for row in names]),
        )

    def scores(self, buckets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shapes: [n_words] → [n_words, n_labels]."""
        edge = np.zeros(1, dtype=np.int64)
        before, after = np.concatenate([edge, buckets[:-1]]), np.concatenate([buckets[1:], edge])
        parts = (self.here[buckets], self.before[before], self.after[after], self.both[before, buckets])
        return np.asarray(np.sum(parts, axis=0, dtype=np.float64))
