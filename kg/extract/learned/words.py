"""Words of a text with their places, and what a conditional random field sees of each.

Letters and digits part ("40mm" is "40" and "mm") and so do joined words ("DriveIn"): values end there. What was joined is kept as the chunk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

_TOKEN = re.compile(r"[^\W\d_]+?(?=(?<=[^\W\d_A-Z])[A-Z][^\W\d_])|[^\W\d_]+|\d+(?:[.,]\d+)*|[^\w\s]|_")
_CHUNK = re.compile(r"\w+(?:[-'.’]\w+)*|[^\w\s]")
_SHAPES = ((re.compile(r"[A-Z]"), "X"), (re.compile(r"[^\W\d_A-Z]"), "x"), (re.compile(r"\d"), "9"))
_REPEAT = re.compile(r"(.)\1+")
MAX_TOKENS = 2000
"""Words read of one text; what follows is not looked at, so that one page-long description cannot hold up a batch."""

BREAK = "¶"
"""Stands between the fields of a line; never part of a value."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a line.

    Attributes:
        text: As written.
        lower: In lower case.
        field: Position of the text field it stands in.
        start: First character in that field.
        end: One past its last character.
        chunk: Number of the blank- or punctuation-bounded chunk that it is part of.
    """

    text: str
    lower: str
    field: int
    start: int
    end: int
    chunk: int


def tokens_of(texts: Sequence[str]) -> list[Token]:
    """Split the text fields of a line into words, a `BREAK` between fields.

    >>> [token.text for token in tokens_of(["Lure 40mm DriveIn", "3.5 oz"])]
    ['Lure', '40', 'mm', 'Drive', 'In', '¶', '3.5', 'oz']
    """
    tokens: list[Token] = []
    chunk = 0
    for field, text in enumerate(texts):
        if field:
            tokens.append(Token(BREAK, BREAK, field, 0, 0, chunk := chunk + 1))
        ends = [match.end() for match in _CHUNK.finditer(text)]
        place = 0
        for match in _TOKEN.finditer(text):
            while place < len(ends) and ends[place] <= match.start():
                place += 1
            tokens.append(Token(match[0], match[0].lower(), field, match.start(), match.end(), chunk + 1 + place))
            if len(tokens) >= MAX_TOKENS:
                return tokens
        chunk += 1 + len(ends)
    return tokens


def shape_of(text: str) -> str:
    """Return the shape of a word, repeats folded.

    >>> shape_of("YA24a"), shape_of("10,000")
    ('X9x', '9,9')
    """
    for pattern, letter in _SHAPES:
        text = pattern.sub(letter, text)
    return _REPEAT.sub(r"\1", text)


def word_features(tokens: Sequence[Token], texts: Sequence[str], category: str) -> list[list[str]]:
    """Return the features of each word that no attribute changes: words around it, shapes, affixes, place, crossed with the category.

    Shapes: one list of strings per word.
    """
    n = len(tokens)
    lower = ["^"] * 3 + [t.lower for t in tokens] + ["$"] * 3
    shapes = ["^"] + [shape_of(t.text) for t in tokens] + ["$"]
    chunks = _chunks(tokens, texts)
    names = [""] + chunks + [""]
    first = _firsts(tokens)
    nesting = list(accumulate((1 if t.text in "([" else -1 if t.text in ")]" else 0 for t in tokens), initial=0))
    rows = []
    for i, token in enumerate(tokens):
        j = i + 3
        w, s = lower[j], shapes[i + 1]
        place = first[i]
        near = str(place) if place < 4 else "m"
        left = n - i
        last = str(left) if left < 4 else "m"
        joined = tokens[i - 1].chunk == token.chunk if i else False
        row = [
            "1", f"w={w}", f"w-1={lower[j - 1]}", f"w+1={lower[j + 1]}", f"w-2={lower[j - 2]}", f"w+2={lower[j + 2]}", f"w-3={lower[j - 3]}", f"w+3={lower[j + 3]}",
            f"b-={lower[j - 1]}|{w}", f"b+={w}|{lower[j + 1]}", f"p3={w[:3]}", f"s3={w[-3:]}", f"s2={w[-2:]}", f"p1={token.text[0]}",
            f"s={s}", f"s-1={shapes[i]}", f"s+1={shapes[i + 2]}", f"ss={shapes[i]}|{s}|{shapes[i + 2]}", f"c={names[i + 1]}", f"cs={shape_of(names[i + 1])}", f"j={joined}",
            f"at={near}", f"last={last}", f"f={token.field}", f"fat={token.field}|{near}", f"in={nesting[i] > 0}",
            f"K={category}", f"Kw={category}|{w}", f"Kw-={category}|{lower[j - 1]}", f"Kw+={category}|{lower[j + 1]}", f"Ks={category}|{s}", f"Kat={category}|{near}|{token.field}",
        ]  # fmt: skip
        rows.append(row)
    return rows


def _firsts(tokens: Sequence[Token]) -> list[int]:
    """Return the place of each word within its field."""
    places = []
    place = field = 0
    for token in tokens:
        place = 0 if token.field != field else place
        field = token.field
        places.append(place)
        place += 1
    return places


def _chunks(tokens: Sequence[Token], texts: Sequence[str]) -> list[str]:
    """Return the whole chunk around each word, in lower case."""
    spans: dict[int, tuple[int, int, int]] = {}
    for token in tokens:
        _, start, _ = spans.get(token.chunk, (0, token.start, 0))
        spans[token.chunk] = (token.field, start, token.end)
    names = {chunk: texts[field][start:end].lower() for chunk, (field, start, end) in spans.items()}
    return [names[token.chunk] for token in tokens]
