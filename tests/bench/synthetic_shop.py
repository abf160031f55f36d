"""A synthetic shop of any size, as a graph with a made-up model: for measuring what does not depend on what is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from gnn.artifact.artifact import save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import WalkWeights
from gnn.model.history import HistoryWeights
from gnn.model.scorer import PathModel
from kg.schema import EdgeType, meta_paths
from kg.workspace import Workspace

BUILD_ID = "20260101T000000-abc123"

RELATIONS = {"brand": 2_000, "category": 500, "color": 40, "material": 60, "size": 3_000}


def skewed(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Draw numbers below n, the small ones far more often, as shops see it."""
    return (n * rng.random(size) ** 2.5).astype(np.int64)


def synthetic(items: int, users: int, interactions: int, attributes: int, seed: int) -> GraphArrays:
    """Make a shop: popularity and activity are skewed, values of attributes are shared by few or many items."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(items)
    events = pl.DataFrame(
        {
            "source_num": rng.permutation(users)[skewed(rng, users, interactions)],
            "target_num": order[skewed(rng, items, interactions)],
            "count": rng.integers(1, 4, interactions),
            "last_time": rng.uniform(1.7e9, 1.73e9, interactions),
        }
    ).unique(["source_num", "target_num"], keep="first", maintain_order=True)
    edges: dict[EdgeType, pl.DataFrame] = {("user", "purchased", "item"): events.sort("source_num", "target_num")}
    keys: dict[str, tuple[str, ...]] = {
        "item": tuple(f"item-{n:07}" for n in range(items)),
        "user": tuple(f"user-{n:07}" for n in range(users)),
    }
    for name, values in RELATIONS.items():
        size = attributes // len(RELATIONS)
        facts = pl.DataFrame({"source_num": rng.integers(0, items, size), "target_num": skewed(rng, values, size)}).unique()
        edges["item", f"has_{name}", name] = facts.sort("source_num", "target_num")
        keys[name] = tuple(f"{name} {n:05}" for n in range(values))
    return GraphArrays(dict(sorted(keys.items())), dict(sorted(edges.items())), tuple(f"Title of item number {n}" for n in range(items)))


def model_of(graph: GraphArrays, seed: int, dimensions: int, neighbours: int) -> PathModel:
    """Make up a model with all parts switched on."""
    rng = np.random.default_rng(seed)
    embeddings = (rng.normal(size=(graph.n_items, dimensions)) * 0.02).astype(np.float32)
    walks = tuple(WalkWeights(path, 1.0, 0.3, 0.7, 0.2) for path in meta_paths(graph.edges))
    return PathModel(walks, HistoryWeights(half_life=1e7), embeddings, embeddings, 0.2, neighbours)


def published(folder: Path, graph: GraphArrays, model: PathModel) -> Workspace:
    """Make a workspace whose published build is this graph and model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reckon.toml").write_text('[shop]\nname = "bench"\n')
    workspace = Workspace.open(folder)
    workspace.build(BUILD_ID).mkdir(parents=True, exist_ok=True)
    save_artifact(workspace.build(BUILD_ID) / "artifact", graph, model, build_id=BUILD_ID)
    if not workspace.current.is_symlink():
        workspace.current.symlink_to(BUILD_ID)
    return workspace
