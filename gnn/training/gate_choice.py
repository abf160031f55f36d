"""Which gates stay open, and how much an item's popularity counts, judged by shoppers whose withheld items did not tune what is judged.

A gate is closed where closing it costs no more than chance. Half of the shoppers tune, the others judge, and the other way round; gates are closed
one after another, the least helpful first, where all that are closed then cost at most one standard error of the paired difference to the best of all
that was tried: the fewest open gates within the noise of the best. Fewer, truer reasons at an equal ndcg. The same judges bound the size of gates
that move much of a list, and say how much smaller the gate of the embeddings may be (`gnn.training.graph_first`).

Source: the one-standard-error rule (Breiman et al. 1984, Classification and Regression Trees, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gnn.graph.walks import FloatArray, attraction
from gnn.metrics import IntArray
from gnn.model.closed import BoundedGate, ClosedGate, GraphFirstPoint
from gnn.training.candidates import Gates, Pool, coordinate_ascent, ndcg_of, strongest
from gnn.training.graph_first import SharePool, choose_point
from gnn.types import Values

POPULARITY_EXPONENTS = (-0.15, -0.1, -0.05, 0.05, 0.1)
FEWEST_JUDGES = 500
"""With fewer shoppers who have something to find, chance is larger than what most relations are worth, and nothing is closed."""
MOST_MOVED = 0.2
"""Share of a list that an attribute relation may move without being made smaller where that costs nothing."""
BOUNDS = (0.15, 0.3, 0.5, 0.7)
_ROUNDS, _SURE = 3, 2.0
_MOVED_SHOPPERS, _LISTED = 500, 10
_ROUNDS_AGAIN, _NOISE = 10, 1e-3


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


@dataclass(frozen=True)
class CrossFit:
    """Two halves of the shoppers, each with the gates that the other half tuned.

    Attributes:
        halves: Gates, and who judges them.
        closed: Parts that are closed, by place.
    """

    halves: tuple[tuple[Gates, Pool], ...]
    closed: frozenset[int] = frozenset()

    @classmethod
    def of(cls, pool: Pool, gates: Gates, kept: frozenset[int]) -> CrossFit | None:
        """Tune on both halves; None with too few shoppers who have something to find.

        Args:
            pool: Candidates.
            gates: Where to start, in the pool's scale.
            kept: Parts that are closed only where that raises the ndcg.
        """
        pool = pool.users(np.asarray(pool.hits.any(axis=1)))
        if pool.n_users < FEWEST_JUDGES:
            return None
        first = np.arange(pool.n_users) % 2 == 0
        return cls(
            tuple((coordinate_ascent(pool.users(~judging), gates, kept=kept, rounds=_ROUNDS)[0], pool.users(judging)) for judging in (first, ~first))
        )

    def judged(self, factors: Values) -> Values:
        """Return the ndcg of every judge with the gates multiplied.

        Args:
            factors: One per part.
        """
        factors = factors.copy()
        factors[list(self.closed)] = 0.0
        return np.concatenate([_per_user(judges, judges.scores(gates * factors)) for gates, judges in self.halves])

    def moved(self, place: int, factors: Values) -> float:
        """Return which share of the judges' first items are others where a part is closed."""
        factors, results = factors.copy(), []
        factors[list(self.closed)] = 0.0
        without = factors.copy()
        without[place] = 0.0
        for gates, judges in self.halves:
            some = judges.users(slice(0, _MOVED_SHOPPERS))
            one, other = (strongest(some.scores(gates * each), _LISTED) for each in (factors, without))
            results += [1 - len(np.intersect1d(a, b)) / len(a) for a, b in zip(one, other, strict=True)]
        return float(np.mean(results))


def unhelpful(fitted: CrossFit, candidates: Sequence[int], names: Sequence[str]) -> dict[int, ClosedGate]:
    """Return the parts that are closed, by their place, and what closing each costs.

    Args:
        fitted: Who judges.
        candidates: Parts that are open and may be closed.
        names: Of all parts.
    """
    best = whole = fitted.judged(np.ones(len(names)))

    def without(places: Sequence[int]) -> Values:
        factors = np.ones(len(names))
        factors[list(places)] = 0.0
        return fitted.judged(factors)

    alone = {place: _difference(whole, without((place,))) for place in candidates}
    closed: dict[int, ClosedGate] = {}
    for place in sorted(candidates, key=lambda place: (alone[place][0], place)):
        fewer = without((*closed, place))
        cost, error = _difference(best, fewer)
        if cost <= error:
            closed[place] = ClosedGate(names[place], *alone[place])
            best = fewer if cost < 0 else best
    return closed


def bounded(fitted: CrossFit, candidates: Sequence[int], names: Sequence[str]) -> dict[int, BoundedGate]:
    """Return the parts that count less, by their place: those that move more than `MOST_MOVED` of a list, made as small as costs no more than chance.

    Of a part that changes ndcg by next to nothing, tuning may find any size at all, and reasons of it would crowd out those that matter.

    Args:
        fitted: Who judges.
        candidates: Parts that are open and may be bounded.
        names: Of all parts.
    """
    factors = np.ones(len(names))
    whole = fitted.judged(factors)
    moved = {place: fitted.moved(place, factors) for place in candidates}
    results: dict[int, BoundedGate] = {}
    for place in sorted((place for place in candidates if moved[place] > MOST_MOVED), key=lambda place: (-moved[place], place)):
        for factor in BOUNDS:
            tried = factors.copy()
            tried[place] = factor
            cost, error = _difference(whole, fitted.judged(tried))
            if cost <= error:
                factors, results[place] = tried, BoundedGate(names[place], moved[place], factor, cost, error)
                break
    return results


def _per_user(pool: Pool, scores: FloatArray) -> Values:
    return np.asarray(ndcg_of(scores, pool.hits, pool.n_relevant, pool.k) * pool.weights)


def _difference(one: Values, other: Values) -> tuple[float, float]:
    """Return the mean of the paired differences and its standard error."""
    differences = one - other
    return float(differences.mean()), float(differences.std() / max(len(differences) - 1, 1) ** 0.5)


def open_parts(gates: Gates, closed: Sequence[int]) -> IntArray:
    """Return the places of the parts that are not closed."""
    return np.setdiff1d(np.arange(len(gates)), np.asarray(closed, dtype=np.int64))


@dataclass(frozen=True)
class Choice:
    """What is left of the gates, and why.

    Attributes:
        gates: In the pool's scale.
        closed: Parts that are closed.
        bounded: Parts that count less.
        graph_first: How the gate of the embeddings was chosen; empty where it was not.
    """

    gates: Gates
    closed: tuple[ClosedGate, ...] = ()
    bounded: tuple[BoundedGate, ...] = ()
    graph_first: tuple[GraphFirstPoint, ...] = ()


def simplified(
    pool: Pool,
    gates: Gates,
    names: Sequence[str],
    kept: frozenset[int],
    attributes: Sequence[int],
    shares: SharePool | None,
    loss: float,
    *,
    again: bool,
) -> Choice:
    """Close gates that help nobody, climb the others again where that or a change before asks for it, bound those that move too much, paths first.

    Args:
        pool: Candidates.
        gates: In the pool's scale.
        names: Of the parts.
        kept: Parts that are not closed.
        attributes: Parts whose size is bounded.
        shares: What of the scores runs over paths; None leaves the last gate as it is.
        loss: Share of the best ndcg that may be given up for it.
        again: The gates are climbed once more in any case.
    """
    fitted = CrossFit.of(pool, gates, kept)
    closed = {} if fitted is None else unhelpful(fitted, [n for n in range(len(gates)) if gates[n] > 0 and n not in kept], names)
    if closed or again:
        left = open_parts(gates, list(closed)).tolist()
        kept_left = frozenset(number for number, place in enumerate(left) if place in kept)
        changed = np.zeros_like(gates)
        changed[left] = coordinate_ascent(pool.parts(left), gates[left], kept=kept_left, rounds=_ROUNDS_AGAIN, tolerance=_NOISE)[0]
        gates = changed
    if fitted is None:
        return Choice(gates)
    fitted = replace(fitted, closed=frozenset(closed))
    smaller = bounded(fitted, [place for place in attributes if gates[place] > 0], names)
    factors = np.ones(len(gates))
    for place, bound in smaller.items():
        factors[place] = bound.factor
    gates, points = gates * factors, tuple[GraphFirstPoint, ...]()
    if shares is not None and gates[-1] > 0:
        factor, points = choose_point(lambda tried: float(fitted.judged(factors * tried).mean()), shares.graph_share, gates, loss)
        gates[-1] *= factor
    return Choice(gates, tuple(closed[n] for n in sorted(closed)), tuple(smaller[n] for n in sorted(smaller)), points)
