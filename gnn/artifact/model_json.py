"""The model's parameters in an artifact's manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import scipy.sparse as sp

from gnn.artifact.stored_arrays import mapped
from gnn.graph.walks import WalkWeights
from gnn.model.closed import BoundedGate, ClosedGate, GraphFirstPoint
from gnn.model.history import HistoryWeights
from gnn.model.scorer import PathModel
from gnn.model.season import Season
from gnn.ratings import RatingWeights
from kg import schema
from kg.schema import EdgeType


def model_json(model: PathModel) -> dict[str, Any]:
    """Return the parameters of a model as JSON; its arrays are files of their own."""
    walks = [{**asdict(walk), "meta_path": walk.meta_path.name} for walk in model.walks]
    history = {**asdict(model.history), "kind_weights": dict(model.history.kind_weights)}
    return {
        "walks": walks,
        "history": history,
        "learned_gate": model.learned_gate,
        "weights_gate": model.weights_gate,
        "neighbours": model.neighbours,
        "season": None if model.season is None else asdict(model.season),
        "popularity_exponent": model.popularity_exponent,
        "closed": [asdict(gate) for gate in model.closed],
        "bounded": [asdict(gate) for gate in model.bounded],
        "graph_first": [asdict(point) for point in model.graph_first],
    }


def model_from_json(folder: Path, raw: Mapping[str, Any], edge_types: Collection[EdgeType], weights: sp.csr_matrix | None) -> PathModel:
    """Return a stored model.

    Args:
        folder: Of the artifact, for the arrays.
        raw: What `model_json` returned.
        edge_types: Those of the artifact; they decide which meta-paths there are.
        weights: [items, items], the learned item–item weights, where there are any.
    """
    source, target = (mapped(folder / f"{side}_embeddings.npy") for side in ("source", "target"))
    season = None if raw["season"] is None else Season(**raw["season"])
    exponent = float(raw["popularity_exponent"])
    factor = mapped(folder / "factor.npy") if season is not None or exponent else None
    gates = raw["learned_gate"], raw["neighbours"], weights, raw["weights_gate"]
    paths = {path.name: path for path in schema.meta_paths(edge_types)}
    walks = tuple(WalkWeights(**{**walk, "meta_path": paths[walk["meta_path"]]}) for walk in raw["walks"])
    history = HistoryWeights(**{**raw["history"], "ratings": _rating_weights(raw["history"]["ratings"])})
    closed = tuple(ClosedGate(**gate) for gate in raw["closed"])
    # Builds of earlier versions know neither.
    bounded = tuple(BoundedGate(**gate) for gate in raw.get("bounded", ()))
    points = tuple(GraphFirstPoint(**point) for point in raw.get("graph_first", ()))
    return PathModel(walks, history, source, target, *gates, season, factor, exponent, closed, bounded, points)


def _rating_weights(raw: Mapping[str, Any] | None) -> RatingWeights | None:
    return None if raw is None else RatingWeights(raw["mean"], raw["lowest"], raw["highest"], (raw["scale"][0], raw["scale"][1]))
