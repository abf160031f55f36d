"""From what is written to what is asked for: copies, known spellings, and canonical forms learned from examples.

Where gold asks for a canonical form ("91.4" for `36"`, "157305B21" for "157305-B21"), each attribute learns which of these rules make it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from kg.extract.learned.words import BREAK, Token

_NUMBER = re.compile(r"(?<![\d.])(\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*-?\s*(\d+)\s*/\s*(\d+))?(?![\d])")
_FRACTION = re.compile(r"(?<!\d)(\d+)\s*/\s*(\d+)(?!\d)")
_CENTIMETRES = {"in": 2.54, "ft": 30.48, "mm": 0.1, "cm": 1.0, "yd": 91.44, "m": 100.0}
_LONG = {"GB": "Gigabytes", "MB": "Megabytes", "TB": "Terabytes", "KB": "Kilobytes"}


def _number(text: str) -> float | None:
    fraction = _FRACTION.fullmatch(text.strip(" \"'-"))
    if fraction:
        return int(fraction[1]) / int(fraction[2]) if int(fraction[2]) else None
    found = _NUMBER.search(text)
    if not found:
        return None
    number = float(found[1].replace(",", ""))
    if found[2] and int(found[3]):
        number += int(found[2]) / int(found[3])
    return number


def _scaled(factor: float) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        number = _number(text)
        return None if number is None else f"{number * factor:.1f}"

    return convert


def _whole(factor: int) -> Callable[[str], str | None]:
    def convert(text: str) -> str | None:
        number = _number(text)
        return None if number is None or number * factor != int(number * factor) else str(int(number * factor))

    return convert


def _compact(text: str) -> str | None:
    return re.sub(r"[^0-9A-Za-z]", "", text).upper() or None


def _bytes(text: str) -> str | None:
    found = re.search(r"([\d./]+)[\s-]*([KMGT])B?\b", text, re.IGNORECASE)
    return f"{found[1]} {_LONG[found[2].upper() + 'B']}" if found else None


def _generation(text: str) -> str | None:
    found = re.findall(r"(?:\bG|Gen|Generation\s*)(\d+\w?)", text, re.IGNORECASE)
    return f"{'-' if '-' in text else ' '}".join(f"Generation {n}" for n in found) if found else None


def _digits(text: str) -> str | None:
    return re.sub(r"\D", "", text) or None


RULES: Mapping[str, Callable[[str], str | None]] = {
    "copy": lambda text: text,
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
    "compact": _compact,
    "digits": _digits,
    "middle digits": lambda text: (_digits(text) or "")[1:-1].lstrip("0") or None,
    "short digits": lambda text: (_digits(text) or "").lstrip("0") or None,
    "bytes": _bytes,
    "generation": _generation,
    "whole": _whole(1),
    "thousands": _whole(1000),
    **{f"cm from {unit}": _scaled(factor) for unit, factor in _CENTIMETRES.items()},
}
"""name → rule; a rule that cannot read the text returns None."""


def surface_of(texts: Sequence[str], tokens: Sequence[Token], start: int, end: int) -> str:
    """Return the text of the words [start, end)."""
    return texts[tokens[start].field][tokens[start].start : tokens[end - 1].end]


def written(texts: Sequence[str], tokens: Sequence[Token], value: str) -> list[tuple[int, int]]:
    """Find where a value stands as written; places that cut a word in two count only if there is no other.

    Returns:
        (first word, one past the last word), from left to right.
    """
    exact: list[tuple[int, int]] = []
    cut: list[tuple[int, int]] = []
    for field, text in enumerate(texts):
        at = text.find(value) if value.strip() else -1
        while at >= 0:
            inside = [n for n, t in enumerate(tokens) if t.field == field and t.text != BREAK and t.start < at + len(value) and t.end > at]
            if inside:
                bare = value.strip()
                whole = tokens[inside[0]].start == text.find(bare, at) and tokens[inside[-1]].end == text.find(bare, at) + len(bare)
                (exact if whole else cut).append((inside[0], inside[-1] + 1))
            at = text.find(value, at + 1)
    return exact or cut[:1]


def made(texts: Sequence[str], tokens: Sequence[Token], value: str, rules: Sequence[str], longest: int = 8) -> Iterator[tuple[int, int, str]]:
    """Find the shortest spans that a rule turns into a value.

    Yields:
        (first word, one past the last word, rule).
    """
    for length in range(1, longest + 1):
        found = False
        for start in range(len(tokens) - length + 1):
            if tokens[start].field != tokens[start + length - 1].field or BREAK in (tokens[start].text, tokens[start + length - 1].text):
                continue
            surface = surface_of(texts, tokens, start, start + length)
            for rule in rules:
                if RULES[rule](surface) == value:
                    found = True
                    yield start, start + length, rule
                    break
        if found:
            return


def learn_rules(counts: Counter[str], lines: int, share: float = 0.03) -> list[str]:
    """Keep the rules that make at least a `share` of an attribute's values, most useful first.

    >>> learn_rules(Counter({"copy": 90, "upper": 20, "digits": 1}), 100)
    ['copy', 'upper']
    """
    return [rule for rule, count in counts.most_common() if count >= max(2, share * lines)]
