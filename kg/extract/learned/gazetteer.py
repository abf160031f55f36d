"""Value lists learned from gold lines, and where they match.

A line that a model is trained on must not find its own values in the list: counts leave that line out, so that training sees values the way
prediction will.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kg.extract.learned.words import Token, tokens_of

Key = tuple[str, ...]
OFTEN = 2
"""A value seen more often than this is trusted more; it is its own feature."""


def key_of(value: str) -> Key:
    """Return what a value is compared by: its words in lower case, a plural "s" dropped.

    >>> key_of("Women's Shoes") == key_of("women's shoe")
    True
    """
    return tuple(stem(token.lower) for token in tokens_of([value]))


def stem(word: str) -> str:
    """Drop a plural ending.

    >>> stem("boxes"), stem("letters"), stem("glass"), stem("s")
    ('box', 'letter', 'glass', 's')
    """
    if len(word) > 4 and word.endswith(("xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class Gazetteer:
    """Counts of values per attribute and category.

    Args:
        max_words: Longer values are not listed.
    """

    def __init__(self, max_words: int = 8) -> None:
        self.max_words = max_words
        self.counts: dict[str, Counter[Key]] = {}
        self.by_category: dict[tuple[str, str], Counter[Key]] = {}
        self._attributes: dict[Key, list[str]] = {}
        self._prefixes: set[Key] = set()

    def add(self, category: str, values: Iterable[tuple[str, Key]]) -> None:
        """Count the (attribute, value) pairs of one line, each once."""
        for attribute, key in set(values):
            if not key or len(key) > self.max_words:
                continue
            self.counts.setdefault(attribute, Counter())[key] += 1
            self.by_category.setdefault((attribute, category), Counter())[key] += 1
            names = self._attributes.setdefault(key, [])
            if attribute not in names:
                names.append(attribute)
            self._prefixes.update(key[:n] for n in range(1, len(key)))

    def matches(self, tokens: Sequence[Token], own: Mapping[str, set[Key]] | None = None) -> dict[str, list[tuple[int, int, int]]]:
        """Find the longest listed values.

        Args:
            tokens: Words of a line.
            own: attribute → values that this very line added; they are left out.

        Returns:
            attribute → (first word, one past the last word, count), not overlapping.
        """
        stems = [stem(token.lower) for token in tokens]
        found: dict[str, list[tuple[int, int, int]]] = {}
        own = own or {}
        for start in range(len(stems)):
            longest: dict[str, tuple[int, int]] = {}
            for end in range(start + 1, min(len(stems), start + self.max_words) + 1):
                key = tuple(stems[start:end])
                for attribute in self._attributes.get(key, ()):
                    count = self.counts[attribute][key] - (key in own.get(attribute, ()))
                    if count > 0:
                        longest[attribute] = (end, count)
                if key not in self._prefixes:
                    break
            for attribute, (end, count) in longest.items():
                spans = found.setdefault(attribute, [])
                if not spans or spans[-1][1] <= start:
                    spans.append((start, end, count))
                elif spans[-1][1] - spans[-1][0] < end - start:
                    spans[-1] = (start, end, count)
        return found

    def features(self, tokens: Sequence[Token], category: str, own: Mapping[str, set[Key]] | None = None) -> list[list[str]]:
        """Return, per word, which lists it stands in, where in the value, and how often the value was seen (in its category, anywhere)."""
        rows: list[list[str]] = [[] for _ in tokens]
        stems = [stem(token.lower) for token in tokens]
        own = own or {}
        for attribute, spans in self.matches(tokens, own).items():
            local = self.by_category.get((attribute, category), Counter())
            for start, end, count in spans:
                key = tuple(stems[start:end])
                here = local[key] - (key in own.get(attribute, ()))
                grade = f"{'+' if count > OFTEN else '-'}{'+' if here > OFTEN else '-' if here > 0 else '0'}"
                for at in range(start, end):
                    part = "S" if end - start == 1 else "B" if at == start else "E" if at == end - 1 else "I"
                    rows[at] += [f"g={attribute}|{part}", f"G={attribute}|{part}|{grade}"]
        return rows
