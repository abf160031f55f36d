"""Brands that the shop's own structured field names, found in the titles of items that lack one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from kg.extract.lexicon import placeholders
from kg.extract.reading import Mention, Region

MIN_CONFIDENCE = 0.5
MAX_CONFIDENCE = 0.95
_PRIOR_RIGHT, _PRIOR_SEEN = 1.5, 2.0
_MAX_WORDS = 6
_WORD = re.compile(r"[^\W_]+(?:['’.&][^\W_]+)*")
_SUFFIXES = frozenset({"inc", "llc", "ltd", "co", "corp", "gmbh", "cosmetics", "company", "brand", "beauty", "professional"})

Key = tuple[str, ...]
"""A name's words in lower case."""


@dataclass(frozen=True, slots=True)
class Name:
    """How a brand's name behaves in the titles whose brand is known.

    Attributes:
        brand: The brand as the shop writes it.
        at_start: Share of the titles starting with the name that are of this brand, smoothed.
        elsewhere: The same for names within titles.
        ordinary: The name is also an ordinary word: titles write it in lower case.
    """

    brand: str
    at_start: float
    elsewhere: float
    ordinary: bool


class Gazetteer:
    """The shop's brands and how far each name can be trusted in a title.

    A name counts as much as it was right in the titles whose brand is known: "Simple" at the start of a title usually is the brand, within
    one it hardly ever is. A name that titles also write in lower case needs its capital, or the start of the title where all is capitals.

    Args:
        names: Name in lower-case words → what is known of it.
    """

    def __init__(self, names: Mapping[Key, Name]) -> None:
        self._names = dict(names)
        self._first: dict[str, list[int]] = defaultdict(list)
        for key in self._names:
            if len(key) not in self._first[key[0]]:
                self._first[key[0]].append(len(key))
        for lengths in self._first.values():
            lengths.sort(reverse=True)

    def __len__(self) -> int:
        return len(self._names)

    @classmethod
    def learn(cls, items: pl.DataFrame, titles: Iterable[str] | None = None) -> Gazetteer:
        """Learn from the items whose brand is stated.

        Args:
            items: Items (`kg.tables.items_table`).
            titles: The gazetteer will only be asked about these: names that none of them holds are known, but not how far to trust them. Much
                quicker where there are few.
        """
        known = items.select("title", "brand").drop_nulls().unique(maintain_order=True)
        spellings: dict[Key, Counter[str]] = defaultdict(Counter)
        for brand, count in known["brand"].value_counts().sort("brand").iter_rows():
            for key in _keys(brand):
                spellings[key][brand] += count
        empty = cls({key: Name(min(brands, key=lambda b: (-brands[b], b)), 1.0, 1.0, ordinary=False) for key, brands in spellings.items()})
        if titles is not None:
            known = with_words(known, "title", {key[0] for title in titles for key, _, _ in empty._occurrences(title)})
        right: Counter[tuple[Key, bool]] = Counter()
        seen: Counter[tuple[Key, bool]] = Counter()
        lower: Counter[Key] = Counter()
        for title, brand in known.iter_rows():
            own = _keys(brand)
            for key, start, end in empty._occurrences(title):
                at_start = start == 0
                seen[key, at_start] += 1
                right[key, at_start] += key in own
                lower[key] += title[start:end].islower() and key not in own
        return cls(
            {
                key: Name(name.brand, _share(right, seen, key, start=True), _share(right, seen, key, start=False), ordinary=lower[key] > 0)
                for key, name in empty._names.items()
            }
        )

    def names_in(self, titles: Iterable[str]) -> dict[Key, Name]:
        """Return the names that these titles hold, with what is known of them."""
        return {key: self._names[key] for title in titles for key, _, _ in self._occurrences(title)}

    def keys(self) -> set[Key]:
        """Return all names."""
        return set(self._names)

    def find(self, title: str) -> Mention | None:
        """Return the best brand mention of a title, or None where no name is trusted enough."""
        best: Mention | None = None
        shouted = title.isupper()
        for key, start, end in self._occurrences(title):
            name, surface = self._names[key], title[start:end]
            confidence = min(MAX_CONFIDENCE, name.at_start if start == 0 else name.elsewhere)
            if start and name.ordinary and (shouted or not surface[:1].isupper()):
                continue
            if confidence >= MIN_CONFIDENCE and (best is None or (confidence, end - start) > (best.confidence, best.end - best.start)):
                best = Mention("has_brand", name.brand, start, end, surface, confidence)
        return best

    def _occurrences(self, title: str) -> Iterable[tuple[Key, int, int]]:
        words = [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(title)]
        n, position = len(words), 0
        while position < n:
            length = self._longest(words, position, n)
            if length:
                yield tuple(word for word, _, _ in words[position : position + length]), words[position][1], words[position + length - 1][2]
            position += length or 1

    def _longest(self, words: Sequence[tuple[str, int, int]], position: int, n: int) -> int:
        for length in self._first.get(words[position][0], ()):
            if position + length <= n and tuple(word for word, _, _ in words[position : position + length]) in self._names:
                return length
        return 0


def changed_words(before: pl.DataFrame, after: pl.DataFrame, changed: Sequence[str]) -> set[str]:
    """Return the first words of all names that are trusted differently after some items changed; only titles that hold one read differently.

    Args:
        before: All items before.
        after: All items after.
        changed: Ids of the items that differ, came or went.
    """
    both = [frame.filter(pl.col("item_id").is_in(changed)).select("title", "brand").drop_nulls() for frame in (before, after)]
    pairs = pl.concat(both).unique()
    if not pairs.height:
        return set()
    all_keys = [{key for brand in frame["brand"].drop_nulls().unique() for key in _keys(brand)} for frame in (before, after)]
    new_or_gone = all_keys[0] ^ all_keys[1]
    # A new name also takes words away from the names beside it, in every title that holds it.
    beside = [with_words(frame.select("title", "brand").drop_nulls(), "title", {key[0] for key in new_or_gone})["title"] for frame in (before, after)]
    titles = pl.concat([pairs["title"], *beside]).unique().sort().to_list()
    # Its spelling is chosen by counting the brand, wherever its name stands.
    titles += [" ".join(key) for brand in pairs["brand"].unique() for key in _keys(brand)]
    old, new = (Gazetteer.learn(frame, titles) for frame in (before, after))
    names = [gazetteer.names_in(titles) for gazetteer in (old, new)]
    differing = {key for key in names[0].keys() | names[1].keys() if old._names.get(key) != new._names.get(key)}
    return {key[0] for key in differing | new_or_gone}


def with_words(frame: pl.DataFrame, column: str, words: Iterable[str]) -> pl.DataFrame:
    """Return the rows whose text holds one of these lower-case words, and perhaps some more."""
    wanted = sorted(set(words))
    return frame.filter(pl.col(column).str.to_lowercase().str.contains_any(wanted)) if wanted else frame.clear()


def brand_regions(text: str, brand: str) -> list[Region]:
    """Return where a text names a brand, whatever the case; words within are not colours or scents.

    >>> brand_regions("Red Apple lipstick, red", "RED APPLE")
    [(0, 9)]
    """
    words = [re.escape(word) for word in _WORD.findall(brand)]
    if not words:
        return []
    pattern = r"(?<![^\W_])" + r"[\W_]+".join(words) + r"(?![^\W_])"
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _keys(brand: str) -> list[Key]:
    """Return the names of a brand: its words, and those without what companies append ("e.l.f. Cosmetics" → "e.l.f")."""
    words = tuple(match.group().lower() for match in _WORD.finditer(brand))
    if not words or len(words) > _MAX_WORDS or brand.strip().lower() in placeholders() or len("".join(words)) < 2 or "".join(words).isdigit():
        return []
    keys = [words]
    if len(words) > 1 and words[-1] in _SUFFIXES and len("".join(words[:-1])) > 2:
        keys.append(words[:-1])
    return keys


def _share(right: Counter[tuple[Key, bool]], seen: Counter[tuple[Key, bool]], key: Key, *, start: bool) -> float:
    # A name never seen in a title: trusted a little at the start, not within.
    prior = _PRIOR_RIGHT if start else _PRIOR_SEEN * 0.45
    return (right[key, start] + prior) / (seen[key, start] + _PRIOR_SEEN)
