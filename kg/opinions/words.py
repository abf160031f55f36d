"""Words of a review with their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import rjieba

from kg.opinions.reading import Language

_ENGLISH = re.compile(r"[A-Za-z]+(?:[-&][A-Za-z]+)*(?:['’][A-Za-z]+)?|\d+(?:[.,:/]\d+)*|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Words:
    """A text cut into words.

    Attributes:
        lower: In lower case, punctuation included.
        spans: First character and the one after the last, of each.
    """

    lower: Sequence[str]
    spans: Sequence[tuple[int, int]]


def words_of(text: str, language: Language) -> Words:
    """Cut a text into words, without blanks.

    >>> words_of("Don't  buy!", "en").lower
    ["don't", 'buy', '!']
    >>> words_of("屏幕很好", "zh").spans
    [(0, 2), (2, 3), (3, 4)]
    """
    if language == "en":
        matches = list(_ENGLISH.finditer(text))
        return Words([match.group().lower().replace("’", "'") for match in matches], [match.span() for match in matches])
    tokens = [(word.lower(), start, end) for word, start, end in rjieba.tokenize(text) if not word.isspace()]
    return Words([word for word, _, _ in tokens], [(start, end) for _, start, end in tokens])
