"""Pairs of words, one of a question and one of an attribute's name, learned from answered questions: "heavy" and "weight"."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.answers.attributes.candidate import parse, terms

SLOTS = 1 << 15
Weights = npt.NDArray[np.float32]


def pairs(question: str, candidates: Sequence[str]) -> sp.csr_matrix:
    """Return which pairs of words each candidate makes with a question, hashed.

    Shapes:
        → [n candidates, SLOTS].
    """
    question_terms = dict.fromkeys(terms(question))
    following = [f"{first}_{second}" for first, second in pairwise(question_terms)]
    indices, indptr = [], [0]
    for text in candidates:
        one = parse(text)
        names = (*dict.fromkeys(one.name), "_".join(one.name))
        slots = {zlib.crc32(f"{said}|{name}".encode()) % SLOTS for said in (*question_terms, *following, "") for name in names}
        indices.extend(sorted(slots))
        indptr.append(len(indices))
    lengths = np.repeat(1 / np.sqrt(np.maximum(1, np.diff(indptr))), np.diff(indptr)).astype(np.float32)
    return sp.csr_matrix((lengths, np.array(indices, dtype=np.int32), np.array(indptr)), shape=(len(candidates), SLOTS))


def fit(x: sp.csr_matrix, y: npt.NDArray[np.int8]) -> tuple[Weights, float]:
    """Return the weight of each pair, and the constant."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=20.0, max_iter=200, solver="lbfgs").fit(x, y)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])
