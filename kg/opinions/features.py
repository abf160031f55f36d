"""What the classifier of polarity counts in a review: sequences of words and of characters, hashed into a fixed number of places.

Source: feature hashing by Weinberger et al. 2009, arXiv:0902.2206; words after a negation get a mark of their own as in Das and Chen 2001 and
Pang, Lee and Vaithyanathan 2002, arXiv:cs/0205070.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.feature_extraction import FeatureHasher

from kg.opinions.reading import Language, read
from kg.opinions.words import words_of

N_PLACES = 1 << 21
"""Places that features are hashed into."""

_NEGATION = re.compile(r"no|not|never|nor|neither|without|cannot|hardly|barely|.*n't")
_REACH = 4
"""Words after a negation that it may reach; punctuation ends it."""
_WORD_ORDERS = {"en": 3, "zh": 2}
_CHARACTER_ORDERS: dict[str, tuple[int, ...]] = {"en": (3, 4, 5), "zh": (1, 2, 3, 4)}
_BLANKS = re.compile(r"\s+")


def counted(texts: Sequence[str], language: Language, blocks: Sequence[str]) -> dict[str, Any]:
    """Return a sparse matrix of ones per block.

    Shapes:
        → [n texts, N_PLACES] each, float32.
    """
    masked = [read(text) for text in texts]
    return {name: _hashed([BLOCKS[name](text, language) for text in masked]) for name in blocks}


def _hashed(features: Sequence[Sequence[str]]) -> Any:
    matrix = FeatureHasher(N_PLACES, input_type="string", alternate_sign=False, dtype=np.float32).transform(features)
    matrix.data[:] = 1
    return matrix


def _word_features(text: str, language: Language) -> list[str]:
    words = list(words_of(text, language).lower)
    features = words + _negated(words) if language == "en" else list(words)
    for order in range(2, _WORD_ORDERS[language] + 1):
        features += ["_".join(sequence) for sequence in zip(*(words[start:] for start in range(order)), strict=False)]
    return features


def _negated(words: Sequence[str]) -> list[str]:
    marked, reach = [], 0
    for word in words:
        if not word[0].isalnum():
            reach = 0
        if reach:
            marked.append(f"not {word}")
            reach -= 1
        if _is_negation(word):
            reach = _REACH
    return marked


@lru_cache(maxsize=20_000)
def _is_negation(word: str) -> bool:
    return _NEGATION.fullmatch(word) is not None


def _character_features(text: str, language: Language) -> list[str]:
    text = _BLANKS.sub(" ", text.lower())
    orders = _CHARACTER_ORDERS[language]
    if language == "en":
        return [part for word in text.split(" ") for part in _parts(word, orders)]
    return [text[start : start + order] for order in orders for start in range(len(text) - order + 1)]


@lru_cache(maxsize=50_000)
def _parts(word: str, orders: tuple[int, ...]) -> tuple[str, ...]:
    """Return the sequences of characters within one word and its borders."""
    bordered = f" {word} "[:60]
    return tuple(bordered[start : start + order] for order in orders for start in range(len(bordered) - order + 1))


BLOCKS: dict[str, Callable[[str, Language], list[str]]] = {"words": _word_features, "characters": _character_features}
"""Kind of features → what lists them."""
BLOCKS_OF: dict[Language, tuple[str, ...]] = {"en": ("words",), "zh": ("words", "characters")}
"""Characters help where words are not written apart; in English they cost accuracy."""
