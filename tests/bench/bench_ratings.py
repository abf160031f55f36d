"""Predicted ratings of Musical Instruments: the rating head beside the means, withheld by time and at random.

PYTHONPATH=. python tests/bench/bench_ratings.py [--data DIR]     DIR has musical_instruments_stream.parquet; default $RECKON_TEST_DATA/reviews
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig, SplitMethod
from gnn.evaluation.ratings import BIASES, HEAD, MEAN, RatingResults, rating_results
from gnn.events.split import split_interactions
from gnn.training.fit import fit
from tests.bench.real_shops import cost, data_folder, musical_instruments

METHODS: tuple[SplitMethod, ...] = ("time", "random")


def measured(folder: Path, method: SplitMethod) -> RatingResults:
    """Train on the training part and predict the withheld ratings."""
    graph, events = musical_instruments(folder)
    config, model_config = EvaluateConfig(split=method), ModelConfig(factors=32)
    split = split_interactions(events, method=method, test_fraction=config.test_fraction, seed=config.seed)
    model = fit(graph, split.train, model_config).model
    with tempfile.TemporaryDirectory() as place:
        saved = save_artifact(Path(place) / "model", graph.with_interactions(split.train), model, build_id="bench")
        found = rating_results(load_artifact(saved), split, config, model_config)
    if found is None:
        raise SystemExit("too few ratings")
    return found


def main() -> None:
    """Print one table."""
    folder, _ = data_folder("reviews", "Predicted ratings of Musical Instruments.")
    with cost("training and predicting twice"):
        results = {method: measured(folder, method) for method in METHODS}
    print("| MAE · RMSE | " + " | ".join(f"{method} ({found.ratings} ratings)" for method, found in results.items()) + " |\n| --- | --- | --- |")
    for name in (MEAN, BIASES, HEAD):
        errors = [found.models[name] for found in results.values()]
        print(f"| {name} | " + " | ".join(f"{error['mae']:.4f} · {error['rmse']:.4f}" for error in errors) + " |")


if __name__ == "__main__":
    main()
