"""Measure what the options against class imbalance do to a shop's recommendations.

python tests/bench/bench_imbalance.py FOLDER     a workspace with a published build, such as var/demo
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ablation import graph_of
from gnn.evaluation.evaluate import PathSumRanker, evaluate, test_users
from gnn.events.split import split_interactions
from gnn.training.fit import fit
from kg.config import load_config
from kg.tables import Catalog
from kg.workspace import Workspace

OPTIONS: dict[str, dict[str, str]] = {
    "defaults": {},
    "negatives by popularity": {"negative_sampling": "popularity"},
    "negatives by inverse popularity": {"negative_sampling": "inverse_popularity"},
    "negatives stratified": {"negative_sampling": "stratified"},
    "rare targets weigh more": {"target_weights": "inverse_popularity"},
}
COLUMNS = ("ndcg@10", "recall@10", "coverage@10", "novelty@10", "long_tail@10")


def main() -> None:
    """Parse the arguments, train with each option on the training part, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", nargs="?", type=Path, default=Path("var/demo"))
    folder = parser.parse_args().workspace
    if not (folder / "reckon.toml").is_file():
        print(f"not measured: {folder} is no workspace (`make demo` makes var/demo)")
        return
    workspace = Workspace.open(folder)
    current = workspace.current_id()
    if current is None:
        raise SystemExit(f"{workspace.root} has no published build")
    build = workspace.build(current)
    config = load_config(workspace.root, os.environ)
    settings = config.section(EvaluateConfig)
    trained = load_artifact(build / "model")
    interactions = Catalog.read(build / "catalog").interactions
    split = split_interactions(interactions, method=settings.split, test_fraction=settings.test_fraction, seed=settings.seed)
    test = test_users(trained, split.new_items(), settings)
    print("| option | " + " | ".join(COLUMNS) + " | seconds |\n|" + " --- |" * (len(COLUMNS) + 2))
    for name, options in OPTIONS.items():
        started = time.perf_counter()
        graph = graph_of(trained)
        model = fit(graph, split.train, config.section(ModelConfig).model_copy(update=options)).model
        seconds = time.perf_counter() - started
        with tempfile.TemporaryDirectory() as folder:
            artifact = load_artifact(save_artifact(Path(folder) / "artifact", graph, model, build_id=current))
            [result] = evaluate([PathSumRanker(artifact)], test, settings)
        numbers = {**result.metrics, **result.beyond}
        print(f"| {name} | " + " | ".join(f"{numbers[column]:.4f}" for column in COLUMNS) + f" | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
