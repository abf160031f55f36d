"""Aspects of a review: what an opinion is about, where it stands, and whether it is praised.

An aspect is a word or two that reviews often speak of and that stands near a word of opinion in the same clause; that word, turned by a
negation before it, gives the polarity. Clauses without a word of opinion name no aspect.

Source: frequent features and nearby opinion words as in Hu and Liu 2004, "Mining and summarizing customer reviews", KDD.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kg import plurals
from kg.opinions.lexicon import OpinionLexicon, opinion_lexicon
from kg.opinions.reading import Language, read
from kg.opinions.words import Words, words_of

Polarity = Literal["positive", "negative"]

MAX_WORDS = 3
"""Words of an aspect."""
_REACH = 6
"""Words between an aspect and the word of opinion."""
_NEGATION_REACH = 3
_ENDS = frozenset(".!?;。！？；…")
_BREAKS: dict[Language, frozenset[str]] = {
    "en": _ENDS | {"but", "although", "though", "however"},
    "zh": _ENDS | {"，", ",", "、", "但是", "但", "不过", "就是", "可是", "~", " "},
}
_JOINED: dict[Language, str] = {"en": " ", "zh": ""}


@dataclass(frozen=True, slots=True)
class Aspect:
    """What an opinion is about.

    Attributes:
        name: In lower case; in English the last word is singular.
        start: First character in the review.
        end: After the last one.
        polarity: Of the opinion.
    """

    name: str
    start: int
    end: int
    polarity: Polarity


@dataclass(frozen=True)
class AspectFinder:
    """Finds the aspects of reviews.

    Attributes:
        language: Of the reviews.
        names: What counts as an aspect: sequences of words, the last one singular.
    """

    language: Language
    names: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, language: Language, learned: Sequence[Sequence[str]] = ()) -> AspectFinder:
        """Make one that knows the common aspects of the language and those that were learned."""
        common = opinion_lexicon(language).aspects
        known = {tuple(words) for words in learned} | {(*words[:-1], singular(words[-1], language)) for words in common}
        return cls(language, frozenset(known))

    def find(self, text: str) -> list[Aspect]:
        """Return the aspects of a review, from left to right."""
        words = words_of(read(text), self.language)
        lexicon = opinion_lexicon(self.language)
        return [aspect for first, last in clauses(words, self.language) for aspect in self._in_clause(words, first, last, lexicon)]

    def _in_clause(self, words: Words, first: int, last: int, lexicon: OpinionLexicon) -> Iterator[Aspect]:
        opinions = [(at, sign) for at in range(first, last) if (sign := signed(words.lower, at, first, lexicon))]
        if not opinions:
            return
        for start, end in self._places(words.lower, first, last):
            at, sign = min(opinions, key=lambda opinion: _distance(opinion[0], start, end))
            if 0 < _distance(at, start, end) <= _REACH:
                name = _JOINED[self.language].join([*words.lower[start : end - 1], singular(words.lower[end - 1], self.language)])
                yield Aspect(name, words.spans[start][0], words.spans[end - 1][1], "positive" if sign > 0 else "negative")

    def _places(self, lower: Sequence[str], first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield the longest names, without overlaps."""
        at = first
        while at < last:
            for n in range(min(MAX_WORDS, last - at), 0, -1):
                if self._is_name(lower[at : at + n]):
                    yield at, at + n
                    at += n
                    break
            else:
                at += 1

    def _is_name(self, words: Sequence[str]) -> bool:
        if (*words[:-1], singular(words[-1], self.language)) in self.names:
            return True
        return self.language == "zh" and len(words) > 1 and ("".join(words),) in self.names


def clauses(words: Words, language: Language) -> Iterator[tuple[int, int]]:
    """Yield first and last (exclusive) word of each clause."""
    breaks = _BREAKS[language]
    edges = [-1, *(at for at, word in enumerate(words.lower) if word in breaks), len(words.lower)]
    for before, after in pairwise(edges):
        if after > before + 1:
            yield before + 1, after


def signed(lower: Sequence[str], at: int, first: int, lexicon: OpinionLexicon) -> int:
    """Return 1 where a word praises, -1 where it complains, else 0; a negation shortly before turns it."""
    sign = lexicon.sign(lower[at])
    if not sign:
        return 0
    denied = any(word in lexicon.negations for word in lower[max(first, at - _NEGATION_REACH) : at])
    return -sign if denied else sign


def singular(word: str, language: Language) -> str:
    """Take the plural from an English word; other languages have none here.

    >>> [singular(word, "en") for word in ("batteries", "speakers", "movies", "lens", "tennis", "glass")]
    ['battery', 'speaker', 'movie', 'lens', 'tennis', 'glass']
    """
    return word if language != "en" or word == "lens" or word.endswith("is") else plurals.singular(word)


def _distance(at: int, start: int, end: int) -> int:
    """Return how far a word is from a sequence; 0 within it."""
    return start - at if at < start else max(0, at - end + 1)
