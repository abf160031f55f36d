"""Which gates stay open, and how much an item's popularity counts, judged by shoppers whose withheld items did not tune what is judged.

A gate is closed where closing it costs no more than chance. Half of the shoppers tune, the others judge, and the other way round; gates are closed
one after another, the least helpful first, where all that are closed then cost at most one standard error of the paired difference to the best of all
that was tried: the fewest open gates within the noise of the best. Fewer, truer reasons at an equal ndcg.

Source: the one-standard-error rule (Breiman et al. 1984, Classification and Regression Trees, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gnn.graph.walks import FloatArray, attraction
from gnn.metrics import IntArray
from gnn.model.closed import ClosedGate
from gnn.training.candidates import Gates, Pool, coordinate_ascent, ndcg_of
from gnn.types import BoolArray, Values

POPULARITY_EXPONENTS = (-0.15, -0.1, -0.05, 0.05, 0.1)
FEWEST_JUDGES = 500
"""With fewer shoppers who have something to find, chance is larger than what most relations are worth, and nothing is closed."""
_ROUNDS, _SURE = 3, 2.0


def popularity_exponent(pool: Pool, gates: Gates, popularity: FloatArray) -> float:
    """Choose the exponent of a candidate's popularity that multiplies its whole score; 0 where no other is better by more than chance.

    More than chance are two standard errors: a power that looks better by one was seen to cost what it promised (docs/benchmarks.md).

    Args:
        pool: Candidates.
        gates: In the pool's scale.
        popularity: Shoppers per item, [n_items].
    """
    scores = pool.scores(gates)
    before = _per_user(pool, scores)
    if len(before) < FEWEST_JUDGES:
        return 0.0
    best, gain = 0.0, 0.0
    for exponent in POPULARITY_EXPONENTS:
        mean, error = _difference(_per_user(pool, scores * attraction(popularity, exponent)[pool.items]), before)
        if mean > max(_SURE * error, gain):
            best, gain = exponent, mean
    return best


def unhelpful(pool: Pool, gates: Gates, names: Sequence[str], kept: frozenset[int]) -> dict[int, ClosedGate]:
    """Return the parts that are closed, by their place, and what closing each costs.

    Args:
        pool: Candidates.
        gates: In the pool's scale.
        names: Of the parts.
        kept: Parts that are not closed.
    """
    hits: BoolArray = np.asarray(pool.hits.any(axis=1))
    pool = pool.users(hits)
    closable = [place for place in range(len(gates)) if gates[place] > 0 and place not in kept]
    if pool.n_users < FEWEST_JUDGES or not closable:
        return {}
    first = np.arange(pool.n_users) % 2 == 0
    halves = [(coordinate_ascent(pool.users(~judging), gates, kept=kept, rounds=_ROUNDS)[0], pool.users(judging)) for judging in (first, ~first)]
    best = whole = _judged(halves, ())
    alone = {place: _difference(whole, _judged(halves, (place,))) for place in closable}
    closed: dict[int, ClosedGate] = {}
    for place in sorted(closable, key=lambda place: (alone[place][0], place)):
        fewer = _judged(halves, (*closed, place))
        cost, error = _difference(best, fewer)
        if cost <= error:
            closed[place] = ClosedGate(names[place], *alone[place])
            best = fewer if cost < 0 else best
    return closed


def _judged(halves: Sequence[tuple[Gates, Pool]], closed: Sequence[int]) -> Values:
    """Return the ndcg of every judge with some parts closed."""
    ndcgs = []
    for gates, judges in halves:
        left = gates.copy()
        left[list(closed)] = 0.0
        ndcgs.append(_per_user(judges, judges.scores(left)))
    return np.concatenate(ndcgs)


def _per_user(pool: Pool, scores: FloatArray) -> Values:
    return np.asarray(ndcg_of(scores, pool.hits, pool.n_relevant, pool.k) * pool.weights)


def _difference(one: Values, other: Values) -> tuple[float, float]:
    """Return the mean of the paired differences and its standard error."""
    differences = one - other
    return float(differences.mean()), float(differences.std() / max(len(differences) - 1, 1) ** 0.5)


def open_parts(gates: Gates, closed: Sequence[int]) -> IntArray:
    """Return the places of the parts that are not closed."""
    return np.setdiff1d(np.arange(len(gates)), np.asarray(closed, dtype=np.int64))
