"""Ablations: what is left of the recommendations when a part of the model is closed, nothing being trained again.

The scores are sums over walks, so every walk is computed once per user and each variant is a sum of fewer of them. Nothing is pruned here, in the
whole model neither, so the variants differ by their parts alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
import polars as pl

from gnn.artifact.artifact import Artifact
from gnn.config import EvaluateConfig
from gnn.evaluation.evaluate import ModelResult, TestUsers, measured, rank_scores
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import WalkWeights, step_matrices
from gnn.metrics import IntArray
from gnn.recommend.recommender import Recommender
from kg.schema import EdgeType, family

WHOLE = "all walks, unpruned"
NO_GRAPH = "without the graph"
SHUFFLED = "with shuffled attributes"
NO_LEARNED = "without the learned similarity"
MAX_USERS = 1_000

_BATCH_CELLS = 30_000_000


def graph_of(artifact: Artifact) -> GraphArrays:
    """Return the graph of an artifact as arrays again."""
    keys = {
        "item": tuple(artifact.item_ids),
        "user": tuple(artifact.user_ids),
        **{name: tuple(own) for name, own in artifact.node_keys.items()},
    }
    edges: dict[EdgeType, pl.DataFrame] = {}
    for edge_type, stored in artifact.edges.items():
        sources = np.repeat(np.arange(stored.forward.shape[0]), np.diff(stored.forward.indptr))
        columns = {"source_num": sources.astype(np.int64), "target_num": np.array(stored.forward.indices, dtype=np.int64)}
        edges[edge_type] = pl.DataFrame({**columns, **{name: np.array(values) for name, values in stored.properties.items()}})
    return GraphArrays(keys, edges, tuple(artifact.titles))


def ablations(artifact: Artifact, test: TestUsers, config: EvaluateConfig) -> list[ModelResult]:
    """Measure the whole model, the model without its graph, with shuffled attributes, without each relation, and without the learned similarity.

    Shuffled: in every attribute relation the items swap their values at random, so that every degree stays and only the meaning goes. The learned
    embeddings stay as they are, smoothed over the true attributes.

    Args:
        artifact: The build fitted on the training part.
        test: Who is asked; a seeded sample of `MAX_USERS` of them.
        config: Cut-offs and bootstrap.
    """
    test = _sample(test, config.seed)
    walks = [walk for walk in artifact.model.walks if walk.gate > 0]
    variants = _variants(walks, learned=artifact.model.has_embeddings or artifact.model.has_weights)
    ranked = _ranked(artifact, walks, test, variants, max(config.cutoffs), config.seed)
    return [measured(name, lists, test, config) for name, lists in ranked.items()]


def _sample(test: TestUsers, seed: int) -> TestUsers:
    if len(test.users) <= MAX_USERS:
        return test
    chosen = np.sort(np.random.default_rng(seed).choice(len(test.users), MAX_USERS, replace=False))
    return replace(test, users=test.users[chosen], relevant=tuple(test.relevant[number] for number in chosen))


def shuffled(graph: GraphArrays, seed: int) -> GraphArrays:
    """Return the same graph with the items of every attribute relation dealt out anew.

    Args:
        graph: The graph.
        seed: Of the shuffle; every relation has a permutation of its own.
    """
    rng, edges = np.random.default_rng(seed), dict(graph.edges)
    for edge_type, frame in graph.edges.items():
        if family(edge_type) == "attribute":
            dealt = rng.permutation(graph.n_items)[frame["source_num"].to_numpy()]
            edges[edge_type] = frame.with_columns(source_num=pl.Series(dealt, dtype=pl.Int64)).sort("source_num", "target_num")
    return replace(graph, edges=edges)


def _variants(walks: Sequence[WalkWeights], *, learned: bool) -> dict[str, tuple[list[bool], bool]]:
    """Return variant → which walks and whether the learned similarity take part; the attribute walks of one are those of the shuffled graph."""
    variants = {WHOLE: ([True] * len(walks), learned)}
    if any(walk.meta_path.family == "attribute" for walk in walks):
        variants[SHUFFLED] = ([True] * len(walks), learned)
    relations = sorted({walk.meta_path.relation for walk in walks if walk.meta_path.family != "interaction"})
    if relations:
        variants[NO_GRAPH] = ([walk.meta_path.family == "interaction" for walk in walks], learned)
    for relation in relations:
        variants[f"without {relation}"] = ([walk.meta_path.relation != relation for walk in walks], learned)
    if learned:
        variants[NO_LEARNED] = ([True] * len(walks), False)
    return variants


def _ranked(
    artifact: Artifact, walks: Sequence[WalkWeights], test: TestUsers, variants: Mapping[str, tuple[list[bool], bool]], depth: int, seed: int
) -> dict[str, IntArray]:
    graph, model = graph_of(artifact), artifact.model
    matrices = [step_matrices(graph, walk) for walk in walks]
    others = shuffled(graph, seed)
    dealt = {place: step_matrices(others, walk) for place, walk in enumerate(walks) if walk.meta_path.family == "attribute"}
    season = np.float32(1) if model.factor is None else np.asarray(model.factor)
    histories = Recommender(artifact).all_histories()
    lists: dict[str, list[IntArray]] = {name: [np.zeros((0, depth), dtype=np.int64)] for name in variants}
    size = max(1, _BATCH_CELLS // max(1, artifact.n_items * (len(walks) + 1)))
    for start in range(0, len(test.users), size):
        users = test.users[start : start + size]
        history = histories[users]
        parts = [np.float32(walk.gate) * matrix.carry(history).toarray() * season for walk, matrix in zip(walks, matrices, strict=True)]
        similar = model.learned_scores(history)
        for name, (kept, learned) in variants.items():
            scores = similar.copy() if learned else np.zeros((len(users), artifact.n_items), dtype=np.float32)
            for place in compress(range(len(walks)), kept):
                moved = name == SHUFFLED and place in dealt
                scores += np.float32(walks[place].gate) * dealt[place].carry(history).toarray() * season if moved else parts[place]
            lists[name].append(rank_scores(scores, test.seen[users], depth))
    return {name: np.concatenate(batches) for name, batches in lists.items()}
