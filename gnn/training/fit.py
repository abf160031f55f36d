"""Training: degree exponents, gates, recency and item embeddings, tuned on events carved from the training part.

1. The training events are split again; what is withheld is what the tuning tries to find, so no path of the graph gives it away.
2. Item embeddings are learned from the rest and smoothed over the graph; item–item weights are regressed.
3. Walks, exponents, history weights, gates and a factor of the items' popularity are tuned (`gnn.training.tuning`).
4. Where past windows show that it helps, a factor of the season is chosen (`gnn.training.season_choice`).
5. `refit` learns embeddings and item–item weights again from all events it is given, counts season and popularity anew, and keeps everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.config import ModelConfig
from gnn.events.interactions import Interactions
from gnn.events.timing import timing_of
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray, WalkWeights, attraction
from gnn.model.history import HistoryWeights
from gnn.model.path_sum import PathSum, smoothed
from gnn.model.scorer import PathModel, history_weights, rated_pairs, times_ratings
from gnn.ratings import RatingWeights
from gnn.training.copurchases import copurchases_of
from gnn.training.factors import Factors, als_factors, confidence_for, folded, no_factors, width_for
from gnn.training.progress import Progress, Report, Softmax
from gnn.training.regression import FEWEST_SHOPPERS, item_weights
from gnn.training.season_choice import choose_season
from gnn.training.text_features import with_texts
from gnn.training.tuning import equal_gates, tune
from gnn.training.tuning_set import TuningSet, tuning_set
from kg.schema import family, meta_paths

MIN_TUNING_USERS = 20
"""With fewer users to tune on, the starting values are kept: a choice among few is a choice by chance."""


@dataclass(frozen=True)
class FitResult:
    """A trained model.

    Attributes:
        model: Fitted on all events that `fit` was given.
        trace: What training reported, in order: the learning curve.
        tuning_users: Users whose withheld items tuned it; 0 where the starting values were kept.
        validation_ndcg: ndcg on them, on the candidates of the pool.
    """

    model: PathModel
    trace: tuple[Progress, ...]
    tuning_users: int
    validation_ndcg: float

    @property
    def softmax(self) -> Softmax | None:
        """Which softmax tuned the gates; None where the starting values were kept."""
        return next((event.softmax for event in reversed(self.trace) if event.step == "gates"), None)


def fit(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig, progress: Report | None = None) -> FitResult:
    """Train the path-sum model.

    Args:
        graph: The graph; its interaction edges are rebuilt from `interactions`, so a hold-out stays held out.
        interactions: The events to learn from (`kg.tables.INTERACTION_COLUMNS`).
        config: See `ModelConfig`.
        progress: Called as training goes on.
    """
    trace: list[Progress] = []

    def report(event: Progress) -> None:
        trace.append(event)
        if progress is not None:
            progress(event)

    tuning = tuning_set(graph, interactions, config)
    if len(tuning.users) < MIN_TUNING_USERS:
        start = _starting_model(graph.with_interactions(interactions), config)
        return FitResult(refit(graph, interactions, start, config, report), tuple(trace), 0, float("nan"))
    tuned, ndcg = _tuned(tuning, config, timing_of(interactions["time"]) == "clock", report)
    tuned = replace(tuned, season=choose_season(graph, interactions, config))
    return FitResult(refit(graph, interactions, tuned, config, report), tuple(trace), len(tuning.users), ndcg)


def refit(graph: GraphArrays, interactions: pl.DataFrame, model: PathModel, config: ModelConfig, progress: Report | None = None) -> PathModel:
    """Learn the embeddings and the item–item weights again from these events; gates, exponents and the weights of kinds are kept.

    Args:
        graph: The graph; its interaction edges are rebuilt from `interactions`.
        interactions: The events to learn from.
        model: What `fit` found.
        config: The configuration it was fitted with.
        progress: Called as training goes on.
    """
    known = graph.with_interactions(interactions)
    factors = item_embeddings(known, config, progress) if model.learned_gate > 0 else no_factors(graph.n_items)
    weights = regressed_weights(known, config, progress) if model.weights_gate > 0 else None
    history = replace(model.history, ratings=RatingWeights.of(known.edges))
    learned = replace(
        model,
        history=history,
        source_embeddings=factors.source,
        target_embeddings=factors.target,
        item_weights=weights,
        factor=None,
        copurchases=copurchases_of(known, _met(known, config), factors, config, regressed=weights is not None),
    )
    factor = _factor(known, model)
    return learned if factor is None else learned.multiplied(factor)


def _factor(known: GraphArrays, model: PathModel) -> FloatArray | None:
    """Return f, [n_items], of the season and of the items' popularity; None where the model has neither."""
    parts = [] if model.season is None else [Interactions.of(known).season(model.season)]
    if model.popularity_exponent:
        parts.append(attraction(known.popularity, model.popularity_exponent))
    return np.prod(parts, axis=0, dtype=np.float32) if parts else None


def validation_ndcg(graph: GraphArrays, interactions: pl.DataFrame, config: ModelConfig, progress: Report | None = None) -> float:
    """Tune on a part carved from these events and return the ndcg reached there; NaN with too few users to tune on.

    Args:
        graph: The graph; its interaction edges are rebuilt from `interactions`.
        interactions: The events.
        config: How to tune.
        progress: Called as tuning goes on; what it raises ends the tuning.
    """
    tuning = tuning_set(graph, interactions, config)
    if len(tuning.users) < MIN_TUNING_USERS:
        return float("nan")
    return _tuned(tuning, config, timing_of(interactions["time"]) == "clock", progress or (lambda event: None))[1]


def item_embeddings(graph: GraphArrays, config: ModelConfig, progress: Report | None = None) -> Factors:
    """Learn item embeddings from the interactions of a graph, smooth them over its attributes, and mix in what the items' texts say.

    Shapes:
        source and target [n_items, d].
    """
    ones = _met(graph, config)
    als = als_factors(
        ones,
        factors=width_for(graph.n_items) if config.factors is None else config.factors,
        iterations=config.factor_iterations,
        regularization=config.factor_regularization,
        confidence=config.factor_confidence or confidence_for(ones),
        seed=config.seed,
        progress=None if progress is None else lambda number: progress(Progress("embeddings", number, config.factor_iterations)),
    )
    target, own_share = smoothed(graph, als.items, config.smoothing, max_degree=config.max_degree)
    target = with_texts(target, als.items, graph.text_vectors, known_share=config.text_share, seed=config.seed)
    if graph.text_vectors is not None:
        # At the least: an item without a text keeps more of its own.
        own_share = own_share * np.float32(1 - config.text_share)
    return replace(folded(als.items, target, regularization=config.factor_regularization), own_share=own_share, als=als)


def regressed_weights(graph: GraphArrays, config: ModelConfig, progress: Report | None = None) -> sp.csr_matrix | None:
    """Learn item–item weights from the interactions of a graph; None where more items take part than the configuration allows.

    Shapes:
        [n_items, n_items].
    """
    met = _met(graph, config)
    if int((met.getnnz(axis=0) >= FEWEST_SHOPPERS).sum()) > config.regression_items:
        return None
    if progress is not None:
        progress(Progress("regression", 0, 1))
    return item_weights(met, regularization=config.regression_regularization, kept=config.regression_neighbours)


def _met(graph: GraphArrays, config: ModelConfig) -> sp.csr_matrix:
    """Return ones where a user met an item in a way that counts; where they rated it, what the rating says, and nothing where it says 0.

    Shapes:
        [n_users, n_items].
    """
    history = history_weights(graph, HistoryWeights(config.kinds, count_exponent=0.0))
    ones = sp.csr_matrix((np.ones(history.nnz, dtype=np.float32), history.indices, history.indptr), shape=history.shape)
    ratings = RatingWeights.of(graph.edges)
    return ones if ratings is None else times_ratings(ones, *rated_pairs(graph), ratings)


def starting_walks(graph: GraphArrays, config: ModelConfig) -> tuple[WalkWeights, ...]:
    """Return every meta-path of the graph with the weights that training starts from."""
    start = {
        "interaction": (0.5, 0.4, 0.5, 0.0),
        "attribute": (0.25, 0.75, 0.0, 0.5),
        "item_item": (0.25, 0.75, 0.25, 0.25),
        "followed": (0.5, 0.5, 0.3, 0.0),
    }
    present = [edge_type for edge_type, frame in graph.edges.items() if family(edge_type) is not None and frame.height]
    hubs = {"max_degree": config.max_degree, "hub_fanout": config.hub_fanout}
    return tuple(WalkWeights(path, 1.0, *start[path.family], **hubs) for path in meta_paths(present))


def _starting_model(graph: GraphArrays, config: ModelConfig) -> PathModel:
    """Return a model whose walks all count alike."""
    none, weights = no_factors(graph.n_items), HistoryWeights(config.kinds, ratings=RatingWeights.of(graph.edges))
    network = PathSum(graph, starting_walks(graph, config))
    gates = equal_gates(network, history_weights(graph, weights))
    walks = tuple(replace(walk, gate=gate) for walk, gate in zip(network.walks, gates, strict=True))
    return PathModel(walks, weights, none.source, none.target, 0.0, config.neighbours)


def _tuned(tuning: TuningSet, config: ModelConfig, clock: bool, report: Report) -> tuple[PathModel, float]:
    factors = item_embeddings(tuning.graph, config, report) if config.factors != 0 else no_factors(tuning.graph.n_items)
    weights = regressed_weights(tuning.graph, config, report)
    network = PathSum(tuning.graph, starting_walks(tuning.graph, config), factors.source, factors.target, 1.0, weights, 1.0)
    shared = copurchases_of(tuning.graph, _met(tuning.graph, config), factors, config, regressed=weights is not None)
    return tune(network, tuning, config, clock, report, shared)
