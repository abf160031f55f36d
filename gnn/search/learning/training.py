"""Weights from judgements: coordinate ascent on ndcg@10, judged by queries that were kept out.

Source: Metzler and Croft 2007, doi:10.1007/s10791-006-9019-z.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.graph.walks import largest
from gnn.metrics.statistics import bootstrap_interval
from gnn.metrics.users.ndcg import discounts
from gnn.search.learning.judgements import Judgements, K, gains
from gnn.search.scoring import Matches
from gnn.search.weights import DEFAULTS, LEARNED, Weights
from kg.errors import InputError

FEWEST_QUERIES = 10
"""With fewer judged queries the defaults are kept: a choice among few is a choice by chance."""
_GRID = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
_PENALTIES = (-0.4, -0.3, -0.2, -0.1, 0.0)
_LEAST_GAIN = 0.002
"""A weight changes only for this much of ndcg: what is less is noise of a few queries."""
_CANDIDATES = 400
_ROUNDS = 3
_SAMPLES = 10_000

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """One judged query.

    Attributes:
        matches: What it found, cut to those that can be among the first.
        gains: Of each.
        ideal: The best that any order reaches.
    """

    matches: Matches
    gains: Values
    ideal: float

    def ndcg(self, weights: Mapping[str, float]) -> float:
        """Return ndcg@10 of the order that weights give."""
        scores = self.matches.scores(weights)
        top = largest(scores, None, K)
        return float(self.gains[top] @ discounts(len(top))) / self.ideal


@dataclass(frozen=True)
class Trained:
    """What was learned.

    Attributes:
        weights: The weights.
        cross_validated: ndcg@10 of each query by weights that did not see it.
        baseline: ndcg@10 of each query by the text part alone.
        defaults: ndcg@10 of each query by the default weights.
    """

    weights: Weights
    cross_validated: Values
    baseline: Values
    defaults: Values


def train(
    judgements: Judgements, match: Callable[[str], Matches], item_num: Callable[[str], int | None], *, folds: int = 8, seed: int = 0
) -> Trained:
    """Learn weights.

    Args:
        judgements: What persons judged.
        match: Gives what a query finds.
        item_num: Gives the number of an item.
        folds: Of the cross-validation, over queries.
        seed: Of its order.

    Raises:
        InputError: Too few queries are judged.
    """
    queries = judgements.queries
    if len(queries) < FEWEST_QUERIES:
        raise InputError(f"only {len(queries)} queries have a rating above 0", hint=f"judge at least {FEWEST_QUERIES}; until then the defaults hold")
    examples = [example(match(query), judgements.ratings[query], item_num) for query in queries]
    order = np.random.default_rng(seed).permutation(len(examples))
    held_out = np.zeros(len(examples))
    for fold in np.array_split(order, min(folds, len(examples))):
        kept = set(fold.tolist())
        chosen = ascend([one for number, one in enumerate(examples) if number not in kept])
        for number in kept:
            held_out[number] = examples[number].ndcg(chosen)
    text = {**dict.fromkeys(DEFAULTS, 0.0), "text": 1.0}
    baseline, defaults = (np.asarray([one.ndcg(weights) for one in examples]) for weights in (text, DEFAULTS))
    difference = held_out - baseline
    low, high = bootstrap_interval(difference, samples=_SAMPLES, seed=seed)
    weights = ascend(examples)
    measured = {
        "queries": float(len(examples)),
        "ndcg": float(np.mean([one.ndcg(weights) for one in examples])),
        "ndcg_cross_validated": float(held_out.mean()),
        "ndcg_defaults": float(defaults.mean()),
        "ndcg_text": float(baseline.mean()),
        "gain_low": low,
        "gain_high": high,
    }
    return Trained(Weights(weights, "judgements", measured), held_out, baseline, defaults)


def example(matches: Matches, ratings: Mapping[str, int], item_num: Callable[[str], int | None]) -> Example:
    """Put a judged query together, cut to the items that can be among the first."""
    best = largest(matches.scores(DEFAULTS), None, _CANDIDATES)
    kept = np.sort(best)
    cut = Matches(matches.docs[kept], {name: value[kept] for name, value in matches.parts.items()}, matches.complete[kept])
    known = {num: rating for item_id, rating in ratings.items() if (num := item_num(item_id)) is not None}
    own = gains([known.get(doc, 0) for doc in cut.docs.tolist()])
    ideal = np.sort(gains(list(ratings.values())))[::-1][:K]
    return Example(cut, own, float(ideal @ discounts(len(ideal))))


def ascend(examples: Sequence[Example], start: Mapping[str, float] = DEFAULTS) -> dict[str, float]:
    """Change one weight after the other for as long as the mean ndcg@10 rises by more than noise."""

    def mean(weights: Mapping[str, float]) -> float:
        return float(np.mean([one.ndcg(weights) for one in examples]))

    weights = dict(start)
    best = mean(weights)
    for _ in range(_ROUNDS):
        before = best
        for name in LEARNED:
            for value in _PENALTIES if name == "other_kind" else _GRID:
                tried = {**weights, name: value}
                reached = mean(tried)
                if reached > best + _LEAST_GAIN:
                    best, weights = reached, tried
        if best == before:
            break
    return weights
