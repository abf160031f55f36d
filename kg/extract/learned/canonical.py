"""Canonical values: how a shop writes what a text says in its own words, learned from gold whose values stand in no text.

Three ways from a surface to its canonical form are learned per attribute: a rewriting of the characters ("157305-B21" → "157305B21"), a number
in a unit ('24"' → "61.0", "300GB" → "300 Gigabytes"), and words that go with a value ("hard drive" → "Storage Solutions").
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kg.extract.learned.data.gold import Example
from kg.extract.learned.words import Splitter, Words

MISSING_SHARE = 0.2
"""Share of gold values that stand in no text, from which on values are taken for canonical."""

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_FRACTION = re.compile(r"(?:(\d+)[ -])?(\d+)/(\d+)")
_FACTORS = (1.0, 2.54, 0.45359237, 453.59237, 28.349523, 30.48, 91.44, 10.0, 100.0, 1000.0, 0.1, 0.01, 0.001, 1024.0, 12.0, 29.57353, 25.4)
_MIN_COUNT = 2
_MIN_TRUST = 0.6
_MAX_GRAM = 4
_MAX_SLICE = 13

RankedItem = tuple[int, int]
Rewrite = Callable[[str], str]

_REWRITES: Mapping[str, Rewrite] = {
    "as it is": lambda text: text,
    "letters and digits, upper case": lambda text: "".join(char for char in text if char.isalnum()).upper(),
    "letters and digits": lambda text: "".join(char for char in text if char.isalnum()),
    "upper case": str.upper,
    "capitals": str.title,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a number in a unit becomes: "{}" of the template is the number times the factor, with so many decimals."""

    factor: float
    template: str
    decimals: int

    def apply(self, number: float) -> str:
        """Return the canonical form."""
        value = round(number * self.factor, self.decimals)
        return self.template.replace("{}", f"{value:.{self.decimals}f}")


@dataclass(frozen=True)
class Canonical:
    """Learned forms.

    Attributes:
        rewrites: Attribute → rewritings, most frequent first ("slice 1 6" takes characters of the digits).
        units: Attribute → unit in lower case → conversion.
        words: Attribute → words in lower case → value.
    """

    rewrites: Mapping[str, tuple[str, ...]]
    units: Mapping[str, Mapping[str, Conversion]]
    words: Mapping[str, Mapping[str, str]]

    @classmethod
    def learn(cls, examples: Sequence[Example], splitter: Splitter) -> Canonical:
        """Learn from gold lines."""
        texts = [splitter.split(example.fields) for example in examples]
        rewrites = _learned_rewrites(examples, texts)
        units = _learned_units(examples, texts)
        first = cls(rewrites, units, {})
        return cls(rewrites, units, _learned_words(examples, texts, first))

    def of(self, attribute: str, surface: str) -> str:
        """Return the canonical form of a surface; the surface itself where nothing is known of it."""
        known = self.words.get(attribute, {}).get(surface.lower())
        if known is not None:
            return known
        read = _read_number(surface)
        conversion = self.units.get(attribute, {}).get(read[1]) if read else None
        if read and conversion:
            return conversion.apply(read[0])
        for name in self.rewrites.get(attribute, ()):
            return _rewritten(name, surface) or surface
        return surface

    def places(self, words: Words, attribute: str, values: Sequence[str]) -> list[RankedItem]:
        """Return the spans of a text whose canonical form is one of these values."""
        wanted = set(values)
        if not wanted:
            return []
        return [place for place in _grams(words) if self.of(attribute, words.surface(*place)) in wanted]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` needs."""
        units = {name: {unit: [c.factor, c.template, c.decimals] for unit, c in table.items()} for name, table in self.units.items()}
        return {
            "rewrites": {name: list(result) for name, result in self.rewrites.items()},
            "units": units,
            "words": {n: dict(t) for n, t in self.words.items()},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Canonical:
        """Rebuild from `to_json`."""
        units = {
            str(name): {str(unit): Conversion(float(c[0]), str(c[1]), int(c[2])) for unit, c in table.items()}
            for name, table in stored["units"].items()
        }
        words = {str(name): {str(key): str(value) for key, value in table.items()} for name, table in stored["words"].items()}
        return cls({str(name): tuple(map(str, result)) for name, result in stored["rewrites"].items()}, units, words)


def is_canonical(examples: Sequence[Example]) -> bool:
    """Say whether gold values are canonical forms: too many of them stand in no text."""
    values = [(value, example) for example in examples for result in (example.gold or {}).values() for value in result]
    missing = sum(all(value not in text for _, text in example.fields) for value, example in values)
    return bool(values) and missing / len(values) > MISSING_SHARE


def _grams(words: Words) -> list[RankedItem]:
    n = len(words)
    return [(t, last) for t in range(n) for last in range(t, min(n, t + _MAX_GRAM)) if words.field[t] == words.field[last]]


def _rewritten(name: str, surface: str) -> str:
    if name.startswith("slice "):
        _, start, end = name.split()
        digits = "".join(char for char in surface if char.isdigit())
        return digits[int(start) : int(end)] if len(digits) >= int(end) and digits == surface.strip() else ""
    return _REWRITES[name](surface)


def _learned_rewrites(examples: Sequence[Example], texts: Sequence[Words]) -> dict[str, tuple[str, ...]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example, words in zip(examples, texts, strict=True):
        surfaces = {words.surface(*place) for place in _grams(words)}
        forms = {name: {rewrite(surface) for surface in surfaces} for name, rewrite in _REWRITES.items()}
        for attribute, values in (example.gold or {}).items():
            for value in values:
                counts[attribute].update(name for name, result in forms.items() if value in result)
                if value.isdigit():
                    counts[attribute].update({name for surface in surfaces for name in _slices(surface, value)})
    order = [*_REWRITES]
    rank = {name: place for place, name in enumerate(order)}
    return {
        attribute: tuple(
            sorted((name for name, n in result.items() if n >= _MIN_COUNT), key=lambda name: (-result[name], rank.get(name, len(rank)), name))
        )
        for attribute, result in counts.items()
    }


def _slices(surface: str, value: str) -> list[str]:
    if not surface.isdigit() or len(surface) <= len(value) or len(surface) > _MAX_SLICE:
        return []
    return [f"slice {start} {start + len(value)}" for start in range(len(surface) - len(value) + 1) if surface.startswith(value, start)]


def _read_number(surface: str) -> tuple[float, str] | None:
    """Return the number and the unit around it ("10K" → 10, "k"; "G5" → 5, "g"), or None."""
    text = surface.strip()
    fraction = _FRACTION.search(text)
    match = fraction or _NUMBER.search(text)
    if match is None:
        return None
    if fraction:
        whole, upper, lower = fraction.groups()
        if int(lower) == 0:
            return None
        number = float(whole or 0) + int(upper) / int(lower)
    else:
        number = float(match.group().replace(",", ""))
    unit = re.sub(r"[\s.\-]+", "", f"{text[: match.start()]}{text[match.end() :]}").lower()
    return (number, unit) if not any(char.isdigit() for char in unit) else None


def _learned_units(examples: Sequence[Example], texts: Sequence[Words]) -> dict[str, dict[str, Conversion]]:
    counts: dict[str, dict[str, Counter[Conversion]]] = defaultdict(lambda: defaultdict(Counter))
    for example, words in zip(examples, texts, strict=True):
        numbers = {read for place in _grams(words) if (read := _read_number(words.surface(*place)))}
        for attribute, values in (example.gold or {}).items():
            for value in values:
                for unit, conversion in _conversions(value, numbers):
                    counts[attribute][unit][conversion] += 1
    return {
        attribute: {
            unit: max(result, key=lambda c: (result[c], -abs(c.factor - 1))) for unit, result in table.items() if max(result.values()) >= _MIN_COUNT
        }
        for attribute, table in counts.items()
    }


def _conversions(value: str, numbers: set[tuple[float, str]]) -> set[tuple[str, Conversion]]:
    match = _NUMBER.search(value)
    if match is None or len(_NUMBER.findall(value)) != 1:
        return set()
    template = f"{value[: match.start()]}{{}}{value[match.end() :]}"
    decimals = len(match.group().partition(".")[2])
    if template == "{}" and not decimals and len(match.group()) > 6:
        # Article numbers are rewritten, not converted.
        return set()
    options = ((unit, Conversion(factor, template, decimals), number) for number, unit in numbers for factor in _FACTORS)
    return {(unit, conversion) for unit, conversion, number in options if conversion.apply(number) == value}


def _learned_words(examples: Sequence[Example], texts: Sequence[Words], before: Canonical) -> dict[str, dict[str, str]]:
    """Learn words that go with a value nothing else leads to: those of the texts that hold them mostly have it."""
    holding: dict[str, Counter[str]] = defaultdict(Counter)
    together: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for example, words in zip(examples, texts, strict=True):
        grams = {words.surface(*place).lower() for place in _grams(words) if place[1] - place[0] < 3}
        for attribute, values in (example.gold or {}).items():
            holding[attribute].update(grams)
            for value in values:
                if not before.places(words, attribute, [value]):
                    for gram in grams:
                        together[attribute][gram][value] += 1
    learned: dict[str, dict[str, str]] = {}
    for attribute, grams_of in together.items():
        for gram, result in grams_of.items():
            value, n = max(result.items(), key=lambda pair: (pair[1], pair[0]))
            if n >= _MIN_COUNT and n / (holding[attribute][gram] + 0.5) >= _MIN_TRUST:
                learned.setdefault(attribute, {})[gram] = value
    return learned
