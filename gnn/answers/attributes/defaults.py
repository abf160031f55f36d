"""A ranking of attributes for a shop that has trained none: the words that question and attribute share, and the list of words that lead to names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gnn.answers.attributes.features import measured

Scores = npt.NDArray[np.float64]
_WEIGHTS = (1.2, 0.3, 0.8, 0.6, 1.0, 1.0, 0.5, 1.0, 0.6, 0.8, 0.4, 0.4, 0.8)
"""Of a candidate's own features, in their order; set by hand."""
_AT = 0.9
"""Sum below which no candidate answers."""


class DefaultRanker:
    """Scores by weights set by hand."""

    def rank(self, question: str, candidates: Sequence[str]) -> Scores:
        """Return how well each candidate answers a question, between 0 and 1; where all are below 0.5, none does.

        Shapes:
            → [n candidates].
        """
        if not candidates:
            return np.zeros(0)
        own = measured(question, candidates, np.zeros(len(candidates), dtype=np.float32))[:, : len(_WEIGHTS)]
        sums = own.astype(np.float64) @ np.array(_WEIGHTS)
        return np.asarray(1 / (1 + np.exp(-np.clip(sums - _AT, -30, 30))), dtype=np.float64)
