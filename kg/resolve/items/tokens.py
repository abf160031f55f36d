"""What the matcher sees of a record: words, numbers and model codes of each column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from kg.resolve.items.records import Record

_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_CHUNK = re.compile(r"[^\W_][\w./\-]*[^\W_]|[^\W_]")
_PUNCTUATION = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_MIN_CODE = 4
_LONG_NUMBER = 5


def words(text: str) -> list[str]:
    """Split a text into runs of letters and numbers, so that "4gb" and "4 gb" read alike.

    >>> words("kingston 4gb ddr2-800 v2.50")
    ['kingston', '4', 'gb', 'ddr', '2', '800', 'v', '2.5']
    """
    return [_canonical_number(word) if word[0].isdigit() else _singular(word) for word in _WORD.findall(text)]


def _canonical_number(word: str) -> str:
    whole, _, fraction = word.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def chunks(text: str) -> list[str]:
    """Split a text at blanks into squashed chunks: "kx-tg1032s" → "kxtg1032s"."""
    return [_PUNCTUATION.sub("", chunk) for chunk in _CHUNK.findall(text)]


def is_code(chunk: str) -> bool:
    """Say whether a squashed chunk looks like a model or part number.

    >>> [is_code(chunk) for chunk in ("kxtg1032s", "4gb", "26135", "2007", "black")]
    [True, False, True, False, False]
    """
    if len(chunk) < _MIN_CODE or not any(map(str.isdigit, chunk)):
        return False
    return not chunk.isdigit() or len(chunk) >= _LONG_NUMBER


@dataclass(frozen=True)
class Text:
    """One text, cut up once and compared many times."""

    raw: str

    @cached_property
    def words(self) -> list[str]:
        """Words and numbers in order."""
        return words(self.raw)

    @cached_property
    def word_set(self) -> frozenset[str]:
        """Distinct words and numbers."""
        return frozenset(self.words)

    @cached_property
    def joined(self) -> str:
        """Words with single blanks between them."""
        return " ".join(self.words)

    @cached_property
    def squashed(self) -> str:
        """Letters and digits only, without blanks."""
        return _PUNCTUATION.sub("", self.raw)

    @cached_property
    def chunk_set(self) -> frozenset[str]:
        """Distinct squashed chunks."""
        return frozenset(chunks(self.raw))

    @cached_property
    def codes(self) -> frozenset[str]:
        """Chunks that look like model or part numbers."""
        return frozenset(chunk for chunk in self.chunk_set if is_code(chunk))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Distinct numbers."""
        return frozenset(word for word in self.words if word[0].isdigit())

    @cached_property
    def number(self) -> float | None:
        """The text read as one number, or None."""
        numbers = _NUMBER.findall(self.raw.replace(",", ""))
        return float(numbers[0]) if len(numbers) == 1 and float(numbers[0]) > 0 else None


@dataclass(frozen=True)
class Document:
    """A record cut into texts.

    Attributes:
        columns: Column → its text.
        whole: All columns but the numeric ones as one text.
    """

    columns: dict[str, Text]
    whole: Text

    @classmethod
    def of(cls, record: Record, *, numeric: frozenset[str]) -> Document:
        """Cut up one record; `numeric` columns stay out of `whole`."""
        return cls({name: Text(value) for name, value in record.items()}, Text(" ".join(v for k, v in record.items() if k not in numeric)))


EMPTY = Text("")
