"""Candidate pools: what each part of the model gives to the items that could be recommended to the tuning users.

Gates are tuned thousands of times, so the walks are computed once and what they give to each user's candidates is kept. Where it fits, the
candidates are all items that may be recommended: the softmax is the full one and ndcg exact. In larger shops they are the items that a walk,
the learned similarity or all of them together rank high, and a sample of all others with its logQ correction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import FloatArray, largest
from gnn.metrics import IntArray
from gnn.metrics.users.ndcg import discounts, ideal_gain
from gnn.types import BoolArray, Values

Gates = npt.NDArray[np.float64]

GATE_FACTORS = (0.0, 0.3, 0.6, 0.85, 1.2, 1.6, 3.0)
REOPENING = (0.05, 0.12, 0.25, 0.4, 0.6, 0.9)
FEWEST_RANKS, MOST_RANKS = 30, 50
_COMPARED_CELLS = 4_000_000


@dataclass(frozen=True)
class Candidates:
    """Candidates of one user.

    Attributes:
        items: Item numbers, [C].
        features: What each part gives to each of them, [C, M].
        relevant: Which are withheld items, [C].
        nominated: Which are there on their own merit, not because they were withheld or drawn, [C].
        offset: log of how many items each stands for, [C].
    """

    items: IntArray
    features: FloatArray
    relevant: BoolArray
    nominated: BoolArray
    offset: FloatArray


@dataclass(frozen=True)
class Pool:
    """Candidates of the tuning users, padded to the same length.

    Attributes:
        items: Item numbers; 0 where a row is shorter, [U, C].
        features: What each part gives to each candidate, parts scaled to a mean top score of 1, [U, C, M].
        relevant: Which candidates are withheld items: the targets of the likelihood, [U, C].
        hits: Which of those were nominated: the hits that ndcg counts. A withheld item that no part ranks high competes here with few of the items
            that would outrank it, so it counts as missed; otherwise gates that favour large groups of equal scores look better than they are. [U, C].
        offset: Correction of a candidate's logit: log of how many items it stands for; -inf where a row is shorter than C, [U, C].
        n_relevant: Withheld items of each user, [U].
        scales: What the parts were divided by, [M].
        weights: How much each user counts, mean 1, [U].
        k: Cut-off of the ndcg that tuning climbs: twice the mean number of withheld items, from 30 to 50. A longer list says the same with less
            noise: gates climbed at 10 fit the chance of the tuning users.
    """

    items: IntArray
    features: FloatArray
    relevant: BoolArray
    hits: BoolArray
    offset: FloatArray
    n_relevant: IntArray
    scales: Gates
    weights: Values
    k: int

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.n_relevant)

    def scores(self, gates: Gates) -> FloatArray:
        """Return Σ_m gate_m · feature_m, -inf where a row is shorter, [U, C]."""
        return np.where(np.isfinite(self.offset), self.features @ gates.astype(np.float32), np.float32(-np.inf))

    def ndcg(self, gates: Gates) -> float:
        """Return the mean ndcg of the candidates ranked with these gates."""
        return self.ndcg_of(self.scores(gates))

    def ndcg_of(self, scores: FloatArray) -> float:
        """Return the mean ndcg of the candidates ranked by these scores, [U, C]."""
        return float((ndcg_of(scores, self.hits, self.n_relevant, self.k) * self.weights).mean())

    def users(self, rows: slice | BoolArray) -> Pool:
        """Return the pool of some of the users."""
        return replace(
            self,
            items=self.items[rows],
            features=self.features[rows],
            relevant=self.relevant[rows],
            hits=self.hits[rows],
            offset=self.offset[rows],
            n_relevant=self.n_relevant[rows],
            weights=self.weights[rows],
        )

    def parts(self, kept: Sequence[int]) -> Pool:
        """Return the pool with some of the parts."""
        return replace(self, features=np.ascontiguousarray(self.features[:, :, list(kept)]), scales=self.scales[list(kept)])

    def times(self, factor: FloatArray) -> Pool:
        """Return the pool with everything that an item has multiplied with a factor of the item; the scales stay those of the parts.

        Args:
            factor: [n_items].
        """
        return replace(self, features=self.features * factor[self.items][:, :, None])

    def with_part(self, place: int, feature: FloatArray) -> Pool:
        """Return the pool with one part replaced; `feature` [U, C] is scaled here."""
        features, scales = self.features.copy(), self.scales.copy()
        features[:, :, place], scales[place] = scaled(feature)
        return replace(self, features=features, scales=scales)


def all_items(parts: Sequence[FloatArray], allowed: BoolArray, withheld: IntArray) -> Candidates:
    """Make every item that may be recommended a candidate of one user: nothing is drawn, so nothing is corrected.

    Args:
        parts: What each part of the model gives to all items, M arrays [n_items].
        allowed: Which items may be recommended, [n_items].
        withheld: The items to find.
    """
    items = np.flatnonzero(allowed)
    every, offset = np.ones(len(items), dtype=bool), np.zeros(len(items), dtype=np.float32)
    return Candidates(items, np.stack([part[items] for part in parts], axis=1), np.isin(items, withheld), every, offset)


def candidates(
    parts: Sequence[FloatArray],
    nominated: IntArray,
    allowed: BoolArray,
    withheld: IntArray,
    *,
    negatives: int,
    rng: np.random.Generator,
    proposal: Values | None = None,
) -> Candidates:
    """Collect the candidates of one user.

    Args:
        parts: What each part of the model gives to all items, M arrays [n_items].
        nominated: Items that some part ranks high; repeats are welcome.
        allowed: Which items may be recommended, [n_items].
        withheld: The items to find.
        negatives: Further items drawn.
        rng: For the draw.
        proposal: Probability of each item in a draw, [n_items]; None draws uniformly.

    Source: the correction of a proposal that is not uniform is that of Horvitz and Thompson 1952, doi:10.1080/01621459.1952.10483446.
    """
    chosen = np.unique(np.concatenate([nominated, withheld]))
    chosen = chosen[allowed[chosen]]
    draw = rng.integers(0, len(allowed), negatives) if proposal is None else rng.choice(len(allowed), negatives, p=proposal)
    drawn = np.setdiff1d(draw, chosen)
    drawn = drawn[allowed[drawn]]
    # Each drawn item stands for as many items as were not drawn: the logQ correction of a uniform proposal.
    rest = int(allowed.sum()) - len(chosen)
    stands_for = np.log(max(rest, 1) / max(len(drawn), 1))
    items = np.concatenate([chosen, drawn]).astype(np.int64)
    drawn_offset = stands_for if proposal is None else -np.log(-np.expm1(negatives * np.log1p(-proposal[items])))
    offset = np.where(np.arange(len(items)) < len(chosen), 0.0, drawn_offset).astype(np.float32)
    own_merit = np.isin(items, nominated) & (np.arange(len(items)) < len(chosen))
    return Candidates(items, np.stack([part[items] for part in parts], axis=1), np.isin(items, withheld), own_merit, offset)


def build_pool(rows: Sequence[Candidates], n_relevant: IntArray, weights: Values | None = None) -> Pool:
    """Pad the candidates of all users to one length and scale the parts.

    Args:
        rows: One per user.
        n_relevant: Withheld items of each user, [U].
        weights: How much each user counts, [U]; None counts all alike.
    """
    width, n_parts = max(len(row.items) for row in rows), rows[0].features.shape[1]
    items = np.zeros((len(rows), width), dtype=np.int64)
    features = np.zeros((len(rows), width, n_parts), dtype=np.float32)
    relevant, hits = np.zeros((len(rows), width), dtype=bool), np.zeros((len(rows), width), dtype=bool)
    offset = np.full((len(rows), width), -np.inf, dtype=np.float32)
    for number, row in enumerate(rows):
        n = len(row.items)
        items[number, :n], features[number, :n], offset[number, :n] = row.items, row.features, row.offset
        relevant[number, :n], hits[number, :n] = row.relevant, row.relevant & row.nominated
    scales = _scale(features)
    features /= scales.astype(np.float32)
    even = np.ones(len(rows)) if weights is None else weights / weights.mean()
    return Pool(items, features, relevant, hits, offset, n_relevant, scales, even, int(np.clip(2 * n_relevant.mean(), FEWEST_RANKS, MOST_RANKS)))


def scaled(feature: FloatArray) -> tuple[FloatArray, float]:
    """Return one part's values divided by their mean top value, and that value.

    Shapes:
        [U, C] → [U, C].
    """
    scale = float(_scale(feature[:, :, None])[0])
    return feature / np.float32(scale), scale


def _scale(features: FloatArray) -> Gates:
    """Return the mean over users of each part's top score, 1 where a part gives nothing."""
    scales = np.asarray(features.max(axis=1).mean(axis=0), dtype=np.float64)
    scales[scales <= 0] = 1.0
    return scales


def strongest(scores: npt.NDArray[np.floating], k: int) -> IntArray:
    """Return the places of the k largest scores of each row, the largest first; all rows hold at least k.

    Shapes:
        [U, C] → [U, k].
    """
    return np.stack([largest(row, None, k) for row in scores]) if len(scores) else np.zeros((0, k), dtype=np.int64)


def ndcg_of(scores: FloatArray, relevant: BoolArray, n_relevant: IntArray, k: int) -> Values:
    """Return ndcg@k of each row.

    Shapes:
        scores and relevant [U, C], n_relevant [U] → [U].
    """
    users, places = np.nonzero(relevant)
    gains = np.zeros(len(users))
    size = max(1, _COMPARED_CELLS // max(1, scores.shape[1]))
    before = np.arange(scores.shape[1])
    for start in range(0, len(users), size):
        part = slice(start, start + size)
        rows, own = scores[users[part]], scores[users[part], places[part]][:, None]
        # Only the ranks of the hits are asked for; equal scores by the smaller item number, as serving does.
        above = ((rows > own) | ((rows == own) & (before < places[part][:, None]))).sum(axis=1)
        gains[part] = np.where(above < k, discounts(k)[np.minimum(above, k - 1)], 0.0)
    ideal = ideal_gain(np.maximum(n_relevant, 1), k)
    return np.asarray(np.bincount(users, weights=gains, minlength=len(scores)) / ideal, dtype=np.float64)


def coordinate_ascent(
    pool: Pool,
    gates: Gates,
    *,
    kept: frozenset[int] = frozenset(),
    rounds: int = 10,
    progress: Callable[[int, float], None] | None = None,
    tolerance: float = 2e-3,
) -> tuple[Gates, float]:
    """Change one gate at a time by the factor that raises ndcg most, until none does.

    Unlike the likelihood this climbs the measure itself, which has no gradient. A gate that can be closed at no loss is closed, the
    last part first: that is the learned similarity, and where a path says the same, the path should be what explains.

    Args:
        pool: Candidates.
        gates: Where to start, in the pool's scale.
        kept: Parts that are closed only where that raises the ndcg.
        rounds: Most rounds over all gates.
        progress: Called with round and ndcg.
        tolerance: Gains below this share of the ndcg do not count: they are chance.

    Returns:
        The gates and their ndcg.
    """
    # Users none of whose items was nominated add nothing whatever the gates are.
    hits: BoolArray = np.asarray(pool.hits.any(axis=1))
    share = float(hits.mean())
    pool = pool.users(hits)
    gates, best = gates.copy(), pool.ndcg(gates) if share else 0.0
    for number in range(rounds if share else 0):
        before = best
        for place in reversed(range(len(gates))):
            gates, best = _step(pool, gates, best, place, tolerance, may_close=place not in kept)
        if progress is not None:
            progress(number, best * share)
        if best <= before * (1 + tolerance):
            break
    return gates, best * share


def _step(pool: Pool, gates: Gates, best: float, place: int, tolerance: float, *, may_close: bool) -> tuple[Gates, float]:
    rest = gates.copy()
    rest[place] = 0.0
    base, own = pool.scores(rest), pool.features[:, :, place]
    tried = [factor * gates[place] for factor in GATE_FACTORS] if gates[place] > 0 else [share * gates.max() for share in REOPENING]
    values = {value: pool.ndcg_of(base + np.float32(value) * own) for value in tried}
    chosen = max(values, key=lambda value: (values[value], -value))
    if values[chosen] <= best * (1 + tolerance):
        chosen = gates[place]
    if may_close and chosen > 0 and rest.any() and values.get(0.0, -1.0) >= max(best, values.get(chosen, best)):
        chosen = 0.0
    changed = gates.copy()
    changed[place] = chosen
    return changed, values.get(chosen, best)
