"""The one place where candidates are masked, adjusted, ranked, re-ranked and cut.

    scores of all items ─bars─▶ candidates ─adjustments─▶ scores that rank ─re-rankers─▶ order ─offset, k─▶ places

A bar takes items out and says why. An adjustment adds to a score and becomes a reason of its own, so that shares still add up. A re-ranker
changes the order and not the scores; the answer names it, and each place tells the rank it would have had. Nothing else moves an item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.artifact.duplicates import NONE, DuplicateGroups
from gnn.explain.messages.message import Text
from gnn.graph.walks import FloatArray, largest
from kg.errors import InputError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Items that must not be shown.

    Attributes:
        why: For a person ("already in the history").
        items: Their item_nums, or for each item whether it is barred, [n_items] bool.
    """

    why: str
    items: npt.NDArray[np.int64] | npt.NDArray[np.bool_]

    def holds(self, num: int) -> bool:
        """Say whether an item is barred."""
        return bool(self.items[num]) if self.items.dtype == np.bool_ else bool((self.items == num).any())


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is added to the scores of some items before they are ranked; each becomes a reason of its kind.

    Attributes:
        kind: Kind of the reason ("impressions", "rule").
        items: item_nums, each at most once.
        factors: What the score of each is multiplied with, above 0.
        messages: For a person, one per item.
    """

    kind: str
    items: IntArray
    factors: npt.NDArray[np.float64]
    messages: Sequence[Text]


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """One adjustment of one item: what it adds to the score."""

    kind: str
    delta: float
    message: Text


@dataclass(frozen=True, slots=True)
class RankedItem:
    """An item's place in a list.

    Attributes:
        num: item_num.
        rank: From 1.
        score: What it is ranked by, adjustments included.
        rank_by_score: Its rank before re-ranking.
        moved: The adjustments in the score.
    """

    num: int
    rank: int
    score: float
    rank_by_score: int
    moved: tuple[ScoreChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """All items with their scores, and what is said against and for some.

    Attributes:
        scores: [n_items].
        fill: Ranks the items that score nothing, [n_items]; None leaves them out.
        bars: What must not be shown.
        adjustments: What is added to scores.
        listings: Items that are listed more than once; each is shown once.
    """

    scores: FloatArray
    fill: FloatArray | None
    bars: tuple[Exclusion, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    listings: DuplicateGroups = NONE

    def excluded(self, num: int) -> tuple[str, ...]:
        """Say why an item must not be shown; empty where it may."""
        return tuple(bar.why for bar in self.bars if bar.holds(num))


Reranker = Callable[[IntArray, FloatArray], IntArray]
"""From item_nums best first and their scores to the item_nums in the order they are shown; it may leave some out, and bring others in."""


def rank_items(candidates: Candidates, k: int, *, offset: int = 0, rerankers: Sequence[Reranker] = (), depth: int = 0) -> list[RankedItem]:
    """Rank candidates and cut the list.

    Args:
        candidates: What there is.
        k: How many places.
        offset: How many to leave out at the head.
        rerankers: Applied in order to the head of the list.
        depth: How many of the best the re-rankers see; at least offset + k.

    Raises:
        InputError: k is below 1 or offset below 0.
    """
    if k < 1 or offset < 0:
        raise InputError(f"k is {k}, offset is {offset}", hint="ask for at least one item, from place 0 on")
    scores, deltas = _adjusted(candidates)
    for bar in candidates.bars:
        scores[bar.items] = -np.inf
    scores[candidates.listings.hidden(scores, candidates.fill)] = -np.inf
    wanted = max(depth, offset + k) if rerankers else offset + k
    order = best(scores, candidates.fill, wanted)
    by_score = {num: place for place, num in enumerate(order.tolist(), start=1)}
    for rerank in rerankers:
        order = rerank(order, scores[order])
    return [
        RankedItem(num, rank, float(scores[num]), by_score.get(num) or _rank(scores, num), _moved(candidates, deltas, num))
        for rank, num in enumerate(order[offset : offset + k].tolist(), start=offset + 1)
    ]


def place_of(candidates: Candidates, num: int) -> RankedItem:
    """Return the place of one item by score alone, whether it may be shown or not; ties by the smaller number."""
    scores, deltas = _adjusted(candidates)
    own = scores[num]
    ahead = (scores > own) | ((scores == own) & (np.arange(len(scores)) < num))
    shown = np.array(scores)
    for bar in candidates.bars:
        ahead[bar.items] = False
        shown[bar.items] = -np.inf
    ahead[candidates.listings.hidden(shown, candidates.fill)] = False
    rank = int(ahead.sum()) + 1
    return RankedItem(num, rank, float(own), rank, _moved(candidates, deltas, num))


def _rank(scores: FloatArray, num: int) -> int:
    """Return the rank of an item that a re-ranker brought in from further down."""
    return int((scores > scores[num]).sum() + (scores[:num] == scores[num]).sum()) + 1


def best(scores: FloatArray, fill: FloatArray | None, k: int) -> IntArray:
    """Return the k best item_nums: those that score above 0 by score, then the others by `fill`; ties by the smaller number.

    Args:
        scores: [n_items]; -inf takes an item out.
        fill: [n_items]; None leaves the others out.
        k: How many; fewer are returned where there are not so many.
    """
    # Where only the head was scored, few are above 0: those are the ones to look through.
    above = np.flatnonzero(scores > 0)
    chosen = above[largest(scores[above], above.astype(np.int32), k)]
    if len(chosen) == k or fill is None:
        return chosen
    rest = np.flatnonzero((scores <= 0) & np.isfinite(scores))
    return np.concatenate([chosen, rest[largest(fill[rest], rest.astype(np.int32), k - len(chosen))]])


def _adjusted(candidates: Candidates) -> tuple[FloatArray, list[npt.NDArray[np.float64]]]:
    """Return the adjusted scores, and what each adjustment adds to each of its items."""
    scores, deltas = np.array(candidates.scores, dtype=np.float32), []
    for adjustment in candidates.adjustments:
        now = scores[adjustment.items].astype(np.float64)
        deltas.append(np.where(now > 0, now * (adjustment.factors - 1), 0.0))
        scores[adjustment.items] += deltas[-1].astype(np.float32)
    return scores, deltas


def _moved(candidates: Candidates, deltas: Sequence[npt.NDArray[np.float64]], num: int) -> tuple[ScoreChange, ...]:
    return tuple(
        ScoreChange(adjustment.kind, float(delta[place]), adjustment.messages[place])
        for adjustment, delta in zip(candidates.adjustments, deltas, strict=True)
        for place in np.flatnonzero(adjustment.items == num).tolist()
        if delta[place]
    )


def top(scores: FloatArray, seen: np.ndarray | None, k: int) -> np.ndarray:
    """Return the k best item_nums that are not in `seen`, best first; equal scores by the smaller number."""
    if k < 1:
        raise InputError(f"k is {k}", hint="ask for at least one item")
    candidates = np.array(scores, dtype=np.float32)
    if seen is not None and len(seen):
        candidates[seen] = -np.inf
    return best(candidates, candidates, k)
