"""Aspects that reviews speak of, learned from the reviews themselves: frequent words that are used as nouns.

English nouns are known by what they stand beside: articles and possessives before them, forms of "to be" after them. In Chinese the segmenter says
what a noun is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import rjieba

from kg.opinions.aspects import singular
from kg.opinions.lexicon import opinion_lexicon
from kg.opinions.reading import Language, read
from kg.opinions.words import words_of

LEAST_SHARE = 0.002
"""Of the reviews that speak of an aspect."""
FEWEST = 4
"""Reviews that speak of an aspect."""
MOST = 2_000
"""Aspects that are kept, the most frequent ones."""
_SAMPLE = 20_000
"""Reviews that are read for it: more change little."""
_NOUN_SHARE = 0.4
_PAIR_SHARE = 0.15
_BEFORE = frozenset(["the", "a", "an", "its", "this", "my", "your", "their", "these", "our", "his", "her", "no", "any"])
_AFTER = frozenset(["is", "was", "are", "were", "has"])


def learn_aspects(texts: Iterable[str], language: Language) -> list[tuple[str, ...]]:
    """Return the aspects that reviews speak of, the most frequent first.

    Args:
        texts: Reviews; the first twenty thousand are read.
        language: That they are in.
    """
    sample = [read(text) for _, text in zip(range(_SAMPLE), texts, strict=False)]
    fewest = max(FEWEST, LEAST_SHARE * len(sample))
    counts = _english(sample, fewest) if language == "en" else _chinese(sample)
    frequent = [(name, n) for name, n in counts.items() if n >= fewest]
    return [name for name, _ in sorted(frequent, key=lambda pair: (-pair[1], pair[0]))[:MOST]]


def _english(texts: Sequence[str], fewest: float) -> Counter[tuple[str, ...]]:
    seen: Counter[str] = Counter()
    as_noun: Counter[str] = Counter()
    lexicon = opinion_lexicon("en")
    documents = [words_of(text, "en").lower for text in texts]
    for words in documents:
        for at, word in enumerate(words):
            if word in lexicon.no_aspects or len(word) < 2 or not word.replace("-", "").isalpha() or lexicon.sign(word):
                continue
            stem = singular(word, "en")
            seen[stem] += 1
            before = words[at - 1] if at else ""
            if lexicon.sign(before) and at > 1:
                before = words[at - 2]
            after = words[at + 1] if at + 1 < len(words) else ""
            as_noun[stem] += before in _BEFORE or after in _AFTER
    nouns = {word for word, n in seen.items() if n >= fewest and as_noun[word] >= _NOUN_SHARE * n}
    known = nouns | {singular(word, "en") for name in lexicon.aspects for word in name} - lexicon.no_aspects
    counts: Counter[tuple[str, ...]] = Counter()
    for words in documents:
        names: set[tuple[str, ...]] = {(stem,) for word in words if (stem := singular(word, "en")) in nouns}
        names |= {(first, stem) for first, word in pairwise(words) if first in known and (stem := singular(word, "en")) in known and first != stem}
        counts.update(names)
    return Counter({name: n for name, n in counts.items() if len(name) == 1 or n >= _PAIR_SHARE * min(seen[word] for word in name)})


def _chinese(texts: Sequence[str]) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    lexicon = opinion_lexicon("zh")
    for text in texts:
        counts.update(
            {
                (word,)
                for word, flag in rjieba.tag(text)
                if flag in {"n", "vn"} and len(word) > 1 and word not in lexicon.no_aspects and not lexicon.sign(word)
            }
        )
    return counts
