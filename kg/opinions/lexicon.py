"""Words of opinion, and the aspects that reviews commonly speak of, per language: our own lists, as data.

The reviews of a shop bring more of both: weights of words are learned from labels, and aspects by how often they are spoken of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from kg.opinions.reading import Language


@dataclass(frozen=True)
class OpinionLexicon:
    """Words of opinion of a language.

    Attributes:
        positive: Words that praise.
        negative: Words that complain.
        negations: Words that turn what follows.
        aspects: What is commonly spoken of, each a sequence of words.
        no_aspects: Words that are no aspect, however often they are used.
    """

    positive: frozenset[str]
    negative: frozenset[str]
    negations: frozenset[str]
    aspects: frozenset[tuple[str, ...]]
    no_aspects: frozenset[str]

    def sign(self, word: str) -> int:
        """Return 1 for praise, -1 for complaint, else 0."""
        return (word in self.positive) - (word in self.negative)


@cache
def opinion_lexicon(language: Language) -> OpinionLexicon:
    """Return the lists of a language; they are read once."""
    positive, negative, negations, no_aspects = (frozenset(_words(language, name)) for name in ("positive", "negative", "negations", "no_aspects"))
    return OpinionLexicon(positive, negative, negations, frozenset(_aspects(language)), no_aspects)


def _words(language: Language, name: str) -> list[str]:
    return files("kg.opinions").joinpath("data", f"{language}.{name}.txt").read_text(encoding="utf-8").split()


def _aspects(language: Language) -> list[tuple[str, ...]]:
    """Chinese aspects are kept as they are written; the finder joins its words."""
    lines = files("kg.opinions").joinpath("data", f"{language}.aspects.txt").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split()) for line in lines if line.strip()]
