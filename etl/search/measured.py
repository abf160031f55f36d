"""How well search does by judgements, beside its text part alone, over the whole catalogue; what was not judged counts 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnn.graph.walks import largest
from gnn.metrics.statistics import bootstrap_interval, paired_p_value
from gnn.search.engine import SearchEngine
from gnn.search.learning.judgements import DEPTH, Judgements, graded_ndcg, recall, reciprocal_rank
from gnn.search.weights import DEFAULTS

_SAMPLES, _SEED = 10_000, 0
MEASURES = ("ndcg@10", "recall@100", "MRR")


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        queries: How many.
        search: Measure → mean of the whole sum.
        bm25: Measure → mean of the text part alone, plurals folded.
        gain: 95 % paired bootstrap interval of the difference of ndcg@10.
        p_value: Of a paired randomisation test of it.
        worst: (query, ndcg@10), the worst first.
    """

    queries: int
    search: dict[str, float]
    bm25: dict[str, float]
    gain: tuple[float, float]
    p_value: float
    worst: tuple[tuple[str, float], ...]


def measure(engine: SearchEngine, judgements: Judgements) -> Measured:
    """Answer every judged query and compare."""
    own, alone = [], []
    text = {**dict.fromkeys(DEFAULTS, 0.0), "text": 1.0}
    ids = engine.recommender.artifact.item_ids
    for query in judgements.queries:
        ratings = judgements.ratings[query]
        judged = list(ratings.values())
        ranked = [item_id for item_id, _ in engine.rank(query, DEPTH)]
        matches = engine.matches(query)
        scores = matches.scores(text)
        order = [int(place) for place in largest(scores, None, DEPTH) if scores[place] > 0]
        own.append(_measures([ratings.get(item_id, 0) for item_id in ranked], judged))
        alone.append(_measures([ratings.get(ids[int(matches.docs[place])], 0) for place in order], judged))
    first, second = np.asarray(own), np.asarray(alone)
    difference = first[:, 0] - second[:, 0]
    worst = sorted(zip(judgements.queries, first[:, 0].tolist(), strict=True), key=lambda one: (one[1], one[0]))
    return Measured(
        len(own),
        dict(zip(MEASURES, first.mean(axis=0).tolist(), strict=True)),
        dict(zip(MEASURES, second.mean(axis=0).tolist(), strict=True)),
        bootstrap_interval(difference, samples=_SAMPLES, seed=_SEED),
        paired_p_value(first[:, 0], second[:, 0], samples=_SAMPLES, seed=_SEED),
        tuple(worst),
    )


def _measures(ranked: list[int], judged: list[int]) -> tuple[float, float, float]:
    return graded_ndcg(ranked, judged), recall(ranked, judged), reciprocal_rank(ranked)
