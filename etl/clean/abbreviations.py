"""A lexicon of a register's abbreviations: titles as a till prints them become titles that a person reads.

One JSON object a line. `{"text": "SFT DRNK", "means": "soft drink"}` replaces words wherever they stand, the longest first; `means` is written
with its own case, and "" drops the words. `{"title": "CANDY BARS (SINGLES)", "means": "candy bars"}` replaces the start of a title. What the
lexicon does not know stays, in lower case. `{"title": "PREMIUM", "in": "BACON", "means": "premium bacon"}` holds in one category only,
and goes before what holds everywhere. Categories are spelled out in the same way. Only titles without a lower-case letter are read so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kg.errors import InputError

_SIZE = re.compile(r"(?<=\s)(?:[(.]?\d|L\s+\d|(?:PT|GAL|CTN|QT|LB|EA)$).*$")
_STRAY = re.compile(r"^(?:L\s+(?=\d)|\(\d+\)\s*|\d{5,}\s+(?=[A-Z]))")
"""What a till prints before a size and means nothing to a shopper."""


@dataclass(frozen=True)
class Abbreviations:
    """A lexicon.

    Attributes:
        starts: How titles begin → what that means; the longest first.
        phrases: Words → what they mean.
        within: Category → how titles in it begin → what that means.
    """

    starts: Mapping[str, str]
    phrases: Mapping[str, str]
    within: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def expand(self, title: str, categories: Iterable[str] = ()) -> str:
        """Return a title as a person reads it.

        Args:
            title: As the register prints it.
            categories: Of the item, as the register prints them.

        >>> Abbreviations({}, {"SFT DRNK": "soft drink", "BTL": "bottle", "OZ": "oz"}).expand("SFT DRNK BTL 12 OZ")
        'Soft drink bottle, 12 oz'
        """
        if title != title.upper() or not any(char.isalpha() for char in title):
            return title
        text = " ".join(title.split())
        own: dict[str, str] = {}
        for category in categories:
            own |= self.within.get(" ".join(category.upper().split()), {})
        starts = {**own, **{start: means for start, means in self.starts.items() if start not in own}} if own else self.starts
        start = next((start for start in starts if text == start or text.startswith(f"{start} ")), "")
        rest = text[len(start) :].strip()
        if start:
            head, size = starts[start], self._words(_STRAY.sub("", rest))
        else:
            match = _SIZE.search(rest)
            cut = match.start() if match else len(rest)
            head, size = self._words(rest[:cut]), self._words(_STRAY.sub("", rest[cut:]))
        whole = ", ".join(part for part in (_tidy(head), _tidy(size)) if part)
        return whole[:1].upper() + whole[1:] if whole else title

    def _words(self, text: str) -> str:
        if not text:
            return ""
        known = self._pattern.sub(lambda match: f"\0{self.phrases[match.group()]}\0", text)
        parts = known.split("\0")
        return "".join(part if n % 2 else part.lower() for n, part in enumerate(parts))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = sorted(self.phrases, key=lambda word: (-len(word), word))
        choice = "|".join(
            (r"(?<![A-Z'])" if word[0].isalpha() else "") + re.escape(word) + (r"(?![A-Z'])" if word[-1].isalpha() else "") for word in words
        )
        return re.compile(choice or r"(?!)")


def read_abbreviations(path: Path) -> Abbreviations:
    """Read a lexicon.

    Raises:
        InputError: The file is missing, or a line is no entry; the message names it.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"abbreviations {path}: {error}", hint="name a JSONL file in UTF-8") from None
    starts: dict[str, str] = {}
    phrases: dict[str, str] = {}
    within: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        key = next((key for key in ("title", "text") if isinstance(row, dict) and isinstance(row.get(key), str) and row[key].strip()), None)
        if not isinstance(row, dict) or key is None or not _is_entry(row, key):
            hint = 'write {"text": "SFT DRNK", "means": "soft drink"} or {"title": …, "means": …}'
            raise InputError(f"{path.name}, line {number}: {line[:60]!r} is no abbreviation", hint=hint)
        known = within.setdefault(" ".join(row["in"].upper().split()), {}) if "in" in row else starts if key == "title" else phrases
        known[" ".join(row[key].upper().split())] = row["means"]
    return Abbreviations(dict(sorted(starts.items(), key=lambda pair: (-len(pair[0]), pair[0]))), phrases, within)


def _is_entry(row: Mapping[str, object], key: str) -> bool:
    allowed = ({key, "means"}, {key, "means", "in"}) if key == "title" else ({key, "means"},)
    return set(row) in allowed and all(isinstance(value, str) for value in row.values())


def _tidy(text: str) -> str:
    """Mend the punctuation that a register leaves: open brackets, dashes and colons for commas, doubled blanks."""
    text = re.sub(r"\s*\(\s*\)", " ", text)
    if text.count("(") != text.count(")"):
        text = text.replace("(", ", ").replace(")", " ")
    text = re.sub(r"\s+-\s*|\s*-\s+|\s*:\s*|\s*;\s*", ", ", text)
    text = re.sub(r"\s*&\s*", " & ", text)
    text = re.sub(r"\s*,(?:\s*,)*\s*", ", ", text)
    return re.sub(r"\s+", " ", text).strip(" ,-/&:")
