"""What is measured between a question and each attribute of an item, alone and beside the item's other attributes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gnn.answers.attributes.candidate import Candidate, parse, terms
from gnn.answers.attributes.lexicon import attribute_words

Floats = npt.NDArray[np.float32]
_STOP_WORDS = """
    a an and are as at be by can do doe for from get has have how i if in is it item its job looking match me my need of on one or
    product so that the them there these they this those to want was what when where which who will with work would you
"""
_STOP = frozenset(_STOP_WORDS.split())
_NUMERIC = re.compile(
    r"(?i)\bhow (?:many|much|long|wide|tall|big|deep|heavy|thick|high|old|far|fast|large)\b"
    r"|\bwhat (?:size|age|year|length|width|height)|\d|多少|几"
)
_YES_NO = re.compile(r"(?i)^\s*(?:is|are|do|does|can|will|would|has|have|could|should|was|did)\b|吗[?？]?\s*$")
_OPEN = re.compile(r"(?i)\b(?:what|which|who|where|when|how)\b|什么|哪")
_UNITS: dict[str, frozenset[str]] = {
    word: frozenset(units.split())
    for words, units in (
        (
            "long wide tall deep big high thick large size width height length depth inch foot centimeter cm mm",
            "inch foot centimeter millimeter meter yard",
        ),
        ("heavy weigh weight pound light ounce kilogram", "pound ounce gram kilogram"),
        ("hour minute long time life last", "hour minute day second month year"),
        ("gb memory storage hold data gigabyte capacity", "gb mb tb byte kb"),
        ("hot temperature degree cold heat warm", "degree fahrenheit celsius"),
        ("watt power energy", "watt kilowatt"),
        ("volt voltage", "volt"),
        ("hold gallon liter ounce volume capacity", "liter gallon milliliter fluid ounce quart cubic"),
        ("old age month year", "month year"),
    )
    for word in words.split()
}
OWN = 14
"""Features of a candidate alone; each is followed by its distance from the best of the others, and its standard score among them."""
SHARED = 5
WIDTH = 3 * OWN + SHARED


@lru_cache(maxsize=50_000)
def _pieces(words: tuple[str, ...]) -> Counter[str]:
    return Counter(f" {word} "[start : start + 3] for word in words for start in range(len(word)))


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    if not first or not second:
        return 0.0
    shared = sum(n * second[piece] for piece, n in first.items() if piece in second)
    return shared / math.sqrt(sum(n * n for n in first.values()) * sum(n * n for n in second.values()))


def _same(word: str, other: str) -> bool:
    """Say whether two words begin alike: "compatibility" and "compatible"."""
    least = min(len(word), len(other))
    return word == other or (least >= 4 and word[: max(4, least - 2)] == other[: max(4, least - 2)])


def _shared(words: Sequence[str], among: Sequence[str]) -> list[str]:
    return [word for word in words if any(_same(word, other) for other in among)]


def measured(question: str, candidates: Sequence[str], learned: npt.NDArray[np.float32]) -> Floats:
    """Return the features of each candidate.

    Args:
        question: What is asked.
        candidates: Every attribute of the item.
        learned: What pairs of words learned from other questions say.

    Shapes:
        learned [n], returns [n, WIDTH].
    """
    parsed = [parse(text) for text in candidates]
    question_terms = terms(question)
    content = tuple(word for word in question_terms if word not in _STOP) or question_terms
    rarity = _rarity(parsed)
    own = np.array([_own(question, question_terms, content, one, rarity) for one in parsed], dtype=np.float32).reshape(len(parsed), OWN - 1)
    own = np.column_stack([own, learned]).astype(np.float32)
    best = own.max(axis=0, initial=0)
    runner = np.sort(own, axis=0)[-2] if len(own) > 1 else np.zeros(OWN, dtype=np.float32)
    others = np.where(own >= best, runner, best)
    spread = own.std(axis=0)
    standard = np.divide(own - own.mean(axis=0), spread, out=np.zeros_like(own), where=spread > 1e-6)
    asks = [bool(pattern.search(question)) for pattern in (_YES_NO, _OPEN, _NUMERIC)]
    shared = np.tile(np.array([len(parsed), len(content), *asks], dtype=np.float32), (len(parsed), 1))
    return np.hstack([own, own - others, standard, shared]).astype(np.float32)


def _rarity(parsed: Sequence[Candidate]) -> dict[str, float]:
    frequency = Counter(word for one in parsed for word in {*one.name, *one.values})
    return {word: math.log(1 + (len(parsed) - n + 0.5) / (n + 0.5)) for word, n in frequency.items()}


def _own(question: str, question_terms: tuple[str, ...], content: tuple[str, ...], one: Candidate, rarity: dict[str, float]) -> tuple[float, ...]:
    named, valued = _shared(one.name, content), _shared(one.values, content)
    weight = sum(rarity.get(word, 0.0) for word in one.name) or 1.0
    words = attribute_words()
    led = [word for word in one.name if any(word in words.get(said, ()) for said in question_terms)]
    leading = sum(1 for said in content if words.get(said, frozenset()) & set(one.name))
    in_units = any(set(one.units) & _UNITS.get(said, frozenset()) for said in question_terms) if one.units else False
    numbers = {said for said in question_terms if said[0].isdigit()}
    numeric = bool(_NUMERIC.search(question))
    return (
        sum(rarity.get(word, 0.0) for word in named) / weight,
        sum(rarity.get(word, 0.0) for word in named),
        len(_shared(content, one.name)) / len(content),
        sum(rarity.get(word, 0.0) for word in valued),
        len(_shared(content, one.values)) / len(content),
        len(led) / max(1, len(one.name)),
        float(leading),
        _likeness(_pieces(content), _pieces(one.name)),
        _likeness(_pieces(content), _pieces(one.values[:40])),
        float(in_units) + float(bool(set(one.units) & set(question_terms))),
        float(numeric and one.kind == "number") - float(numeric and one.kind == "boolean"),
        float(one.kind == "boolean" and bool(_YES_NO.search(question))),
        float(len(numbers & set(one.values))),
    )
