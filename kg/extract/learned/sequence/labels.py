"""From gold values to places in a text."""

from __future__ import annotations

from collections.abc import Iterable

from kg.extract.learned.canonical import Canonical
from kg.extract.learned.data.gold import Example
from kg.extract.learned.value_statistics import Labelled
from kg.extract.learned.words import Splitter, Words


def label(example: Example, splitter: Splitter, canonical: Canonical | None = None) -> Labelled:
    """Find where the gold values of a text stand, or the surfaces that become them.

    A value that stands several times is labelled everywhere; of values that overlap the longer one is.
    """
    words = splitter.split(example.fields)
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    lost: set[str] = set()
    for name, values in (example.gold or {}).items():
        result = _apart(place for value in values for place in words.find(value))
        if canonical is not None and not result:
            result = _apart(canonical.places(words, name, values))
        spans[name] = tuple(result)
        if values and not result:
            lost.add(name)
    return Labelled(words, example.category, spans, frozenset(lost), dict(example.gold or {}))


def _apart(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for first, last in sorted(set(places), key=lambda p: (p[0] - p[1], p[0])):
        if all(last < other[0] or other[1] < first for other in kept):
            kept.append((first, last))
    return sorted(kept)


def bio(words: Words, spans: Iterable[tuple[int, int]]) -> list[str]:
    """Return one label a word: B where a value begins, I within it, O elsewhere."""
    labels = ["O"] * len(words)
    for first, last in spans:
        labels[first : last + 1] = ["B", *["I"] * (last - first)]
    return labels
