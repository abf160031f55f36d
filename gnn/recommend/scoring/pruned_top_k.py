"""The head of a ranking, exactly, without scoring every item.

What the embeddings give all items is a product of a whole catalogue with one vector, which costs more than everything else of an answer. But only
the best are wanted, and a bound tells the others. With the embeddings turned so that their first few axes hold most of their length,

    s(i) ≤ known(i) + ⟨u_head, b_i,head⟩ + |u_tail| · |b_i,tail|         (Cauchy–Schwarz on the tail)

where known(i) is all the rest of the score, sums over a few sparse rows. The items with the largest bounds are scored; every other item whose
bound reaches the last wanted score is scored too. What is left cannot be in the list, and is given the score 0.

Source: the partial-sum bound of exact maximum inner product search (FEXIPRO, Li et al. 2017, doi:10.1145/3035918.3064009, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray, kth_largest
from gnn.live.overlay import Overlay
from gnn.model.history import History
from gnn.model.scorer import Values, graph_scores, score
from gnn.recommend.adjustments import Exclusion

AXES = 8
FIRST = 128
DENSE_BELOW = 10_000
DENSE_SHARE = 0.3
_SLACK = 1 + 1e-4
"""Bounds are single precision; scores must not pass them by rounding."""
_LEAST = float(np.finfo(np.float32).min)


class PrunedScorer:
    """Scores what can be in a list.

    Args:
        artifact: The build.
        first: How many items are scored first, beside those that are wanted.
        dense_below: Catalogues up to this size are scored whole.
        dense_share: Where more than this share of the items has to be scored one by one, all are scored at once, which is cheaper then.
    """

    def __init__(self, artifact: Artifact, *, first: int = FIRST, dense_below: int = DENSE_BELOW, dense_share: float = DENSE_SHARE) -> None:
        self._artifact, self._first, self._dense_share = artifact, first, dense_share
        model = artifact.model
        self.applies = artifact.n_items > dense_below and model.has_embeddings
        if not self.applies:
            return
        target = np.asarray(model.target_embeddings)
        gram = target.T.astype(np.float64) @ target
        _, axes = np.linalg.eigh(gram)
        # [d, d], the axis that holds most first
        self._axes = axes[:, ::-1].astype(np.float64)
        heads = target @ self._axes[:, :AXES].astype(np.float32)
        lengths = np.einsum("nd,nd->n", target, target, dtype=np.float64) - np.einsum("nd,nd->n", heads, heads, dtype=np.float64)
        # [AXES, n_items]: long rows, which a product with a vector reads several times as fast.
        self._heads = np.ascontiguousarray(heads.T)
        self._tails = np.sqrt(np.maximum(lengths, 0.0) + 1e-7 * np.einsum("nd,nd->n", target, target)).astype(np.float32)

    def scores(
        self, history: History, exclusions: Sequence[Exclusion], wanted: int, also: npt.NDArray[np.int64], *, overlay: Overlay | None = None
    ) -> FloatArray:
        """Score all items that can be among the best.

        Args:
            history: Whose scores they are.
            exclusions: What cannot be in the list.
            wanted: How many of the best are wanted.
            also: item_nums that are scored in any case.
            overlay: What changed since the build; live items are all scored.

        Shapes:
            [n_items], float32; 0 for items that are not among the `wanted` best of what is not excluded.
        """
        parts = self._parts(history, overlay)
        bound = self._bound(parts, exclusions)
        first = self._first + wanted
        few = np.flatnonzero(bound >= max(kth_largest(bound, first), _LEAST) if len(bound) > first else bound > -np.inf)
        exact = self._exact(parts, few)
        least = kth_largest(exact, wanted) if len(exact) >= wanted else 0.0
        return self._reaching(history, parts, bound, least, also)

    def scores_from(
        self,
        history: History,
        exclusions: Sequence[Exclusion],
        num: int,
        factor: float,
        also: npt.NDArray[np.int64],
        *,
        overlay: Overlay | None = None,
    ) -> FloatArray:
        """Score all items that can be ahead of one.

        Args:
            history: Whose scores they are.
            exclusions: What cannot be in the list.
            num: item_num of the one; it may be excluded itself.
            factor: What its score is multiplied with before it is ranked.
            also: item_nums that are scored in any case.
            overlay: What changed since the build.

        Shapes:
            [n_items], float32; 0 for items that are not excluded and below it.
        """
        parts = self._parts(history, overlay)
        live = None if overlay is None else overlay.arrays.places.get(num)
        own = float(parts.live[live]) if live is not None else float(self._exact(parts, np.asarray([num]))[0])
        return self._reaching(history, parts, self._bound(parts, exclusions), own * factor, np.append(also, num))

    def _bound(self, parts: _Parts, exclusions: Sequence[Exclusion]) -> FloatArray:
        """Return what no item's score is above; -inf for items that are excluded, and for live ones, whose scores are known."""
        turned = parts.user @ self._axes
        bound: FloatArray = np.full(parts.n_items, -np.inf, dtype=np.float32)
        built = bound[: len(parts.known)]
        np.matmul(turned[:AXES].astype(np.float32), self._heads, out=built)
        built += np.float32(np.linalg.norm(turned[AXES:]) * _SLACK) * self._tails
        built += parts.known
        bound[parts.positions] = -np.inf
        for exclusion in exclusions:
            bound[exclusion.items] = -np.inf
        return bound

    def _reaching(self, history: History, parts: _Parts, bound: FloatArray, least: float, also: npt.NDArray[np.int64]) -> FloatArray:
        """Return the scores of all items that can reach a score, of live ones, and of some others."""
        reaching = bound >= least - abs(least) * (_SLACK - 1)
        if least <= 0 or np.count_nonzero(reaching) > self._dense_share * len(bound):
            return self._all(history, parts.overlay)
        reaching[also] = True
        reaching[parts.positions] = False
        nums = np.flatnonzero(reaching)
        scores = np.zeros(len(bound), dtype=np.float32)
        scores[nums] = self._exact(parts, nums)
        scores[parts.positions] = parts.live
        return scores

    def _parts(self, history: History, overlay: Overlay | None) -> _Parts:
        if overlay is not None:
            return _Parts(*overlay.parts(history), overlay.n_items, overlay.arrays.positions, overlay)
        artifact, model = self._artifact, self._artifact.model
        row = history.row(artifact.n_items)
        known = graph_scores(row, artifact.neighbours)[0]
        if model.has_weights:
            known += model.weight_scores(row)[0]
        user = model.learned_gate * (history.weights @ model.source_embeddings[history.nums].astype(np.float64))  # [d]
        return _Parts(known, user, np.zeros(0), artifact.n_items, np.zeros(0, dtype=np.int64))

    def _all(self, history: History, overlay: Overlay | None) -> FloatArray:
        if overlay is not None:
            return overlay.scores(history)
        scores: FloatArray = score(history.row(self._artifact.n_items), self._artifact.neighbours, self._artifact.model)[0]
        return scores

    def _exact(self, parts: _Parts, nums: npt.NDArray[np.int64]) -> FloatArray:
        learned = self._artifact.model.target_embeddings[nums].astype(np.float64) @ parts.user
        return np.asarray(parts.known[nums] + learned, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What scores are made of.

    Attributes:
        known: All of the scores of the build's items but what the embeddings add, [n_base].
        user: The vector whose product with b_i these add, [d].
        live: The scores of live items.
        n_items: How many items there are, new ones included.
        positions: item_nums of live items.
        overlay: What changed since the build, if anything did.
    """

    known: FloatArray
    user: Values
    live: Values
    n_items: int
    positions: npt.NDArray[np.int64]
    overlay: Overlay | None = None
