"""Words that mean the same: one file a language, and one of the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from gnn.text.analysis import tokens

Phrase = tuple[str, ...]
_MOST_WORDS = 3
_MOST_VARIANTS = 12


@dataclass(frozen=True)
class Synonyms:
    """Groups of phrases that mean the same.

    Attributes:
        others: Phrase → what else it is called.
    """

    others: Mapping[Phrase, tuple[Phrase, ...]] = field(repr=False)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Synonyms:
        """Read groups, one a line, phrases separated by commas; what follows a # is left out.

        >>> Synonyms.of(["laptop, notebook"]).variants(("laptop", "bag"))
        [('notebook', 'bag')]
        """
        others: dict[Phrase, list[Phrase]] = {}
        for line in lines:
            group = [phrase for text in line.partition("#")[0].split(",") if (phrase := phrase_of(text))]
            for phrase in group:
                known = others.setdefault(phrase, [])
                known.extend(other for other in group if other != phrase and other not in known)
        return cls({phrase: tuple(matches) for phrase, matches in others.items()})

    @classmethod
    def shipped(cls, language: str = "en", own: Path | None = None) -> Synonyms:
        """Return those of a language with those of a shop.

        Args:
            language: ISO 639-1 code; a language without a file has none.
            own: The shop's file, where it has one.
        """
        lines = [*_lines(language)]
        if own is not None and own.is_file():
            lines.extend(own.read_text(encoding="utf-8").splitlines())
        return cls.of(lines)

    def variants(self, words: Sequence[str]) -> list[Phrase]:
        """Return the other ways to say a query, one phrase of it exchanged at a time; the query itself is not among them."""
        matches: dict[Phrase, None] = {}
        for length in range(min(_MOST_WORDS, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                for other in self.others.get(tuple(words[start : start + length]), ()):
                    matches.setdefault((*words[:start], *other, *words[start + length :]))
        matches.pop(tuple(words), None)
        return list(matches)[:_MOST_VARIANTS]


def phrase_of(text: str) -> Phrase:
    """Return the terms of a phrase."""
    return tuple(token.term for token in tokens(text) if token.whole)


@cache
def _lines(language: str) -> tuple[str, ...]:
    path = files("gnn.search").joinpath("data", f"synonyms_{language}.txt")
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
