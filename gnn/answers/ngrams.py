"""Texts as sparse vectors of words and pieces of words, with a vocabulary that is stored as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.text.analysis import folded

MAX_TEXT = 2_000
"""Characters of a text that are read."""
MASK = "0"
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|\d+")


def words(text: str) -> list[str]:
    """Return the words of a text, folded, every number as one and the same, Chinese and Japanese by characters.

    >>> words("Cancel order 00123842, PLEASE")
    ['cancel', 'order', '0', 'please']
    >>> words("我的订单")
    ['我', '的', '订', '单']
    """
    return [MASK if word[0].isdigit() else word for word in _WORD.findall(folded(text[:MAX_TEXT]))]


def grams(text: str) -> Iterator[str]:
    """Give words, pairs of neighbours, and pieces of three to five characters of each word; the kind is the first character.

    >>> list(grams("my pin"))
    ['w my', 'w pin', 'p my pin', 'c  my', 'c my ', 'c  my ', 'c  pi', 'c pin', 'c in ', 'c  pin', 'c pin ', 'c  pin ']
    """
    tokens = words(text)
    yield from (f"w {word}" for word in tokens)
    yield from (f"p {first} {second}" for first, second in pairwise(tokens))
    for word in tokens:
        padded = f" {word} "
        for n in (3, 4, 5):
            yield from (f"c {padded[start : start + n]}" for start in range(len(padded) - n + 1))


@dataclass(frozen=True)
class Vocabulary:
    """The pieces that a model knows, with their weights.

    Attributes:
        terms: In the order of the columns.
        idf: Logarithm of how rare each is.
    """

    terms: tuple[str, ...]
    idf: npt.NDArray[np.float32]

    @classmethod
    def of(cls, texts: Sequence[str], *, least: int) -> Vocabulary:
        """Take the pieces that occur in at least so many texts."""
        frequency = Counter(term for text in texts for term in set(grams(text)))
        terms = tuple(sorted(term for term, n in frequency.items() if n >= least))
        idf = np.log((1 + len(texts)) / (1 + np.array([frequency[term] for term in terms], dtype=np.float32))) + 1
        return cls(terms, idf.astype(np.float32))

    @cached_property
    def columns(self) -> dict[str, int]:
        """Term → column."""
        return {term: column for column, term in enumerate(self.terms)}

    def vectors(self, texts: Iterable[str]) -> sp.csr_matrix:
        """Return a vector of length 1 per text; what is not in the vocabulary is left out.

        Shapes:
            → [n texts, n terms], float32.
        """
        columns, indptr, indices, data = self.columns, [0], [], []
        for text in texts:
            counts = Counter(column for term in grams(text) if (column := columns.get(term)) is not None)
            at = np.fromiter(counts, dtype=np.int32, count=len(counts))
            values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self.idf[at]
            length = float(np.linalg.norm(values))
            indices.append(at)
            data.append(values / length if length else values)
            indptr.append(indptr[-1] + len(at))
        flat = (np.concatenate(data), np.concatenate(indices)) if data else (np.zeros(0), np.zeros(0, dtype=np.int32))
        return sp.csr_matrix((flat[0].astype(np.float32), flat[1], np.array(indptr)), shape=(len(indptr) - 1, len(self.terms)))
