"""A small random shop for the laws of scoring and explaining."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import scipy.sparse as sp

from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import WalkWeights
from gnn.model.history import HistoryWeights
from gnn.model.scorer import PathModel
from gnn.model.season import Season
from kg.graph.build import build_graph
from kg.resolve.merges import DUPLICATE_COLUMNS, Resolution
from kg.schema import meta_paths
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, Catalog, GraphTables


def small_tables(seed: int, *, n_items: int = 14, n_users: int = 8, duplicates: tuple[tuple[str, str], ...] = ()) -> GraphTables:
    rng = np.random.default_rng(seed)
    items = [{"item_id": f"i{n:02}", "title": f"Item {n}", "categories": []} for n in range(n_items)]
    pairs = {(int(rng.integers(n_users)), int(rng.integers(n_items)), str(rng.choice(["view", "purchase"]))) for _ in range(40)}
    events = [
        {"user_id": f"u{u}", "item_id": f"i{i:02}", "kind": kind, "time": float(rng.integers(1, 50)), "quantity": 1.0} for u, i, kind in sorted(pairs)
    ]
    facts = {
        (f"i{n:02}", f"has_{name}", f"{name}{int(rng.integers(4))}") for n in range(n_items) for name in ("brand", "color") if rng.random() < 0.8
    }
    evidence = {"confidence": 1.0, "field": "x", "start": 0, "end": 1, "surface": "x", "extractor": "catalog", "extractor_version": "1"}
    attributes = [{"item_id": i, "relation": r, "value": v, **evidence} for i, r, v in sorted(facts)]
    links = {(int(rng.integers(n_items)), int(rng.integers(n_items))) for _ in range(20)}
    triples = [
        {"head_type": "item", "head": f"i{a:02}", "relation": "also_bought", "tail_type": "item", "tail": f"i{b:02}"}
        for a, b in sorted(links)
        if a != b
    ]
    catalog = Catalog(
        pl.DataFrame(items, schema=dict(ITEM_COLUMNS)),
        interactions=pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS)),
        triples=pl.DataFrame(triples, schema=dict(TRIPLE_COLUMNS)),
    )
    same = pl.DataFrame([(a, b, 0.99, "same number") for a, b in duplicates], schema=dict(DUPLICATE_COLUMNS), orient="row")
    return build_graph(catalog, pl.DataFrame(attributes, schema=dict(ATTRIBUTE_COLUMNS)), Resolution(duplicates=same))


def small_model(graph: GraphArrays, seed: int, *, neighbours: int = 100, learned: float = 0.3, half_life: float | None = 20.0) -> PathModel:
    rng = np.random.default_rng(seed)
    walks = tuple(
        WalkWeights(path, gate, *exponents, max_degree=1_000)  # type: ignore[arg-type, misc]  # mypy takes the four exponents for any number
        for path, gate, exponents in ((path, float(rng.uniform(0.1, 2)), map(float, rng.uniform(0, 1, 4))) for path in meta_paths(graph.edges))
    )
    source, target = (rng.normal(size=(graph.n_items, 3)).astype(np.float32) for _ in range(2))
    weights = sp.random(graph.n_items, graph.n_items, 0.2, format="csr", dtype=np.float32, random_state=seed)
    weights.setdiag(0)
    weights.eliminate_zeros()
    return PathModel(walks, HistoryWeights(half_life=half_life), source, target, learned, neighbours, weights, learned / 2)


def with_hubs(model: PathModel, max_degree: int, hub_fanout: int) -> PathModel:
    """Return the model with other limits of hubs."""
    return replace(model, walks=tuple(replace(walk, max_degree=max_degree, hub_fanout=hub_fanout) for walk in model.walks))


def in_season(model: PathModel, seed: int) -> PathModel:
    """Return the model with a random factor per item."""
    factor = np.random.default_rng(seed).uniform(0.2, 3.0, len(model.source_embeddings)).astype(np.float32)
    return replace(model, season=Season(10.0, 0.5)).multiplied(factor)
