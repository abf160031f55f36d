"""Finds values that are nearly spelled the same without comparing all with all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from rapidfuzz import fuzz, process

MIN_CHARS = 5
"""Shorter values are never merged by similarity: too many of them differ by one letter."""
MIN_RATIO = 0.9
_MAX_BLOCK = 2000
"""A block larger than this is split by longer prefixes; bounds the comparisons."""
_NO_DIGIT = re.compile(r"\D+")
_PREFIX = 3
_MAX_PREFIX = 24


def one_slip(a: str, b: str) -> bool:
    """Say whether two keys differ in blanks only, or in one long word without digits that begins alike.

    A different short word, letter or digit is how "Mini-USB A" differs from "Mini-USB B": it means another thing.

    >>> one_slip("sylus photo 2100", "stylus photo 2100"), one_slip("babyliss pro", "babylisspro"), one_slip("mini usb a", "mini usb b")
    (True, True, False)
    """
    if a.replace(" ", "") == b.replace(" ", ""):
        return True
    one, two = a.split(), b.split()
    if len(one) != len(two):
        return False
    differing = [(x, y) for x, y in zip(one, two, strict=True) if x != y]
    return len(differing) == 1 and all(min(len(x), len(y)) >= MIN_CHARS and x.isalpha() and y.isalpha() and x[0] == y[0] for x, y in differing)


def _split(keys: list[str], numbers: list[int], length: int, *, reverse: bool) -> Iterator[list[int]]:
    # One slip leaves all digits as they are: article numbers and sizes, which all look alike, are never compared.
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number in numbers:
        key = keys[number][::-1] if reverse else keys[number]
        blocks[_NO_DIGIT.sub("", key), key[:length]].append(number)
    for name in sorted(blocks):
        block = blocks[name]
        if len(block) > _MAX_BLOCK and length < _MAX_PREFIX:
            yield from _split(keys, block, length + 2, reverse=reverse)
        elif len(block) > 1:
            yield block[:_MAX_BLOCK]


def similar_pairs(keys: list[str]) -> list[tuple[int, int, float]]:
    """Find pairs of keys that share their first or last letters, are one slip apart and have a similarity of at least 0.9.

    >>> similar_pairs(["logitech", "logtech", "panasonic", "dsc 100", "dsc 200"])
    [(0, 1, 0.933)]

    Args:
        keys: Normal forms.

    Returns:
        (position, position, similarity), the first position smaller, sorted.
    """
    long_enough = sorted((number for number, key in enumerate(keys) if len(key) >= MIN_CHARS), key=lambda number: keys[number])
    pairs: dict[tuple[int, int], float] = {}
    for reverse in (False, True):
        for block in _split(keys, long_enough, _PREFIX, reverse=reverse):
            texts = [keys[number] for number in block]
            ratios = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=MIN_RATIO * 100)
            for a, b in zip(*ratios.nonzero(), strict=True):
                one, two = sorted((block[a], block[b]))
                if one < two and one_slip(keys[one], keys[two]):
                    pairs[one, two] = round(fuzz.ratio(keys[one], keys[two]) / 100, 3)
    return [(a, b, ratio) for (a, b), ratio in sorted(pairs.items())]
