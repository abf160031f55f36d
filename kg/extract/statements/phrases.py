"""The noun phrases of an English title: runs of words between prepositions, commas, brackets and numbers.

Word lists are data (`patterns/heads_en.jsonl`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from kg.extract.lexicon import word_sets

OWN, DOUBTFUL, FOREIGN = "own", "doubtful", "foreign"
"""What a word is to the item: its own, perhaps, or not at all."""

_TOKEN = re.compile(r"([^\W\d_]+(?:['’.&-][^\W\d_]+)*)|\d[\d.,/]*|[^\w\s]")
_BREAKS = frozenset(",;()[]|/–—")
_DASHES = frozenset("-–—")
_LISTS = frozenset({",", "/"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase of a title.

    Attributes:
        words: (word in lower case, start, end).
        lead: The preposition before it; empty for none.
        number_before: Whether a number stands before it.
        number_after: Whether it ends at a number.
        listed: Whether it is a further part of a list: a comma or a stroke stands before it.
        dashed: Whether a dash stands before it.
    """

    words: tuple[tuple[str, int, int], ...]
    lead: str
    number_before: bool
    number_after: bool
    listed: bool
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a word stands in a title.

    Attributes:
        title: The title.
        phrases: Its noun phrases.
        phrase: The one that holds the word.
        surface: The word in lower case.
        end: After its last character.
        before: The words before it in its phrase, in lower case.
        after: Those after it.
        context: Contexts of the item.
    """

    title: str
    phrases: tuple[Phrase, ...]
    phrase: Phrase
    surface: str
    end: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    context: int


def place_of(title: str, start: int, end: int, context: int) -> Place | None:
    """Return where a word stands; None where no phrase holds it."""
    parts = phrases(title)
    phrase = next((one for one in parts if one.words[0][1] <= start < one.words[-1][2]), None)
    if phrase is None:
        return None
    before = tuple(word for word, _, stop in phrase.words if stop <= start)
    after = tuple(word for word, begin, _ in phrase.words if begin >= end)
    return Place(title, parts, phrase, title[start:end].lower(), end, before, after, context)


@lru_cache(maxsize=4096)
def title_words(title: str) -> frozenset[str]:
    """Return the words of a title in lower case."""
    return frozenset(word for phrase in phrases(title) for word, _, _ in phrase.words)


@lru_cache(maxsize=4096)
def phrases(title: str) -> tuple[Phrase, ...]:
    """Return the noun phrases of a title in order."""
    leads = _leads()
    result: list[Phrase] = []
    words: list[tuple[str, int, int]] = []
    lead, numbered, listed, dashed = "", False, False, False
    for match in _TOKEN.finditer(title):
        token = match.group().lower()
        if match.lastindex and token not in leads and token[0].isalpha():
            words.append((token, *match.span()))
            continue
        if match.group() in {"w", "W"} and title[: match.start()].rstrip()[-1:].isdigit():
            # Watts: "750 W black" has nothing with it.
            continue
        number = token[0].isdigit()
        loose = token in _DASHES and title[match.start() - 1 : match.start()] == " "
        if not (number or loose or token in _BREAKS or token in leads):
            continue
        if lead and not words and _goes_on(lead, token, number=number):
            numbered = number
            continue
        if words:
            result.append(Phrase(tuple(words), lead, numbered, number, listed, dashed))
        words, lead, numbered, listed, dashed = [], token if token in leads else "", number, token in _LISTS, token in _DASHES
    result.append(Phrase(tuple(words), lead, numbered, number_after=False, listed=listed, dashed=dashed))
    return tuple(phrase for phrase in result if phrase.words)


def _goes_on(lead: str, mark: str, *, number: bool) -> bool:
    """Say whether a preposition's phrase goes on: "with 1 free refill", "w/ glass door"."""
    return number or (mark == "/" and lead == "w")


@cache
def _leads() -> frozenset[str]:
    return word_lists()["purpose"] | word_lists()["part"] | {"in", "by", "from", "without"}


@cache
def word_lists() -> dict[str, frozenset[str]]:
    """Return the word lists by kind."""
    return word_sets("heads_en.jsonl")
