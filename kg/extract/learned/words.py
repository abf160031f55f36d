"""Words of a text with their places: catalogue writing cut so that a value ends where a word does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kg.extract.learned.data.gold import Example

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W_]+(?:[.][^\W_]+)*|[^\w\s]|_")
# "18W", "3cm", "7/8x8": a number and what follows it are two words. Codes ("601H60F1") stay whole.
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)*)([A-Za-z]{1,6})(?=$|\d)")
_MEASURE_WORD = re.compile(r"\d+(?:[.,]\d+)*[A-Za-z]{1,6}(?:\d+(?:[.,]\d+)*)?")
# "KitPart", "WhiteALTERNATE": two words that lost the blank between them.
_GLUED = re.compile(r"(?<=[a-z]{2})(?=[A-Z][A-Za-z]{2})|(?<=[a-z0-9])(?=[.][A-Z])|(?<=[a-z0-9][.])(?=[A-Z])")
_MAX_REST = 3
_MIN_STEM = 3
_MIN_STEM_COUNT = 2
MAX_WORDS = 600
"""Words of a text that are read."""


@dataclass(frozen=True)
class Words:
    """A text cut into words, its fields one after the other.

    Attributes:
        words: As written.
        lower: In lower case.
        field: Number of the field each is in.
        start: First character within the field.
        end: After the last character within the field.
        texts: The fields' texts.
        keys: The fields' keys.
    """

    words: tuple[str, ...]
    lower: tuple[str, ...]
    field: tuple[int, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]
    texts: tuple[str, ...]
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.words)

    def surface(self, first: int, last: int) -> str:
        """Return the characters from word `first` up to and with word `last`, which are in one field."""
        return self.texts[self.field[first]][self.start[first] : self.end[last]]

    def find(self, value: str) -> list[tuple[int, int]]:
        """Return (first, last) of every place where a value stands as whole words, from left to right, without overlaps."""
        result: list[tuple[int, int]] = []
        stripped = value.strip()
        begins: dict[tuple[int, int], int] = {(f, s): n for n, (f, s) in enumerate(zip(self.field, self.start, strict=True))}
        ends: dict[tuple[int, int], int] = {(f, e): n for n, (f, e) in enumerate(zip(self.field, self.end, strict=True))}
        for number, text in enumerate(self.texts):
            at = text.find(stripped) if stripped else -1
            while at >= 0:
                first, last = begins.get((number, at)), ends.get((number, at + len(stripped)))
                if first is not None and last is not None:
                    result.append((first, last))
                    at = text.find(stripped, at + len(stripped))
                else:
                    at = text.find(stripped, at + 1)
        return result


class Splitter:
    """Cuts texts into words.

    Args:
        stems: Beginnings of words that are values of their own ("men" of "Mens").
    """

    def __init__(self, stems: Collection[str] = ()) -> None:
        self.stems = frozenset(stems)
        self._pieces = lru_cache(maxsize=100_000)(self._cut)

    @classmethod
    def learn(cls, examples: Iterable[Example]) -> Splitter:
        """Learn the stems: values that gold finds at the beginning of longer words, more than once."""
        counts: Counter[str] = Counter()
        for example in examples:
            for values in (example.gold or {}).values():
                for value in values:
                    counts.update(_stems(value.strip(), [text for _, text in example.fields]))
        return cls(sorted(stem for stem, count in counts.items() if count >= _MIN_STEM_COUNT))

    def split(self, fields: Sequence[tuple[str, str]]) -> Words:
        """Cut the fields of a text."""
        rows: list[tuple[str, int, int, int]] = []
        for number, (_, text) in enumerate(fields):
            for match in _WORD.finditer(text):
                at = match.start()
                for piece in self._pieces(match.group()):
                    rows.append((piece, number, at, at + len(piece)))
                    at += len(piece)
        rows = rows[:MAX_WORDS]
        words, numbers, starts, ends = (tuple(column) for column in zip(*rows, strict=True)) if rows else ((), (), (), ())
        return Words(
            words, tuple(w.lower() for w in words), numbers, starts, ends, tuple(text for _, text in fields), tuple(key for key, _ in fields)
        )

    def _cut(self, word: str) -> tuple[str, ...]:
        if word[0].isdigit() and _MEASURE_WORD.fullmatch(word):
            return tuple(piece for piece in re.split(r"(\d+(?:[.,]\d+)*)", word) if piece)
        pieces: list[str] = []
        for part in _GLUED.split(word):
            stem = self._stem(part)
            pieces += [part[:stem], part[stem:]] if stem else [part]
        return tuple(pieces)

    def _stem(self, word: str) -> int:
        if not self.stems or not word.isalpha():
            return 0
        lower = word.lower()
        return next((n for n in range(len(word) - 1, max(len(word) - _MAX_REST, _MIN_STEM) - 1, -1) if lower[:n] in self.stems), 0)


def _stems(value: str, texts: Sequence[str]) -> set[str]:
    """Return the last word of a value where a text goes on in the middle of a word."""
    last = re.search(r"[^\W\d_]+$", value)
    if not last or len(last.group()) < _MIN_STEM:
        return set()
    whole = re.compile(r"(?<!\w)" + re.escape(value) + r"(?!\w)")
    within = re.compile(r"(?<!\w)" + re.escape(value) + rf"[^\W\d_]{{1,{_MAX_REST}}}(?!\w)")
    stands = any(whole.search(text) for text in texts)
    return {last.group().lower()} if not stands and any(within.search(text) for text in texts) else set()


def shape(word: str) -> str:
    """Return the shape of a word: letters and digits as classes, runs shortened.

    >>> shape("WF2750dw"), shape("Acme")
    ('XXddxx', 'Xxx')
    """
    out: list[str] = []
    for char in word[:24]:
        kind = "d" if char.isdigit() else "X" if char.isupper() else "x" if char.isalpha() else char
        if len(out) < 2 or not (out[-1] == out[-2] == kind):
            out.append(kind)
    return "".join(out)
