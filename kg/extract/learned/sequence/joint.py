"""One chain per category over all its attributes at once: which attribute a word belongs to is one choice among those asked for.

The chains of single attributes do not know of each other; here two attributes compete for a word. Each word's features name the attributes asked
for, so that an attribute that a gold line does not list is not learned as absent, and labels of attributes that are not asked for are ruled out
when a text is read. Attributes that the category's lines nearly always list are asked for in any case: a question about the colour alone does not
make a colour of the brand.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.sequence.chain import Chain, ChainOptions
from kg.extract.learned.sequence.features import gazetteer_features
from kg.extract.learned.value_statistics import Labelled, ValueStatistics
from kg.extract.learned.words import Words

MIN_TEXTS = 30
"""Training texts of a category from which on it gets a chain."""
MAX_WORDS = 60
"""Words of a training text on average up to which it does: over long texts the chain costs more than the time there is."""
_MAX_ATTRIBUTES = 40
_NEARLY_ALWAYS = 0.9
_RULED_OUT = 50.0

Shared = tuple[list[list[str]], NDArray[np.float32], NDArray[np.float32]]
"""Features that all attributes share, and the word rates they are made with (`attribute_free`)."""


@dataclass(frozen=True)
class Joint:
    """Chains by category.

    Attributes:
        chains: Category → its chain; the labels are O, and B- and I- with the attribute's name.
        always: Category → the attributes that its lines nearly always list.
    """

    chains: Mapping[str, Chain]
    always: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(
        cls, texts: Sequence[Labelled], shared: Sequence[Shared], evidence: ValueStatistics, options: ChainOptions, *, until: float = float("inf")
    ) -> Joint:
        """Train on labelled texts.

        Args:
            texts: Training texts.
            shared: What their attributes share.
            evidence: What the training values say.
            options: How each chain is trained.
            until: Categories not begun by then (`time.monotonic`) get no chain.
        """
        of: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            of[text.category].append(number)
        chains: dict[str, Chain] = {}
        always: dict[str, tuple[str, ...]] = {}
        for category, numbers in sorted(of.items()):
            names = sorted({name for n in numbers for name, spans in texts[n].spans.items() if spans})
            words = sum(len(texts[n].words) for n in numbers) / len(numbers)
            if len(numbers) < MIN_TEXTS or not 1 < len(names) <= _MAX_ATTRIBUTES or words > MAX_WORDS or time.monotonic() > until:
                continue
            rows = [(_features(texts[n].words, category, tuple(texts[n].spans), evidence, shared[n], texts[n]), _labels(texts[n])) for n in numbers]
            chains[category] = Chain.train(rows, ["O", *(f"{head}-{name}" for name in names for head in "BI")], options)
            always[category] = tuple(name for name in names if sum(name in texts[n].spans for n in numbers) >= _NEARLY_ALWAYS * len(numbers))
        return cls(chains, always)

    def marginals(
        self,
        words: Sequence[Words],
        categories: Sequence[str],
        attributes: Sequence[Sequence[str]],
        evidence: ValueStatistics,
        shared: Sequence[Shared],
    ) -> list[dict[str, NDArray[np.float64]]]:
        """Return, per text and attribute asked that its category's chain knows, the probability of each label of each word.

        Shapes:
            returns [n_words, 3] each, for O (or another attribute), B and I.
        """
        out: list[dict[str, NDArray[np.float64]]] = [{} for _ in words]
        for category, chain in self.chains.items():
            at = [n for n, own in enumerate(categories) if own == category and len(words[n])]
            said = [(*attributes[n], *(name for name in self.always[category] if name not in attributes[n])) for n in at]
            features = [_features(words[n], category, names, evidence, shared[n]) for n, names in zip(at, said, strict=True)]
            scores = chain.scores([row for rows in features for row in rows])
            lengths = [len(words[n]) for n in at]
            column = {label: number for number, label in enumerate(chain.labels)}
            for names, end, length in zip(said, np.cumsum(lengths).tolist(), lengths, strict=True):
                excluded = [number for label, number in column.items() if label != "O" and label[2:] not in names]
                scores[end - length : end, excluded] -= _RULED_OUT
            for n, p in zip(at, chain.marginals(lengths, scores), strict=True):
                for name in attributes[n]:
                    if f"B-{name}" in column:
                        begin, inside = p[:, column[f"B-{name}"]], p[:, column[f"I-{name}"]]
                        out[n][name] = np.stack([1 - begin - inside, begin, inside], axis=1)
        return out


def _features(
    words: Words, category: str, attributes: Sequence[str], evidence: ValueStatistics, shared: Shared, own: Labelled | None = None
) -> list[list[str]]:
    base, word_texts, word_inside = shared
    said = [f"q={name}" for name in attributes]
    out = [[*here, *said] for here in base]
    for name in attributes:
        column = evidence.number.get(name)
        if column is None:
            continue
        result = gazetteer_features(words, evidence.matches(words, name, category, own), word_texts[:, column], word_inside[:, column])
        for here, more in zip(out, result, strict=True):
            here += [f"{name}|{feature}" for feature in more if feature != "gn"]
    return out


def _labels(text: Labelled) -> list[str]:
    """Return one label a word; of values of two attributes that overlap the longer one is labelled."""
    labels = ["O"] * len(text.words)
    places = [(last - first + 1, first, last, name) for name, spans in text.spans.items() for first, last in spans]
    for size, first, last, name in sorted(places, key=lambda place: (-place[0], place[1], place[3])):
        if all(label == "O" for label in labels[first : last + 1]):
            labels[first : last + 1] = [f"B-{name}", *[f"I-{name}"] * (size - 1)]
    return labels
