"""All items scored: what a strategy returns, and what ranking and reasons start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.explain.explainer import Explainer
from gnn.explain.messages.message import Text
from gnn.explain.reasons import Reason
from gnn.graph.walks import FloatArray
from gnn.model.history import History
from gnn.recommend.adjustments import Exclusion

PrunedScores = Callable[[Sequence[Exclusion], int, npt.NDArray[np.int64]], FloatArray]
"""From what is excluded, how many of the best are needed, and items that are scored in any case, to scores [n_items]; see
`gnn.recommend.scoring.pruned_top_k`."""

ScoresAbove = Callable[[Sequence[Exclusion], int, float, npt.NDArray[np.int64]], FloatArray]
"""From what is excluded, an item, what its score is multiplied with, and items that are scored in any case, to scores [n_items]."""


@dataclass(frozen=True, slots=True)
class Scored:
    """All items scored.

    Attributes:
        strategy: What was used: popular where a user has no history to start from.
        scores: [n_items].
        history: The scores are the sum over paths from it; None where `sentence` is the whole reason.
        explainer: Enumerates those paths.
        sentence: item_num → the one reason of an item.
        pruned: Scores only what can be in the list, in place of `scores`; None where those are at hand.
        reason: item_num → that reason with what is behind it, where there is more than the sentence.
        above: Scores only what can rank above an item; None with `pruned`.
    """

    strategy: str
    _scores: FloatArray | Callable[[], FloatArray]
    history: History | None = None
    explainer: Explainer | None = None
    sentence: Callable[[int], Text] | None = None
    pruned: PrunedScores | None = None
    reason: Callable[[int], Reason] | None = None
    above: ScoresAbove | None = None

    @property
    def scores(self) -> FloatArray:
        """Scores of all items."""
        return self._scores() if callable(self._scores) else self._scores
