"""Polarity without labels: words of opinion are counted, and where there are enough clear reviews, a classifier learns from them what others mean.

Source: self-training from seed words as in Turney 2002, arXiv:cs/0212032, and Tan et al. 2008.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from kg.opinions.aspects import clauses, signed
from kg.opinions.lexicon import opinion_lexicon
from kg.opinions.polarity import PolarityModel
from kg.opinions.reading import Language, read
from kg.opinions.training import train
from kg.opinions.words import words_of

FEWEST_SEEDS = 100
"""Clear reviews of each kind that a classifier is trained from; with fewer the words are counted only."""
_CLEARLY_POSITIVE, _CLEARLY_NEGATIVE = 3, -1
"""Praise is common and complaint rare: one complaint more than there is praise says as much as three praises."""


def opinion_words(texts: Sequence[str], language: Language) -> npt.NDArray[np.int64]:
    """Return, per review, the words of praise less those of complaint, each turned by a negation."""
    lexicon = opinion_lexicon(language)
    sums = []
    for text in texts:
        words = words_of(read(text), language)
        sums.append(sum(signed(words.lower, at, first, lexicon) for first, last in clauses(words, language) for at in range(first, last)))
    return np.array(sums, dtype=np.int64)


def negatives_without_labels(texts: Sequence[str], language: Language) -> tuple[npt.NDArray[np.bool_], PolarityModel | None]:
    """Say which reviews are negative, and return the classifier behind it, if one could be trained."""
    sums = opinion_words(texts, language)
    positive, negative = sums >= _CLEARLY_POSITIVE, sums <= _CLEARLY_NEGATIVE
    if min(positive.sum(), negative.sum()) < FEWEST_SEEDS:
        return sums < 0, None
    seeds = np.flatnonzero(positive | negative)
    model = train([texts[row] for row in seeds.tolist()], positive[seeds], language)
    return model.probability(texts) < model.threshold, model
