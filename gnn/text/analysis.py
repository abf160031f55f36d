"""Texts and queries as terms with their places: the one analysis that the index, the queries and the explanation share.

A term is a lower-case word without its plural, a number, or, in Chinese and Japanese, a word and every pair of characters. Words that letters, digits
and dashes make together ("dv7-1211ea", "cat5e", "wi-fi") are indexed whole without the dashes, and their parts beside that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import rjieba

from kg.plurals import singular

MAX_CHARS = 4_000
"""Of a text; what is longer says nothing new of an item."""

STOP_WORDS = frozenset({"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "w", "f", "pc(s)", "的", "和"})

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]+|\d+[.,]\d+(?![\d.])|[^\W_{_CJK}]+(?:[-.'’/+][^\W_{_CJK}]+)*")
_PARTS = re.compile(r"[^\W_]+")
_RUNS = re.compile(r"\d+|[^\W\d_]+")
_DECIMAL = re.compile(r"\d+(?:[.,]\d+)?")
_MARKS = str.maketrans("", "", "®™©")


Part = tuple[str, int, int, bool]
"""Term, first character and the one after the last within a word, and whether it is the word itself."""


@dataclass(frozen=True, slots=True)
class Token:
    """One term of a text.

    Attributes:
        term: What is looked up.
        start: First character.
        end: After the last one.
        place: Number of the word in the text; terms of one word share it.
        whole: Whether it is the word itself, not a part of it.
    """

    term: str
    start: int
    end: int
    place: int
    whole: bool = True


def tokens(text: str) -> list[Token]:
    """Return the terms of a text, stop words left out.

    >>> [token.term for token in tokens("HP Pavilion dv7-1211ea Laptops, 17 inch")]
    ['hp', 'pavilion', 'dv71211ea', 'dv7', '1211ea', 'laptop', '17', 'inch']
    >>> [token.term for token in tokens("测试工具箱")][:4]
    ['测试', '试工', '工具', '测试工具']
    """
    matches: list[Token] = []
    for place, match in enumerate(_WORD.finditer(text[:MAX_CHARS])):
        start = match.start()
        matches.extend(Token(term, start + first, start + last, place, whole) for term, first, last, whole in _analysed(match[0]))
    return matches


@lru_cache(maxsize=200_000)
def _analysed(word: str) -> tuple[Part, ...]:
    parts = _chinese(word) if _is_cjk(word) else _latin(word)
    return tuple(part for part in parts if part[0] not in STOP_WORDS)


def folded(text: str) -> str:
    """Return a text as it is compared: full-width forms made narrow, marks and accents taken away, lower case; the length may change.

    >>> folded("Ｎｏｔｅｂｏｏｋ Café Core™2")
    'notebook cafe core2'
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text.translate(_MARKS)))
    return unicodedata.normalize("NFC", "".join(char for char in plain if not unicodedata.combining(char))).lower()


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Take the plural from a word of Latin letters; words with digits and short ones stay as they are.

    >>> [stem(word) for word in ("batteries", "laptops", "boxes", "wireless", "ps4", "headphones", "us")]
    ['battery', 'laptop', 'box', 'wireless', 'ps4', 'headphone', 'us']
    """
    return singular(word) if word.isalpha() else word


def joined(word: str) -> str:
    """Return a word without what joins its parts: "dv7-1211ea" is "dv71211ea"."""
    return "".join(_PARTS.findall(word))


def _latin(word: str) -> Iterator[Part]:
    end = len(word) - 2 if word.endswith(("'s", "’s")) else len(word)
    low = folded(word[:end])
    if _DECIMAL.fullmatch(low):
        yield low.replace(",", "."), 0, end, True
        return
    yield stem(joined(low)), 0, end, True
    parts = list(_PARTS.finditer(word[:end]))
    if len(parts) > 1:
        for part in parts:
            yield stem(folded(part[0])), part.start(), part.end(), False
    elif _measure_like(low):
        for run in _RUNS.finditer(low):
            yield stem(run[0]), 0, end, False


def _measure_like(word: str) -> bool:
    """Say whether a word is a number with a unit or a short code ("17inch", "8gb", "cat6", "usb3"), whose parts are words."""
    runs = _RUNS.findall(word)
    return len(runs) == 2 and runs[0] != runs[1] and len(word) <= 8


def _is_cjk(word: str) -> bool:
    return bool(re.match(rf"[{_CJK}]", word))


def _chinese(text: str) -> Iterator[Part]:
    """Give words as the segmenter finds them, with the words within, and all pairs of characters."""
    seen: set[tuple[str, int]] = set()
    for word, first, last in rjieba.tokenize(text, "search"):
        if (word, first) not in seen and (len(word) > 1 or len(text) == 1):
            seen.add((word, first))
            yield folded(word), first, last, True
    for first in range(len(text) - 1):
        pair = text[first : first + 2]
        if (pair, first) not in seen:
            seen.add((pair, first))
            yield folded(pair), first, first + 2, False
