"""One chain per attribute, each trained on the texts that are asked for it.

An attribute that a gold line does not list is unknown there, not absent; lines that answer "n/a" are the negatives. Values of different
attributes may overlap.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.sequence.chain import Chain, ChainOptions, marginals
from kg.extract.learned.sequence.features import attribute_free, buckets, gazetteer_features, match_features
from kg.extract.learned.sequence.joint import Joint
from kg.extract.learned.sequence.labels import bio
from kg.extract.learned.sequence.lookup import Lookup
from kg.extract.learned.value_statistics import Labelled, Match, ValueStatistics
from kg.extract.learned.words import Words

LABELS = ("O", "B", "I")
JOINT = ChainOptions(c1=0.05, c2=0.2, iterations=60)
"""How chains over all attributes are trained."""

Marginals = dict[str, NDArray[np.float64]]
"""Attribute asked → probability of each label of each word, [n_words, 3], in the order of `LABELS`."""


@dataclass(frozen=True)
class Question:
    """A text and the attributes asked for, those that the model knows.

    Attributes:
        words: The text.
        category: Its category.
        attributes: Attribute names.
    """

    words: Words
    category: str
    attributes: tuple[str, ...]
    _matches: dict[str, list[Match]] = field(default_factory=dict, repr=False, compare=False)

    def matches(self, evidence: ValueStatistics, name: str) -> list[Match]:
        """Return the training values of an attribute that stand in the text; found once."""
        if name not in self._matches:
            self._matches[name] = evidence.matches(self.words, name, self.category)
        return self._matches[name]


@dataclass(frozen=True)
class Tagger:
    """Chains by attribute, over shared evidence.

    Attributes:
        evidence: What the training values say.
        chains: Attribute → its chain.
        joint: Chains over all attributes of a category.
    """

    evidence: ValueStatistics
    chains: dict[str, Chain]
    joint: Joint

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.chains)

    @classmethod
    def fit(cls, texts: Sequence[Labelled], options: ChainOptions, *, until: float = float("inf")) -> Tagger:
        """Train on labelled texts.

        Args:
            texts: Training texts.
            options: How each chain is trained.
            until: Attributes not begun by then (`time.monotonic`) get a chain of a fifth of the iterations.
        """
        names = sorted({name for text in texts for name in text.spans})
        evidence = ValueStatistics.learn(texts, names)
        shared = [attribute_free(text.words, text.category, evidence, text) for text in texts]
        chains: dict[str, Chain] = {}
        for name in names:
            rows: list[tuple[list[list[str]], list[str]]] = []
            column = evidence.number[name]
            for text, (base, n_texts, inside) in zip(texts, shared, strict=True):
                if name in text.spans and name not in text.lost:
                    own = gazetteer_features(
                        text.words, evidence.matches(text.words, name, text.category, text), n_texts[:, column], inside[:, column]
                    )
                    rows.append(([one + other for one, other in zip(base, own, strict=True)], bio(text.words, text.spans[name])))
            if any("B" in labels for _, labels in rows):
                late = time.monotonic() > until
                chains[name] = Chain.train(
                    rows, LABELS, options if not late else ChainOptions(options.c1, options.c2, max(5, options.iterations // 5), 2)
                )
        joint = Joint.fit(texts, shared, evidence, JOINT, until=until)
        return cls(evidence, chains, joint)

    def marginals(self, questions: Sequence[Question]) -> list[tuple[Marginals, Marginals]]:
        """Return, per text, what the chains of the attributes say and what the chain of the category says, which may know fewer attributes."""
        shared = [attribute_free(q.words, q.category, self.evidence, None) for q in questions]
        result = self._lookup.find([here for base, _, _ in shared for here in base])
        ends = np.cumsum([0, *(len(q.words) for q in questions)]).tolist()
        out: list[Marginals] = [{} for _ in questions]
        asking: list[tuple[int, str]] = []
        scores: list[NDArray[np.float64]] = []
        for name in self.chains:
            column = self.evidence.number[name]
            texts = [n for n, q in enumerate(questions) if name in q.attributes and len(q.words)]
            if not texts:
                continue
            rates = [buckets(shared[n][1][:, column], shared[n][2][:, column]) for n in texts]
            matched = [match_features(len(questions[n].words), questions[n].matches(self.evidence, name)) for n in texts]
            scores.append(self._lookup.scores(name, result.of([(ends[n], ends[n + 1]) for n in texts]), rates, matched))
            asking += [(n, name) for n in texts]
        # All chains are of one kind, so all questions are answered together.
        lengths = [len(questions[n].words) for n, _ in asking]
        moves = np.stack([self.chains[name].transitions for _, name in asking]) if asking else np.zeros((0, 3, 3), dtype=np.float32)
        for (n, name), probabilities in zip(asking, marginals(lengths, np.concatenate(scores or [np.zeros((0, 3))]), moves), strict=True):
            out[n][name] = probabilities
        words, categories, wanted = [q.words for q in questions], [q.category for q in questions], [q.attributes for q in questions]
        return list(zip(out, self.joint.marginals(words, categories, wanted, self.evidence, shared), strict=True))


def spans_of(probabilities: NDArray[np.float64], fields: Sequence[int], *, floor: float, longest: int = 12) -> list[tuple[int, int, float]]:
    """Return (first, last, probability) of the spans that a text's label probabilities make likely.

    The probability is that of the first word beginning a value, times each further word going on with it, times the next one not doing so,
    each taken given the one before only as far as its own probability says: an approximation that ranks well.

    Shapes:
        probabilities: [n_words, 3].
    """
    n = len(probabilities)
    result: list[tuple[int, int, float]] = []
    for first in np.flatnonzero(probabilities[:, 1] > floor).tolist():
        here = float(probabilities[first, 1])
        for last in range(first, min(n, first + longest)):
            if last > first:
                if fields[last] != fields[first]:
                    break
                here = min(here, float(probabilities[last, 2]))
                if here < floor:
                    break
            goes_on = float(probabilities[last + 1, 2]) if last + 1 < n and fields[last + 1] == fields[last] else 0.0
            value = here * (1 - goes_on)
            if value > floor:
                result.append((first, last, value))
    return result


def span_probability(probabilities: NDArray[np.float64], fields: Sequence[int], first: int, last: int) -> float:
    """Return the probability that `spans_of` gives one span."""
    p, n = probabilities, len(probabilities)
    goes_on = float(p[last + 1, 2]) if last + 1 < n and fields[last + 1] == fields[last] else 0.0
    return float(min(p[first, 1], *p[first + 1 : last + 1, 2], 1.0)) * (1 - goes_on)
