"""Words that the catalogue lacks, as it may know them: misspelt, written as two words, or as one.

A word that the catalogue has is never corrected. Candidates are words of letters that at least two items have; of those with the fewest edits the one
with the same first letter stands first, then the most frequent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

_FEWEST = 2
"""Items that must have a word before another is corrected to it."""
_SHORTEST = 4
_TWO_EDITS = 7
"""From this length on two edits are corrected."""
_SHORTEST_PART = 3


@dataclass(frozen=True)
class Speller:
    """Corrects words by a catalogue's vocabulary.

    Attributes:
        df: Items per term.
    """

    df: Mapping[str, int] = field(repr=False)

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        matches: dict[int, list[str]] = {}
        for term, n in self.df.items():
            if n >= _FEWEST and term.isalpha():
                matches.setdefault(len(term), []).append(term)
        return matches

    def knows(self, word: str) -> bool:
        """Say whether an item has the word."""
        return self.df.get(word, 0) > 0

    def correction(self, word: str) -> str | None:
        """Return what was probably meant, or None.

        >>> Speller({"keyboard": 5, "key": 9}).correction("keybaord")
        'keyboard'
        """
        if self.knows(word) or len(word) < _SHORTEST or not word.isalpha():
            return None
        most = 2 if len(word) >= _TWO_EDITS else 1
        choices = [term for length in range(len(word) - most, len(word) + most + 1) for term in self._by_length.get(length, ())]
        matches = process.extract(word, choices, scorer=OSA.distance, score_cutoff=most, limit=20)
        ranked = sorted(matches, key=lambda one: (one[1], one[0][0] != word[0], -self.df[one[0]], one[0]))
        return str(ranked[0][0]) if ranked else None

    def split(self, word: str) -> tuple[str, str] | None:
        """Return the two words of the catalogue that one was written of, or None.

        >>> Speller({"memory": 5, "card": 9}).split("memorycard")
        ('memory', 'card')
        """
        if self.knows(word) or not word.isalpha():
            return None
        cuts = [(word[:at], word[at:]) for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]
        known = [(min(self.df.get(first, 0), self.df.get(second, 0)), first, second) for first, second in cuts]
        best = max(known, default=(0, "", ""))
        return (best[1], best[2]) if best[0] >= _FEWEST else None

    def joined(self, words: Sequence[str]) -> list[tuple[int, str]]:
        """Return the places at which two neighbouring words are one word of the catalogue, and that word.

        >>> Speller({"smartwatch": 5}).joined(["smart", "watch"])
        [(0, 'smartwatch')]
        """
        pairs = [(place, words[place] + words[place + 1]) for place in range(len(words) - 1)]
        return [(place, pair) for place, pair in pairs if pair.isalpha() and self.df.get(pair, 0) >= _FEWEST]
