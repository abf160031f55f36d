"""Items without events, by their attributes and texts: Amazon Beauty, one item in ten without any event, found by the embeddings alone.

PYTHONPATH=. python tests/bench/bench_new_items.py [--data DIR]     DIR has items.parquet, interactions.parquet; default $RECKON_TEST_DATA/beauty
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

import gnn.training.text_features
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.metrics import IntArray
from gnn.model.history import HistoryWeights
from gnn.model.scorer import history_weights
from gnn.training.fit import item_embeddings
from kg.extract.pipeline import Extractor
from kg.extract.vectors import text_vectors
from kg.graph.build import build_graph
from kg.tables import Catalog
from tests.bench.real_shops import beauty_catalog, cost, data_folder

SHARES = {
    "its neighbours by attributes": 0.0,
    "a quarter of the text": 0.25,
    "half of the text": 0.5,
    "three quarters of the text": 0.75,
    "the text alone": 1.0,
}
HIDDEN, ASKED, K, SEED = 1_210, 6_000, 20, 1


def shop(folder: Path) -> tuple[GraphArrays, IntArray, sp.csr_matrix]:
    """Return the graph without the events of the hidden items, their numbers, and who bought them, [n_users, hidden]."""
    catalog = beauty_catalog(folder)
    attributes = Extractor(text=False).extract(catalog.items)
    graph = GraphArrays.from_tables(build_graph(Catalog(catalog.items, catalog.interactions), attributes))
    hidden = np.sort(np.random.default_rng(SEED).choice(graph.n_items, HIDDEN, replace=False))
    bought = history_weights(graph, HistoryWeights())[:, hidden]
    names = [graph.item_ids[number] for number in hidden]
    graph = graph.with_interactions(catalog.interactions.filter(~pl.col("item_id").is_in(names)))
    titles = catalog.items.sort("item_id")["title"].fill_null("").to_list()
    return graph.with_texts(catalog.items["item_id"].sort().to_list(), text_vectors(titles, "hashing")), hidden, sp.csr_matrix(bought)


def ranks(graph: GraphArrays, hidden: IntArray, bought: sp.csr_matrix) -> IntArray:
    """Return where each of `ASKED` hidden purchases stands among the hidden items by the shopper's other purchases, from 1."""
    factors = item_embeddings(graph, ModelConfig(factors=64))
    history = history_weights(graph, HistoryWeights())
    users, items = bought.nonzero()
    asked = np.flatnonzero(np.diff(history.indptr)[users] > 0)
    asked = np.random.default_rng(SEED).choice(asked, min(ASKED, len(asked)), replace=False)
    scores = (history[users[asked]] @ factors.source) @ factors.target[hidden].T  # [asked, hidden]
    own = scores[np.arange(len(asked)), items[asked]][:, None]
    # Equal scores share the worse place: an item of which nothing is known is not found.
    return np.asarray((scores >= own).sum(axis=1), dtype=np.int64)


def main() -> None:
    """Print one table."""
    folder, _ = data_folder("beauty", "Items without events, by their attributes and texts.")
    graph, hidden, bought = shop(folder)
    lines = []
    with cost(f"{len(SHARES)} times embeddings and ranks"):
        for name, share in SHARES.items():
            gnn.training.text_features.UNKNOWN_SHARE = share
            found = ranks(graph, hidden, bought)
            lines.append(f"| {name} | {(found <= K).mean():.4f} | {(1 / found).mean():.4f} | {np.median(found):.0f} |")
    print(f"| an item without events takes | recall@{K} | MRR | median rank |\n| --- | --- | --- | --- |", *lines, sep="\n")


if __name__ == "__main__":
    main()
