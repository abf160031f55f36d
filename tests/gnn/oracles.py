"""Shops whose right answers are known before anything is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from gnn.graph.arrays import GraphArrays
from gnn.model.scorer import PathModel, history_weights, neighbour_matrix, score
from kg.graph.build import build_graph
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

EVIDENCE = {"confidence": 1.0, "field": "brand", "start": 0, "end": 1, "surface": "x", "extractor": "catalog", "extractor_version": "1"}


def shop(item_ids: list[str], events: list[dict[str, Any]], facts: list[tuple[str, str, str]]) -> tuple[GraphArrays, pl.DataFrame]:
    """Build a shop from items, events (user_id, item_id, perhaps kind and time) and facts (item, relation, value)."""
    items = pl.DataFrame([{"item_id": item_id, "title": item_id, "categories": []} for item_id in item_ids], schema=dict(ITEM_COLUMNS))
    interactions = pl.DataFrame([{"kind": "purchase", **event} for event in events], schema=dict(INTERACTION_COLUMNS))
    attributes = [{"item_id": item, "relation": relation, "value": value, **EVIDENCE} for item, relation, value in facts]
    graph = build_graph(Catalog(items, interactions), pl.DataFrame(attributes, schema=dict(ATTRIBUTE_COLUMNS)))
    return GraphArrays.from_tables(graph), interactions


def checkerboard(n: int) -> tuple[GraphArrays, pl.DataFrame]:
    """User n has every item of the same parity except item n, which is what is left to recommend."""
    names = [f"{number:03}" for number in range(n)]
    events: list[dict[str, Any]] = [
        {"user_id": f"u{names[user]}", "item_id": f"i{names[item]}"}
        for user in range(n)
        for item in range(n)
        if user != item and (user + item) % 2 == 0
    ]
    return shop([f"i{name}" for name in names], events, [])


def planted_brands(
    n_brands: int, *, per_brand: int = 8, kept: int = 6, shuffled: int | None = None
) -> tuple[GraphArrays, pl.DataFrame, dict[str, set[str]]]:
    """Each user follows one brand of their own and no item has two buyers, so only the brand leads to what was withheld.

    Returns:
        The graph, the events, and what each user should be shown. `shuffled` is a seed that deals the brands out at random.
    """
    items = [f"b{brand:02}i{number}" for brand in range(n_brands) for number in range(per_brand)]
    brands = [item[:3] for item in items]
    if shuffled is not None:
        brands = [brands[place] for place in np.random.default_rng(shuffled).permutation(len(brands))]
    events: list[dict[str, Any]] = [
        {"user_id": f"u{brand:02}", "item_id": f"b{brand:02}i{number}"} for brand in range(n_brands) for number in range(kept)
    ]
    wanted = {f"u{brand:02}": {f"b{brand:02}i{number}" for number in range(kept, per_brand)} for brand in range(n_brands)}
    graph, interactions = shop(items, events, [(item, "has_brand", brand) for item, brand in zip(items, brands, strict=True)])
    return graph, interactions, wanted


def ranked(graph: GraphArrays, model: PathModel, k: int) -> dict[str, list[str]]:
    """Return the top `k` unseen items of every user, best first."""
    history = history_weights(graph, model.history)
    scores = score(history, neighbour_matrix(graph, model), model)
    scores[history.nonzero()] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return {user: [graph.item_ids[item] for item in row] for user, row in zip(graph.keys["user"], order, strict=True)}
