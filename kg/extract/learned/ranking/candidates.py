"""Candidate values of a question, and what is known of each: the input of the ranker.

A question is one attribute asked of one text. Its candidates are the spans that the chains find likely and the known values that stand in the text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kg.extract.learned.canonical import Canonical
from kg.extract.learned.sequence.features import longest
from kg.extract.learned.sequence.tagger import span_probability, spans_of
from kg.extract.learned.value_statistics import Labelled, Match
from kg.extract.learned.words import Words

FLOOR = 0.01
MAX_CANDIDATES = 12
_LONGEST = 12
_STRONG = 0.1

FEATURES = (
    *("p", "p_rank", "p_lead", "p_best", "p_total", "begin", "inner_min", "goes_on", "starts_before"),
    *("known", "count", "here", "trust", "in_longer", "holds_shorter", "longest_match", "rivals_known"),
    *("words", "chars", "place", "place_end", "field", "times", "digits", "upper", "title", "lower", "first_digit", "punctuation"),
    *("rate_mean", "rate_first", "rate_last", "rate_before", "rate_after", "other_rate", "other_p", "other_wins"),
    *("p_alone", "p_together", "asked_number"),
    *("asked_stated", "category_stated", "length_typical", "after_comma", "before_comma", "glued", "n_words", "field_typical"),
)
"""What is known of a candidate; the order of the ranker's columns."""


@dataclass(frozen=True)
class Candidate:
    """A value that may answer a question.

    Attributes:
        value: The characters.
        first: First word.
        last: Last word.
        features: What is known of it, [len(FEATURES)].
    """

    value: str
    first: int
    last: int
    features: NDArray[np.float32]


@dataclass(frozen=True)
class Habits:
    """How attributes are answered, counted over training texts.

    Attributes:
        stated: Attribute → share of the texts asked that state it.
        by_category: (category, attribute) → the same within a category.
        lengths: Attribute → words of a value → share of the values.
        fields: Attribute → field → share of the places.
    """

    stated: Mapping[str, float]
    by_category: Mapping[tuple[str, str], float]
    lengths: Mapping[str, Mapping[int, float]]
    fields: Mapping[str, Mapping[int, float]]

    @classmethod
    def learn(cls, texts: Sequence[Labelled]) -> Habits:
        """Count over training texts."""
        questions: Counter[Any] = Counter()
        stated: Counter[Any] = Counter()
        lengths: dict[str, Counter[int]] = defaultdict(Counter)
        fields: dict[str, Counter[int]] = defaultdict(Counter)
        for text in texts:
            for name, values in text.values.items():
                for key in (name, (text.category, name)):
                    questions[key] += 1
                    stated[key] += bool(values)
                for first, last in text.spans.get(name, ()):
                    lengths[name][last - first + 1] += 1
                    fields[name][text.words.field[first]] += 1
        overall = {name: (stated[name] + 1) / (questions[name] + 2) for name in questions if isinstance(name, str)}
        within = {key: (stated[key] + 2 * overall[key[1]]) / (questions[key] + 2) for key in questions if not isinstance(key, str)}
        return cls(
            overall, within, {name: _shares(counts) for name, counts in lengths.items()}, {name: _shares(counts) for name, counts in fields.items()}
        )

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` needs."""
        return {
            "stated": dict(self.stated),
            "by_category": [[*key, share] for key, share in sorted(self.by_category.items())],
            "lengths": {name: sorted(shares.items()) for name, shares in self.lengths.items()},
            "fields": {name: sorted(shares.items()) for name, shares in self.fields.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Habits:
        """Rebuild from `to_json`."""
        return cls(
            {str(name): float(share) for name, share in stored["stated"].items()},
            {(str(category), str(name)): float(share) for category, name, share in stored["by_category"]},
            {name: {int(n): float(share) for n, share in rows} for name, rows in stored["lengths"].items()},
            {name: {int(n): float(share) for n, share in rows} for name, rows in stored["fields"].items()},
        )


def _shares(counts: Counter[int]) -> dict[int, float]:
    total = counts.total()
    return {key: count / total for key, count in counts.items()}


@dataclass(frozen=True)
class Reading:
    """A text with everything that its questions share.

    Attributes:
        words: The text.
        category: Its category.
        alone: Attribute → probability of O, B, I per word, [n_words, 3], by the chain of the attribute.
        together: The same by the chain of the category, of the attributes that it knows.
        n_texts: Training texts asked per word and attribute that hold the word, [n_words, n_attributes].
        inside: Those of them where it is part of a value.
        canonical: What surfaces become; None where values are given as written.
    """

    words: Words
    category: str
    alone: Mapping[str, NDArray[np.float64]]
    together: Mapping[str, NDArray[np.float64]]
    n_texts: NDArray[np.float32]
    inside: NDArray[np.float32]
    canonical: Canonical | None = None

    @cached_property
    def rates(self) -> NDArray[np.float32]:
        """How often each word is part of a value of each attribute, [n_words, n_attributes]."""
        return self.inside / (self.n_texts + np.float32(1))

    @cached_property
    def _leading(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Per word the attribute with the highest rate, its rate, and the next one's."""
        rest = self.rates.copy()
        rows, best = np.arange(len(rest)), rest.argmax(axis=1)
        first = rest[rows, best]
        rest[rows, best] = 0
        return best, first, rest.max(axis=1)

    def rate(self, column: int) -> list[float]:
        """How often each word is part of a value of one attribute."""
        return [float(rate) for rate in self.rates[:, column]]

    def other_rate(self, column: int) -> list[float]:
        """The highest rate of each word among the other attributes."""
        best, first, second = self._leading
        return [float(rate) for rate in np.where(best == column, second, first)]

    @cached_property
    def strong(self) -> list[tuple[str, int, int, float]]:
        """(attribute, first, last, probability) of the spans that are likely enough to rule out others'."""
        return [(name, *span) for name, result in self.spans.items() for span in result if span[2] >= _STRONG]

    @cached_property
    def spans(self) -> dict[str, list[tuple[int, int, float]]]:
        """Attribute → the spans that the chains find likely."""
        return {name: spans_of(p, self.words.field, floor=FLOOR, longest=_LONGEST) for name, p in self.marginals.items()}

    @cached_property
    def marginals(self) -> Mapping[str, NDArray[np.float64]]:
        """Attribute → the mean of what the chains say."""
        result = [(name, [said[name] for said in (self.alone, self.together) if name in said]) for name in {**self.alone, **self.together}]
        return {name: np.mean(said, axis=0) for name, said in result}


def candidates(reading: Reading, attribute: str, column: int, matches: Sequence[Match], habits: Habits) -> list[Candidate]:
    """Return the candidates of one question, the likeliest first.

    Args:
        reading: The text.
        attribute: What is asked.
        column: Its column of the reading's arrays.
        matches: Its training values that stand in the text.
        habits: How attributes are answered.
    """
    words = reading.words
    if not len(words):
        return []
    known = {(m.first, m.last): m for m in matches}
    likely = {(first, last): p for first, last, p in reading.spans.get(attribute, ())}
    places = sorted({*known, *likely}, key=lambda place: (-likely.get(place, 0.0), -(known[place].count if place in known else 0), place))
    if not places:
        return []
    maker = _Maker(reading, attribute, column, habits, known, likely)
    best: dict[str, Candidate] = {}
    for place in places[: 2 * MAX_CANDIDATES]:
        made = maker.candidate(*place)
        # Of the places of one value the likeliest speaks for it.
        best.setdefault(made.value, made)
        if len(best) == MAX_CANDIDATES:
            break
    return list(best.values())


class _Maker:
    """Makes the candidates of one question."""

    def __init__(
        self,
        reading: Reading,
        attribute: str,
        column: int,
        habits: Habits,
        matches: Mapping[tuple[int, int], Match],
        likely: Mapping[tuple[int, int], float],
    ) -> None:
        self._reading, self._attribute, self._habits = reading, attribute, habits
        self._matches, self._likely = matches, likely
        self._rate, self._other = reading.rate(column), reading.other_rate(column)
        self._ordered = sorted(likely.values(), reverse=True)
        self._total = sum(self._ordered)
        self._longest = {(m.first, m.last) for m in longest(list(matches.values()))}
        p = reading.marginals.get(attribute)
        self._none = np.zeros((len(reading.words), 3))
        self._p = (self._none if p is None else p).tolist()
        self._values: Counter[str] = Counter(self._value(*place) for place in {*matches, *likely})

    def candidate(self, first: int, last: int) -> Candidate:
        value = self._value(first, last)
        parts = (self._by_chain(first, last), self._by_values(first, last), self._by_form(first, last, value))
        known = [*chain.from_iterable(parts), *self._by_words(first, last), *self._by_each(first, last), *self._by_habit(first, last)]
        return Candidate(value, first, last, np.asarray(known, dtype=np.float32))

    def _by_chain(self, first: int, last: int) -> list[float]:
        p, field, words = self._likely.get((first, last), 0.0), self._reading.words.field, self._reading.words
        top = self._ordered[0] if self._ordered else 0.0
        rival = (self._ordered[1] if len(self._ordered) > 1 else 0.0) if p == top else top
        after = self._p[last + 1][2] if last + 1 < len(words) and field[last + 1] == field[last] else 0.0
        before = self._p[first - 1][1] + self._p[first - 1][2] if first and field[first - 1] == field[first] else 0.0
        inner = min((row[2] for row in self._p[first + 1 : last + 1]), default=1.0)
        return [p, float(sum(other > p for other in self._ordered)), p - rival, top, self._total, self._p[first][1], inner, after, before]

    def _by_values(self, first: int, last: int) -> list[float]:
        match = self._matches.get((first, last))
        longer = any(m.first <= first and last <= m.last and (m.first, m.last) != (first, last) for m in self._matches.values())
        shorter = any(first <= m.first and m.last <= last and (m.first, m.last) != (first, last) for m in self._matches.values())
        rivals = sum((m.first, m.last) != (first, last) and m.count > (match.count if match else 0) for m in self._matches.values())
        known = (
            [0.0, 0.0, 0.0, 0.0] if match is None else [1.0, float(np.log1p(match.count)), float(np.log1p(match.here)), match.count / match.present]
        )
        return [*known, float(longer), float(shorter), float((first, last) in self._longest), float(rivals)]

    def _by_form(self, first: int, last: int, value: str) -> list[float]:
        words = self._reading.words
        n = len(words)
        letters = [char for char in value if char.isalpha()]
        upper = sum(char.isupper() for char in letters) / len(letters) if letters else 0.0
        digits = sum(char.isdigit() for char in value) / max(1, len(value))
        marks = sum(not char.isalnum() and not char.isspace() for char in value) / max(1, len(value))
        parts = words.words[first : last + 1]
        titled = sum(part[:1].isupper() for part in parts) / len(parts)
        return [
            *(float(last - first + 1), float(len(value)), first / n, (n - 1 - last) / n, float(words.field[first]), float(self._values[value])),
            *(digits, upper, titled, float(bool(letters) and not upper), float(value[:1].isdigit()), marks),
        ]

    def _by_words(self, first: int, last: int) -> list[float]:
        rate, n, size, name = self._rate, len(self._rate), last - first + 1, self._attribute
        other = max((p for kind, start, end, p in self._reading.strong if start <= last and first <= end and kind != name), default=0.0)
        return [
            *(
                sum(rate[first : last + 1]) / size,
                rate[first],
                rate[last],
                rate[first - 1] if first else 0.0,
                rate[last + 1] if last + 1 < n else 0.0,
            ),
            *(sum(self._other[first : last + 1]) / size, other, float(other > self._likely.get((first, last), 0.0))),
        ]

    def _by_each(self, first: int, last: int) -> list[float]:
        """Return what each of the chains says of a span, and of how many attributes they speak."""
        fields, name, reading = self._reading.words.field, self._attribute, self._reading
        said = [span_probability(of.get(name, self._none), fields, first, last) for of in (reading.alone, reading.together)]
        return [*said, float(len(reading.marginals))]

    def _by_habit(self, first: int, last: int) -> list[float]:
        words, habits, name = self._reading.words, self._habits, self._attribute
        n = len(words)
        stated = habits.stated.get(name, 0.5)
        field = words.field[first]
        return [
            *(stated, habits.by_category.get((self._reading.category, name), stated), habits.lengths.get(name, {}).get(last - first + 1, 0.0)),
            *(float(first > 0 and words.words[first - 1] in ",(|-"), float(last + 1 < n and words.words[last + 1] in ",)|-")),
            float(
                (first > 0 and words.end[first - 1] == words.start[first] and words.field[first - 1] == field)
                + 2 * (last + 1 < n and words.start[last + 1] == words.end[last] and words.field[last + 1] == field)
            ),
            *(float(n), habits.fields.get(name, {}).get(field, 0.0)),
        ]

    def _value(self, first: int, last: int) -> str:
        """Return the value that a span gives."""
        surface, canonical = self._reading.words.surface(first, last), self._reading.canonical
        return surface if canonical is None else canonical.of(self._attribute, surface)
