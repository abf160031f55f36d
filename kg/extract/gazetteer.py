"""Brands that the shop's own structured field names, found in the titles of items that lack one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import polars as pl

from kg.extract.lexicon import placeholders, read_lines
from kg.extract.mentions import Mention, Region

MIN_CONFIDENCE = 0.5
MAX_CONFIDENCE = 0.95
_PRIOR_RIGHT, _PRIOR_SEEN = 1.5, 2.0
_MAX_WORDS = 6
_WORD = re.compile(r"[^\W_]+(?:['’.&][^\W_]+)*")
_LEAD = re.compile(r"([^\W\d_]+) ?& ?([^\W\d_]+)(?![^\W_])")
_LEAD_CHARS = 40
_MIN_IN_CATEGORY, _MIN_SHARE_IN_CATEGORY, _MIN_IN_LINE = 3, 0.9, 2
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
        is_word: All its words are ordinary English words or known names ("Sharp", "Columbia"): a title needs more evidence than the name.
        categories: Narrowest categories in which titles that start with the name are the brand's, nearly always and several times.
        lines: Words that follow the name in several titles of the brand and are no ordinary words: its product lines.
    """

    brand: str
    at_start: float
    elsewhere: float
    ordinary: bool
    is_word: bool = False
    categories: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


class Gazetteer:
    """The shop's brands and how far each name can be trusted in a title.

    A name counts as much as it was right in the titles whose brand is known: "Simple" at the start of a title usually is the brand, within
    one it hardly ever is. A name that titles also write in lower case needs its capital, or the start of the title where all is capitals. A name
    that is an ordinary word ("Pure", "Sharp") is believed only with evidence: a category where it is the brand's, a product line behind it, or
    its capital in a title that writes its other words in lower case.

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
        known = items.select("title", "brand", category=pl.col("categories").list.last()).drop_nulls(["title", "brand"]).unique(maintain_order=True)
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
        places, lines = _Places(), _Lines()
        for title, brand, category in known.iter_rows():
            own = _keys(brand)
            for key, start, end in empty._occurrences(title):
                at_start = start == 0
                seen[key, at_start] += 1
                right[key, at_start] += key in own
                lower[key] += title[start:end].islower() and key not in own
                if at_start and _is_word(key):
                    places.add(key, category, own=key in own)
                    lines.add(key, _next_word(title, end), own=key in own)
        return cls(
            {
                key: Name(
                    name.brand,
                    _share(right, seen, key, start=True),
                    _share(right, seen, key, start=False),
                    ordinary=lower[key] > 0,
                    is_word=_is_word(key),
                    categories=places.of(key),
                    lines=lines.of(key),
                )
                for key, name in empty._names.items()
            }
        )

    def names_in(self, titles: Iterable[str]) -> dict[Key, Name]:
        """Return the names that these titles hold, with what is known of them."""
        return {key: self._names[key] for title in titles for key, _, _ in self._occurrences(title)}

    def keys(self) -> set[Key]:
        """Return all names."""
        return set(self._names)

    def find(self, title: str, category: str | None = None) -> Mention | None:
        """Return the best brand mention of a title, or None where no name is trusted enough.

        Args:
            title: The title.
            category: Narrowest category of the item; None where it has none.
        """
        best: Mention | None = None
        shouted = title.isupper()
        for key, start, end in self._occurrences(title):
            name, surface = self._names[key], title[start:end]
            confidence = min(MAX_CONFIDENCE, name.at_start if start == 0 else name.elsewhere)
            if name.is_word and not _supported(title, name, start, end, category):
                continue
            if start and name.ordinary and (shouted or not surface[:1].isupper()):
                continue
            if confidence >= MIN_CONFIDENCE and (best is None or (confidence, end - start) > (best.confidence, best.end - best.start)):
                best = Mention("has_brand", name.brand, start, end, surface, confidence)
        return best

    def _occurrences(self, title: str) -> Iterable[tuple[Key, int, int]]:
        words = [(match.group().lower(), *match.span()) for match in _WORD.finditer(title)]
        n, position = len(words), 0
        while position < n:
            length = self._longest(words, position, n) if words[position][0] in self._first else 0
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
    both = [
        frame.filter(pl.col("item_id").is_in(changed)).select("title", "brand", "categories").drop_nulls(["title", "brand"])
        for frame in (before, after)
    ]
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
    words = _WORD.findall(brand)
    if not words:
        return []
    if "&" in text[:_LEAD_CHARS] and (lead := _LEAD.match(text)) and (lead[1] + lead[2]).lower() == "".join(words).lower():
        # "Water & Wood" of Waterwood.
        return [lead.span()]
    if text.isascii() and brand.isascii():
        # Most titles leave their brand out, and a pattern costs more to make than to use.
        folded = text.lower()
        if any(word.lower() not in folded for word in words):
            return []
    return [match.span() for match in _brand_pattern(tuple(words)).finditer(text)]


@lru_cache(maxsize=4096)
def _brand_pattern(words: Sequence[str]) -> re.Pattern[str]:
    # "Black & Decker" is also written "Black and Decker".
    joined = r"(?:[\W_]+|[\W_]+and[\W_]+)".join(re.escape(word) for word in words)
    return re.compile(rf"(?<![^\W_]){joined}(?![^\W_])", re.IGNORECASE)


def _keys(brand: str) -> list[Key]:
    """Return the names of a brand: its words, and those without what companies append ("e.l.f. Cosmetics" → "e.l.f")."""
    words = tuple(match.group().lower() for match in _WORD.finditer(brand))
    if not words or len(words) > _MAX_WORDS or brand.strip().lower() in placeholders() or len("".join(words)) < 2 or "".join(words).isdigit():
        return []
    keys = [words]
    if len(words) > 1 and words[-1] in _SUFFIXES and len("".join(words[:-1])) > 2:
        keys.append(words[:-1])
    return keys


class _Places:
    """Where the titles that start with a name are the brand's."""

    def __init__(self) -> None:
        self._seen: dict[Key, Counter[str]] = defaultdict(Counter)
        self._own: dict[Key, Counter[str]] = defaultdict(Counter)

    def add(self, key: Key, category: str | None, *, own: bool) -> None:
        if category is not None:
            self._seen[key][category] += 1
            self._own[key][category] += own

    def of(self, key: Key) -> frozenset[str]:
        own, seen = self._own.get(key, Counter()), self._seen.get(key, Counter())
        return frozenset(category for category, n in own.items() if n >= _MIN_IN_CATEGORY and n >= _MIN_SHARE_IN_CATEGORY * seen[category])


class _Lines:
    """What follows a name in the brand's titles, and never in those of others."""

    def __init__(self) -> None:
        self._own: dict[Key, Counter[str]] = defaultdict(Counter)
        self._others: dict[Key, set[str]] = defaultdict(set)

    def add(self, key: Key, word: str, *, own: bool) -> None:
        if not own:
            self._others[key].add(word)
        elif word and word not in ordinary_words():
            self._own[key][word] += 1

    def of(self, key: Key) -> frozenset[str]:
        return frozenset(word for word, n in self._own.get(key, Counter()).items() if n >= _MIN_IN_LINE) - self._others.get(key, set())


def _next_word(title: str, end: int) -> str:
    result = _WORD.search(title, end)
    return result.group().lower() if result else ""


def _is_word(key: Key) -> bool:
    return all(word in ordinary_words() for word in key)


@cache
def ordinary_words() -> frozenset[str]:
    """Return the ordinary English words and known names, in lower case: those of WordNet 3.0 that are not rare."""
    return frozenset(word for row in read_lines("ordinary_en.jsonl") for word in row["words"].split())


def _supported(title: str, name: Name, start: int, end: int, category: str | None) -> bool:
    """Say whether a title gives a reason to take an ordinary word for the brand."""
    if category is not None and start == 0 and category in name.categories:
        return True
    if _next_word(title, end) in name.lines:
        return True
    # "jeans from Guess": a capital says something only where other words have none.
    others = [match.group() for match in _WORD.finditer(title) if not start <= match.start() < end and match.start() and match.group()[0].isalpha()]
    return bool(start) and title[start].isupper() and len(others) > 1 and all(word.islower() for word in others)


def _share(right: Counter[tuple[Key, bool]], seen: Counter[tuple[Key, bool]], key: Key, *, start: bool) -> float:
    # A name never seen in a title: trusted a little at the start, not within.
    prior = _PRIOR_RIGHT if start else _PRIOR_SEEN * 0.45
    return (right[key, start] + prior) / (seen[key, start] + _PRIOR_SEEN)
