"""What kind of thing an item is, read from the catalogue itself: a sleeve for laptops is a sleeve.

A kind is a phrase whose last word is its head: ("notebook", "case") is a case. What stands before the head is what it is for or of. Two readings
of a text give kinds: phrases in lower case that many titles repeat among capitals and codes ("Kensington K64343 cable lock Black"), and the
words up to the head of the first noun phrase, which ends at a number with a unit, a comma, a bracket or a preposition. Which words can be heads
is counted over the catalogue: those that often stand last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gnn.text.analysis import folded, stem, tokens

Kind = tuple[str, ...]
"""Terms of a kind; the last one is the head."""

GENERIC = frozenset({"pc", "computer", "device"})
"""Heads that say nothing: a notebook PC is a notebook."""

_COLOURS = frozenset(
    [
        "black",
        "white",
        "grey",
        "gray",
        "silver",
        "blue",
        "red",
        "green",
        "yellow",
        "pink",
        "purple",
        "orange",
        "brown",
        "beige",
        "gold",
        "multicolor",
        "multicolour",
        "metallic",
        "transparent",
        "clear",
        "cyan",
        "magenta",
        "original",
        "compatible",
        "rechargeable",
        "internal",
        "external",
        "indoor",
        "wired",
        "wireless",
        "universal",
    ]
)
_NOT_A_KIND = frozenset(
    [
        "for",
        "with",
        "in",
        "to",
        "from",
        "of",
        "and",
        "the",
        "by",
        "on",
        "at",
        "or",
        "plus",
        "per",
        "not",
        "its",
        "own",
        "are",
        "is",
        "you",
        "your",
        "all",
        "inc",
        "incl",
        "including",
        "over",
        "up",
        "kg",
        "nm",
        "cm",
        "mm",
        "ft",
        "gb",
        "mb",
        "tb",
        "pages",
        "pixels",
        "pc",
        "pcs",
        "com",
        "ppm",
        "dpi",
        "sheets",
        "pieces",
        "inch",
        "inches",
    ]
) | {"black", "white", "grey", "gray", "silver", "blue", "red", "green", "yellow", "pink", "cyan", "magenta"}
_LOWER_RUN = re.compile(r"(?<![\w.-])[a-z][a-z-]{2,}(?:[ /][a-z][a-z-]+)*(?![\w-])")
_LOWER_WORD = re.compile(r"(?<![\w.-])[a-z]{4,}(?![\w-])")
_UNITS = r"cm|m|mm|ft|\"|”|''|gb|tb|mb|w|v|pc\(s\)|pcs|pages|pixels|x|mah|dpi|va|g|kg|ml|inch|in|ports?|channels|l|oz|lb"
_CUT = re.compile(
    rf"[,(\[;|+]|\s[-–—]\s|\b(?:for|with|w/|in|to|from|of|and|f/|incl?|including|plus|by|on)\b"
    rf"|\s\d+(?:[.,]\d+)?\s?(?:{_UNITS})(?![a-z])|\s\d+(?:[.,]\d+)?(?:\"|”|'')",
    re.IGNORECASE,
)
_FOR = re.compile(r"\b(?:for|with|w/|f/|to|from|of|in|by|on|inkl?|incl|including)\b", re.IGNORECASE)
_REPEATED = 3
"""A phrase that fewer titles have is no kind."""
_HEADNESS = 0.25
"""Share of a word's noun phrases that it must end to be a head."""
_LONGEST = 3


@dataclass(frozen=True)
class Kinds:
    """What counts as a kind in one catalogue.

    Attributes:
        phrases: Lower-case phrases that titles repeat.
        heads: Words that can be heads.
    """

    phrases: frozenset[str] = field(repr=False)
    heads: frozenset[str] = field(repr=False)

    @classmethod
    def learn(cls, items: Iterable[tuple[str, str, str]]) -> Kinds:
        """Count what repeats.

        Args:
            items: Title, description and brand of each item.
        """
        runs: Counter[str] = Counter()
        within: Counter[str] = Counter()
        last: Counter[str] = Counter()
        for title, description, brand in items:
            runs.update(set(_lower_runs(title)))
            for text in (title, description):
                words = _noun_phrase(text, brand)
                within.update(set(words))
                last.update(words[-1:])
        phrases = frozenset(run for run, n in runs.items() if n >= _REPEATED)
        heads = frozenset(
            word for word, n in last.items() if n >= _REPEATED and n / (within[word] + 1) >= _HEADNESS and not any(map(str.isdigit, word))
        )
        return cls(phrases, heads)

    def of(self, title: str, description: str, brand: str, categories: Sequence[str] = ()) -> list[Kind]:
        """Return the kinds of an item, each once.

        >>> kinds = Kinds(frozenset({"notebook case"}), frozenset({"case", "notebook", "pc"}))
        >>> kinds.of("Targus CN313 notebook case Black", "", "Targus")
        [('notebook', 'case')]
        >>> kinds.of("HP 530 Notebook PC", "", "HP")
        [('530', 'notebook', 'pc'), ('530', 'notebook')]
        """
        # The first one: what stands further on tells of its parts, or of what it suits ("screen protector Mobile phone").
        matches = [tuple(stem(word) for word in re.split("[ /]", run)) for run in _lower_runs(title) if run in self.phrases][:1]
        named = any(kind[-1] in self.heads for kind in matches)
        for text in (description,) if named else (title, description):
            kind = self._head(_noun_phrase(text, brand), text)
            if kind:
                matches.append(kind)
        matches.extend(kind for category in categories if (kind := tuple(token.term for token in tokens(category) if token.whole)[-_LONGEST:]))
        matches.extend([kind[:-1] for kind in matches if len(kind) > 1 and kind[-1] in GENERIC])
        return list(dict.fromkeys(matches))

    def _head(self, words: Sequence[str], text: str) -> Kind:
        """Return the words up to the head: the last one that can be a head, or is written in lower case in a text that writes names otherwise."""
        lower = set(_LOWER_WORD.findall(text)) if not text.islower() else set()
        for end in range(len(words), 0, -1):
            if words[end - 1] in self.heads or words[end - 1] in lower:
                return tuple(words[max(0, end - _LONGEST) : end])
        return ()


def _lower_runs(title: str) -> list[str]:
    """Return the phrases in lower case before the first preposition; what stands behind one is another thing."""
    matches: list[str] = []
    behind = _FOR.search(title, 1)
    for match in _LOWER_RUN.finditer(title[: behind.start()] if behind else title):
        run: list[str] = []
        for word in [*match[0].split(" "), "for"]:
            if word in _NOT_A_KIND:
                if run:
                    matches.append(" ".join(run))
                run = []
            else:
                run.append(word)
    return matches


def _noun_phrase(text: str, brand: str) -> list[str]:
    if brand and folded(text[: len(brand)]) == folded(brand):
        text = text[len(brand) :]
    cut = _CUT.search(text, 1)
    words = [token.term for token in tokens(text[: cut.start()] if cut else text[:200]) if token.whole]
    while words and words[-1] in _COLOURS:
        words.pop()
    return words
