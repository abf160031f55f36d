"""The parameters of a model in the manifest of an artifact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import scipy.sparse as sp

from gnn.artifact.stored_arrays import mapped
from gnn.graph.walks import WalkWeights
from gnn.model.history import HistoryWeights
from gnn.model.scorer import PathModel
from gnn.model.season import Season
from gnn.ratings import RatingWeights
from kg import schema
from kg.schema import EdgeType


def model_json(model: PathModel) -> dict[str, Any]:
    """Return what the manifest holds of a model."""
    walks = [{**asdict(walk), "meta_path": walk.meta_path.name} for walk in model.walks]
    history = {**asdict(model.history), "kind_weights": dict(model.history.kind_weights)}
    return {
        "walks": walks,
        "history": history,
        "learned_gate": model.learned_gate,
        "weights_gate": model.weights_gate,
        "neighbours": model.neighbours,
        "season": None if model.season is None else asdict(model.season),
    }


def model_from_json(folder: Path, raw: Mapping[str, Any], edge_types: Iterable[EdgeType], weights: sp.csr_matrix | None) -> PathModel:
    """Return the model of a manifest.

    Args:
        folder: The artifact.
        raw: What `model_json` returned.
        edge_types: Of the graph.
        weights: The learned item–item weights, where there are any.
    """
    source, target = (mapped(folder / f"{side}_embeddings.npy") for side in ("source", "target"))
    season = None if raw["season"] is None else Season(**raw["season"])
    factor = mapped(folder / "season.npy") if season is not None else None
    gates = raw["learned_gate"], raw["neighbours"], weights, raw["weights_gate"]
    paths = {path.name: path for path in schema.meta_paths(edge_types)}
    walks = tuple(WalkWeights(**{**walk, "meta_path": paths[walk["meta_path"]]}) for walk in raw["walks"])
    history = HistoryWeights(**{**raw["history"], "ratings": _rating_weights(raw["history"]["ratings"])})
    return PathModel(walks, history, source, target, *gates, season, factor)


def _rating_weights(raw: Mapping[str, Any] | None) -> RatingWeights | None:
    return None if raw is None else RatingWeights(raw["mean"], raw["lowest"], raw["highest"], (raw["scale"][0], raw["scale"][1]))
