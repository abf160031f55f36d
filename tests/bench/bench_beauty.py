"""Amazon Beauty with its product graph: 30 % of each shopper's purchases withheld at random, seed 7, and scored once per line.

PYTHONPATH=. python tests/bench/bench_beauty.py [--data DIR] [--without also_bought bought_together]

DIR has items.parquet, interactions.parquet and kg_triples.parquet; default $RECKON_TEST_DATA/beauty. Some four minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.baselines import ALS, Ranker
from gnn.evaluation.evaluate import PathSumRanker, evaluate, interactions_of, test_users
from gnn.evaluation.explanation_quality import quality
from gnn.events.split import Split
from gnn.training.factors import confidence_for
from gnn.training.fit import fit
from tests.bench.real_shops import beauty_catalog, beauty_graph, cost, data_folder

WITHHELD, SEED = 0.3, 7
EVALUATE = EvaluateConfig(max_users=100_000, bootstrap=0)


def carved(interactions: pl.DataFrame) -> Split:
    """Withhold ⌊0.3 n⌋ of each shopper's n purchases; positions are counted anew, so that no gap tells where a withheld purchase was."""
    events = interactions.sort("user_id", "time", "item_id")
    draw = pl.Series(np.random.default_rng(SEED).random(events.height))
    events = events.with_columns(_place=draw).with_columns(pl.col("_place").rank("ordinal").over("user_id"))
    late = pl.col("_place") <= (pl.len().over("user_id") * WITHHELD).floor()
    events = events.with_columns(_late=late).drop("_place")
    train = events.filter(~pl.col("_late")).drop("_late")
    place = pl.col("time").rank("ordinal").over("user_id").cast(pl.Float64)
    return Split(train.with_columns(time=place), events.filter("_late").drop("_late"), "random")


def main() -> None:
    """Train, score the withheld part, and print one table."""
    parser = argparse.ArgumentParser(description="Amazon Beauty with its product graph.")
    parser.add_argument("--without", nargs="*", default=[], metavar="RELATION", help="relations of the product graph to leave out")
    folder, arguments = data_folder("beauty", "", parser)
    catalog = beauty_catalog(folder)
    with cost("graph"):
        graph = beauty_graph(catalog).without(*arguments.without)
    split = carved(catalog.interactions)
    print(f"{split.train.height:,} purchases stay, {split.test.height:,} are withheld; without: {', '.join(arguments.without) or 'nothing'}")
    with cost("training"):
        result = fit(graph, split.train, ModelConfig())
    print(f"{result.tuning_users:,} shoppers tuned, {result.softmax} softmax, ndcg {result.validation_ndcg:.4f} on them")
    with tempfile.TemporaryDirectory() as place, cost("saving and scoring"):
        artifact = load_artifact(save_artifact(Path(place) / "model", graph.with_interactions(split.train), result.model, build_id="bench"))
        users, seen = test_users(artifact, split.new_items(), EVALUATE), interactions_of(artifact)
        rankers: list[Ranker] = [ALS(seen, factors=256, confidence=confidence_for(seen)), PathSumRanker(artifact)]
        results = evaluate(rankers, users, EVALUATE)
        told = quality(artifact, users.users, EVALUATE.seed)
    print(f"{len(users.users):,} shoppers\n| model | ndcg@10 | recall@10 | hit@10 |\n| --- | --- | --- | --- |")
    for found in results:
        print(f"| {found.name} | " + " | ".join(f"{found.metrics[name]:.4f}" for name in ("ndcg@10", "recall@10", "hit@10")) + " |")
    print("\n| rank | lead over the eleventh | out without the strongest fifth | out without a random fifth |\n| --- | --- | --- | --- |")
    for at in told.by_rank:
        print(f"| {at.rank} | {at.lead:.1%} | {at.top_deleted:.1%} | {at.random_deleted:.1%} |")
    print(f"| all | | {told.top_deleted:.1%} | {told.random_deleted:.1%} |")


if __name__ == "__main__":
    main()
