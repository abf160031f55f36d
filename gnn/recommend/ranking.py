"""The one place where candidates are masked, adjusted, ranked, re-ranked and cut.

    scores of all items ─exclusions─▶ candidates ─adjustments─▶ scores that rank ─re-rankers─▶ order ─offset, k─▶ ranked items

An exclusion takes items out and says why. An adjustment adds to a score and becomes a reason of its own, so that shares still add up. A re-ranker
changes the order and not the scores; the answer names it, and each item has the rank it would have had. Nothing else moves an item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.artifact.duplicates import NONE, DuplicateGroups
from gnn.graph.walks import FloatArray, largest
from gnn.recommend.adjustments import Adjustment, Exclusion, ScoreChange
from kg.errors import InputError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RankedItem:
    """An item of a list.

    Attributes:
        num: item_num.
        rank: From 1.
        score: What it is ranked by, adjustments included.
        rank_by_score: Its rank before re-ranking.
        changes: The adjustments in the score.
    """

    num: int
    rank: int
    score: float
    rank_by_score: int
    changes: tuple[ScoreChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """All items with their scores, and what is said against and for some.

    Attributes:
        scores: [n_items].
        fallback_scores: Rank the items that score nothing, [n_items]; None leaves them out.
        exclusions: What must not be shown.
        adjustments: What is added to scores.
        duplicates: Items that are listed more than once; each is shown once.
    """

    scores: FloatArray
    fallback_scores: FloatArray | None
    exclusions: tuple[Exclusion, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    duplicates: DuplicateGroups = NONE

    def excluded(self, num: int) -> bool:
        """Say whether an item must not be shown."""
        return any(exclusion.holds(num) for exclusion in self.exclusions)


Reordering = Callable[[IntArray, FloatArray], IntArray]
"""From item_nums best first and their scores to the item_nums in the order they are shown; it may leave some out, and bring others in."""


def rank_items(candidates: Candidates, k: int, *, offset: int = 0, reorderings: Sequence[Reordering] = (), depth: int = 0) -> list[RankedItem]:
    """Rank candidates and cut the list.

    Args:
        candidates: What there is.
        k: How many.
        offset: How many to leave out at the head.
        reorderings: Applied in order to the head of the list.
        depth: How many of the best the re-rankers see; at least offset + k.

    Raises:
        InputError: k is below 1 or offset below 0.
    """
    if k < 1 or offset < 0:
        raise InputError(f"k is {k}, offset is {offset}", hint="ask for at least one item, from place 0 on")
    scores, deltas = _adjusted(candidates)
    for exclusion in candidates.exclusions:
        scores[exclusion.items] = -np.inf
    scores[candidates.duplicates.hidden(scores, candidates.fallback_scores)] = -np.inf
    wanted = max(depth, offset + k) if reorderings else offset + k
    order = best(scores, candidates.fallback_scores, wanted)
    by_score = {num: rank for rank, num in enumerate(order.tolist(), start=1)}
    for reorder in reorderings:
        order = reorder(order, scores[order])
    return [
        RankedItem(num, rank, float(scores[num]), by_score.get(num) or _rank(scores, num), _changes(candidates, deltas, num))
        for rank, num in enumerate(order[offset : offset + k].tolist(), start=offset + 1)
    ]


def ranked_by_score(candidates: Candidates, num: int) -> RankedItem:
    """Return one item ranked by score alone, whether it may be shown or not; ties by the smaller number."""
    scores, deltas = _adjusted(candidates)
    above = ranked_above(scores, num)
    shown = np.array(scores)
    for exclusion in candidates.exclusions:
        above[exclusion.items] = False
        shown[exclusion.items] = -np.inf
    above[candidates.duplicates.hidden(shown, candidates.fallback_scores)] = False
    rank = int(above.sum()) + 1
    return RankedItem(num, rank, float(scores[num]), rank, _changes(candidates, deltas, num))


def _rank(scores: FloatArray, num: int) -> int:
    """Return the rank of an item that a re-ranker brought in from further down."""
    return int(ranked_above(scores, num).sum()) + 1


def ranked_above(scores: FloatArray, num: int) -> npt.NDArray[np.bool_]:
    """Say which items rank above one: those that score more, and of equal scores those with a smaller number.

    Shapes:
        [n_items] → [n_items].
    """
    above: npt.NDArray[np.bool_] = scores > scores[num]
    above[:num] |= scores[:num] == scores[num]
    return above


def best(scores: FloatArray, fallback_scores: FloatArray | None, k: int) -> IntArray:
    """Return the k best item_nums: those that score above 0 by score, then the others by `fallback_scores`; ties by the smaller number.

    Args:
        scores: [n_items]; -inf takes an item out.
        fallback_scores: [n_items]; None leaves the others out.
        k: How many; fewer are returned where there are not so many.
    """
    # Where only the head was scored, few are above 0: those are the ones to look through.
    above = np.flatnonzero(scores > 0)
    chosen = above[largest(scores[above], above.astype(np.int32), k)]
    if len(chosen) == k or fallback_scores is None:
        return chosen
    rest = np.flatnonzero((scores <= 0) & np.isfinite(scores))
    return np.concatenate([chosen, rest[largest(fallback_scores[rest], rest.astype(np.int32), k - len(chosen))]])


def _adjusted(candidates: Candidates) -> tuple[FloatArray, list[npt.NDArray[np.float64]]]:
    """Return the adjusted scores, and what each adjustment adds to each of its items."""
    scores, deltas = np.array(candidates.scores, dtype=np.float32), []
    for adjustment in candidates.adjustments:
        now = scores[adjustment.items].astype(np.float64)
        deltas.append(np.where(now > 0, now * (adjustment.factors - 1), 0.0))
        scores[adjustment.items] += deltas[-1].astype(np.float32)
    return scores, deltas


def _changes(candidates: Candidates, deltas: Sequence[npt.NDArray[np.float64]], num: int) -> tuple[ScoreChange, ...]:
    return tuple(
        ScoreChange(adjustment.kind, float(delta[n]), adjustment.messages[n])
        for adjustment, delta in zip(candidates.adjustments, deltas, strict=True)
        for n in np.flatnonzero(adjustment.items == num).tolist()
        if delta[n]
    )


def top(scores: FloatArray, seen: np.ndarray | None, k: int) -> np.ndarray:
    """Return the k best item_nums that are not in `seen`, best first; equal scores by the smaller number."""
    if k < 1:
        raise InputError(f"k is {k}", hint="ask for at least one item")
    candidates = np.array(scores, dtype=np.float32)
    if seen is not None and len(seen):
        candidates[seen] = -np.inf
    return best(candidates, candidates, k)
