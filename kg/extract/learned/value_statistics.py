"""What the training values say about a text's words: gazetteer matches and how often a word is part of a value.

Counted with the text itself left out where it is a training text, so that training sees its values the way prediction will.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.words import Words

MAX_VALUE_WORDS = 8
Key = tuple[str, ...]


@dataclass(frozen=True)
class Labelled:
    """A training text: its words, and where the values of each attribute asked for stand.

    Attributes:
        words: The text.
        category: Its category.
        spans: Attribute asked → (first, last) of each place of its values; empty where it states none.
        lost: Attributes whose values stand nowhere as whole words; the text teaches nothing about them.
        values: Attribute asked → its values.
    """

    words: Words
    category: str
    spans: Mapping[str, tuple[tuple[int, int], ...]]
    lost: frozenset[str]
    values: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Match:
    """A training value found in a text.

    Attributes:
        first: First word.
        last: Last word.
        count: Training texts that give the value, this one left out.
        here: Those of the same category.
        present: Training texts asked for the attribute in which the words stand, this one left out.
    """

    first: int
    last: int
    count: int
    here: int
    present: int


class ValueStatistics:
    """Counts of values and words per attribute, and per attribute and category.

    Args:
        values: Attribute → value in lower-case words → category → texts that give it.
        word_texts: Word → texts asked for each attribute that hold it. Shape [n_attributes] each.
        word_inside: Word → those of them where it is part of a value.
        attributes: Attribute names in the order of the arrays.
    """

    def __init__(
        self,
        attributes: Sequence[str],
        values: Mapping[str, Mapping[Key, Counter[str]]],
        present: Mapping[str, Mapping[Key, int]],
        word_texts: Mapping[str, NDArray[np.float32]],
        word_inside: Mapping[str, NDArray[np.float32]],
    ) -> None:
        self.attributes = tuple(attributes)
        self.number = {name: n for n, name in enumerate(self.attributes)}
        self.values = values
        self.present = present
        self.word_texts = word_texts
        self.word_inside = word_inside
        self._lengths = {name: _lengths(keys) for name, keys in values.items()}
        self._totals = {name: {key: counts.total() for key, counts in keys.items()} for name, keys in values.items()}

    @classmethod
    def learn(cls, texts: Sequence[Labelled], attributes: Sequence[str]) -> ValueStatistics:
        """Count over training texts."""
        number = {name: n for n, name in enumerate(attributes)}
        values: dict[str, dict[Key, Counter[str]]] = {name: defaultdict(Counter) for name in attributes}
        n_texts: dict[str, NDArray[np.float32]] = {}
        inside: dict[str, NDArray[np.float32]] = {}
        zeros = np.zeros(len(attributes), dtype=np.float32)
        for text in texts:
            own = own_words(text)
            for word in set(text.words.lower):
                row = n_texts.setdefault(word, zeros.copy())
                for name in text.spans:
                    if name not in text.lost:
                        row[number[name]] += 1
            for name, words in own.items():
                for word in words:
                    inside.setdefault(word, zeros.copy())[number[name]] += 1
                for key in own_keys(text, name):
                    values[name][key][text.category] += 1
        evidence = cls(attributes, values, {name: {} for name in attributes}, n_texts, inside)
        return cls(attributes, values, evidence._presence(texts), n_texts, inside)

    def _presence(self, texts: Sequence[Labelled]) -> dict[str, dict[Key, int]]:
        counts: dict[str, Counter[Key]] = {name: Counter() for name in self.attributes}
        for text in texts:
            for name in text.spans:
                counts[name].update({tuple(text.words.lower[m[0] : m[1] + 1]) for m in self._places(text.words, name)})
        return {name: dict(result) for name, result in counts.items()}

    def _places(self, words: Words, attribute: str) -> Iterable[tuple[int, int]]:
        lengths, keys = self._lengths.get(attribute, {}), self.values.get(attribute, {})
        for first, word in enumerate(words.lower):
            for length in lengths.get(word, ()):
                last = first + length - 1
                if last < len(words) and words.field[last] == words.field[first] and words.lower[first : last + 1] in keys:
                    yield first, last

    def matches(self, words: Words, attribute: str, category: str, own: Labelled | None = None) -> list[Match]:
        """Return the training values of an attribute that stand in a text, overlaps included.

        Args:
            words: The text.
            attribute: The attribute.
            category: Category of the text.
            own: The text as a training text, to be left out of the counts.
        """
        mine: set[Key] = own_keys(own, attribute) if own is not None and attribute in own.spans else set()
        counted = own is not None and attribute in own.spans
        result: list[Match] = []
        for first, last in self._places(words, attribute):
            key = words.lower[first : last + 1]
            minus = key in mine
            count = self._totals[attribute][key] - minus
            if count > 0:
                here = self.values[attribute][key][category] - minus
                result.append(Match(first, last, count, here, max(self.present[attribute].get(key, 0) - counted, count)))
        return result

    def rates(self, words: Words, own: Labelled | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return per word and attribute how many training texts asked for it hold the word, and in how many it is part of a value.

        Shapes:
            returns [n_words, n_attributes] twice.
        """
        zeros = np.zeros(len(self.attributes), dtype=np.float32)
        if not len(words):
            return np.zeros((0, len(zeros)), np.float32), np.zeros((0, len(zeros)), np.float32)
        n_texts = np.stack([self.word_texts.get(word, zeros) for word in words.lower])
        inside = np.stack([self.word_inside.get(word, zeros) for word in words.lower])
        if own is not None:
            for name, mine in own_words(own).items():
                column = self.number[name]
                n_texts[:, column] -= 1
                inside[:, column] -= np.array([word in mine for word in words.lower], dtype=np.float32)
        return np.maximum(n_texts, 0), np.maximum(inside, 0)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` needs."""
        vocabulary = sorted(self.word_texts)
        zeros = np.zeros(len(self.attributes), dtype=np.float32)
        return {
            "attributes": list(self.attributes),
            "values": {name: [[list(key), dict(counts)] for key, counts in sorted(keys.items())] for name, keys in self.values.items()},
            "present": {name: [[list(key), n] for key, n in sorted(keys.items())] for name, keys in self.present.items()},
            "asked": {word: _sparse(self.word_texts[word]) for word in vocabulary},
            "inside": {word: _sparse(self.word_inside.get(word, zeros)) for word in vocabulary if word in self.word_inside},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ValueStatistics:
        """Rebuild from `to_json`."""
        names = [str(name) for name in stored["attributes"]]
        n = len(names)
        return cls(
            names,
            {name: {tuple(key): Counter(counts) for key, counts in stored["values"][name]} for name in names},
            {name: {tuple(key): int(count) for key, count in stored["present"][name]} for name in names},
            {word: _dense(row, n) for word, row in stored["asked"].items()},
            {word: _dense(row, n) for word, row in stored["inside"].items()},
        )


def own_words(text: Labelled) -> dict[str, set[str]]:
    """Return, per attribute a text teaches, the words that are part of its values."""
    return {
        name: {word for first, last in spans for word in text.words.lower[first : last + 1]}
        for name, spans in text.spans.items()
        if name not in text.lost
    }


def own_keys(text: Labelled, attribute: str) -> set[Key]:
    """Return a text's values of an attribute as lower-case words."""
    return {text.words.lower[first : last + 1] for first, last in text.spans[attribute] if last - first < MAX_VALUE_WORDS}


def _lengths(keys: Iterable[Key]) -> dict[str, tuple[int, ...]]:
    result: dict[str, set[int]] = defaultdict(set)
    for key in keys:
        result[key[0]].add(len(key))
    return {word: tuple(sorted(lengths, reverse=True)) for word, lengths in result.items()}


def _sparse(row: NDArray[np.float32]) -> list[list[int]]:
    at = np.flatnonzero(row)
    return [at.tolist(), row[at].astype(int).tolist()]


def _dense(pairs: Sequence[Sequence[int]], n: int) -> NDArray[np.float32]:
    row = np.zeros(n, dtype=np.float32)
    row[np.asarray(pairs[0], dtype=np.int64)] = pairs[1]
    return row
