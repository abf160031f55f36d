"""New items put live after a build, by their titles and attributes: Amazon Beauty, one item in forty left out of the build.

PYTHONPATH=. python tests/bench/bench_live_new_items.py [--data DIR]

DIR has items.parquet, interactions.parquet; default $RECKON_TEST_DATA/beauty

The model is not tuned: walks count alike, embeddings of width 64 as much as a walk.
Ranks are among all items but those of the shopper's history.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.model.history import History, HistoryWeights
from gnn.model.scorer import PathModel, history_weights
from gnn.recommend.recommender import Recommender
from gnn.training.fit import item_embeddings, starting_walks
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.schema import family
from kg.tables import Catalog
from tests.bench.real_shops import beauty_catalog, cost, data_folder

PART, ASKED, SEED = 40, 1_000, 1
CONFIG = ModelConfig(factors=64)


def model_of(graph: GraphArrays) -> PathModel:
    """Return a model in which all walks and the embeddings give the same at most, on the average of some shoppers."""
    from gnn.model.path_sum import PathSum
    from gnn.training.tuning import equal_gates

    factors, weights = item_embeddings(graph, CONFIG), HistoryWeights()
    history = history_weights(graph, weights)[:200]
    walks = starting_walks(graph, CONFIG)
    gates = equal_gates(PathSum(graph, walks), history)
    top = float(((history @ factors.source) @ factors.target.T).max(axis=1).mean())
    walks = tuple(replace(walk, gate=gate) for walk, gate in zip(walks, gates, strict=True))
    return PathModel(walks, weights, factors.source, factors.target, 1.0 / top, 300)


def main() -> None:
    """Print one table."""
    folder, _ = data_folder("beauty", "New items put live after a build.")
    catalog = beauty_catalog(folder)
    ids = catalog.items["item_id"].sort().to_list()
    new = set(np.random.default_rng(SEED).choice(ids, len(ids) // PART, replace=False).tolist())
    attributes = Extractor(text=False).extract(catalog.items)
    is_new = pl.col("item_id").is_in(sorted(new))
    events = catalog.interactions.filter(~is_new)
    with cost("build"):
        known = Catalog(catalog.items.filter(~is_new), events)
        graph = GraphArrays.from_tables(build_graph(known, attributes.filter(~is_new)))
        model = model_of(graph)
    whole = GraphArrays.from_tables(build_graph(Catalog(catalog.items), attributes))
    items = [LiveItem(name, whole.titles[num], facts_of(whole, num)) for num, name in enumerate(whole.item_ids) if name in new]
    with tempfile.TemporaryDirectory() as place, cost("answers"):
        artifact = load_artifact(save_artifact(Path(place) / "model", graph, model, build_id="bench"))
        overlay = Overlay.of(artifact, items)
        users = Recommender(artifact).users
        bought = catalog.interactions.filter(is_new).join(events.select("user_id").unique(), on="user_id", how="semi")
        pairs = bought.select("user_id", "item_id").unique().sort("user_id", "item_id").sample(ASKED, seed=SEED).rows()
        ranks = np.asarray([both_ranks(overlay, users.user(user).history, item) for user, item in pairs])
    print("| new items | recall@10 | recall@100 | median rank |\n| --- | --- | --- | --- |")
    for name, own in zip(("their own paths and the mean of their neighbours", "and what they read like"), ranks.T, strict=True):
        print(f"| {name} | {(own <= 10).mean():.4f} | {(own <= 100).mean():.4f} | {np.median(own):.0f} |")


def facts_of(graph: GraphArrays, num: int) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Return the attribute edges of an item."""
    found = {}
    for edge_type, frame in graph.edges.items():
        if family(edge_type) == "attribute":
            values = frame.filter(pl.col("source_num") == num)["target_num"].to_list()
            if values:
                found[edge_type] = tuple(graph.keys[edge_type[2]][value] for value in values)
    return found


def both_ranks(overlay: Overlay, history: History, item_id: str) -> tuple[int, int]:
    """Return the rank of an item without and with what new items read like."""
    after = overlay.scores(history).astype(np.float64)
    before = after.copy()
    before[overlay.arrays.positions] -= overlay.arrays.alike[history.nums].T @ history.weights + overlay.raised(history)[0]
    num = overlay.num(item_id)
    for scores in (before, after):
        scores[history.nums] = -np.inf
    return int((before > before[num]).sum()) + 1, int((after > after[num]).sum()) + 1


if __name__ == "__main__":
    main()
