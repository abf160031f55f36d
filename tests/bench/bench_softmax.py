"""Full and sampled softmax on a small shop: Musical Instruments, a tenth withheld by time and at random, scored once per line and seed.

PYTHONPATH=. python tests/bench/bench_softmax.py [--data DIR]     DIR has musical_instruments_stream.parquet; default $RECKON_TEST_DATA/reviews
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

import gnn.training.tuning
from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig, SplitMethod
from gnn.evaluation.evaluate import PathSumRanker, evaluate, test_users
from gnn.events.split import split_interactions
from gnn.training.fit import fit
from tests.bench.real_shops import data_folder, musical_instruments

FEW = {"candidates": 20, "negatives": 20}
WAYS: dict[str, tuple[int, dict[str, int]]] = {
    "full": (gnn.training.tuning.FULL_CELLS, {}),
    "sampled, 200 nominated and 200 drawn": (0, {}),
    "sampled, 20 nominated and 20 drawn": (0, FEW),
}
METHODS: tuple[SplitMethod, ...] = ("time", "random")
SEEDS = (1, 2, 3)
MEASURES = ("ndcg@10", "recall@10", "hit@10")


def measured(folder: Path, method: SplitMethod, way: str, seed: int) -> list[float]:
    """Train one way, score what was withheld, and return the last loss, the measures and the CPU seconds of training."""
    graph, events = musical_instruments(folder)
    config = EvaluateConfig(split=method, bootstrap=0)
    split = split_interactions(events, method=method, test_fraction=config.test_fraction, seed=config.seed)
    gnn.training.tuning.FULL_CELLS, settings = WAYS[way]
    before = time.process_time()
    result = fit(graph, split.train, ModelConfig(seed=seed).model_copy(update=settings))
    cpu_s = time.process_time() - before
    if result.softmax is None or not way.startswith(result.softmax):
        raise SystemExit(f"{way}: the {result.softmax} softmax was used")
    with tempfile.TemporaryDirectory() as place:
        artifact = load_artifact(save_artifact(Path(place) / "model", graph.with_interactions(split.train), result.model, build_id="bench"))
        [found] = evaluate([PathSumRanker(artifact)], test_users(artifact, split.new_items(), config), config)
    loss = min(event.loss for event in result.trace if event.loss is not None)
    return [loss, *(found.metrics[name] for name in MEASURES), cpu_s]


def main() -> None:
    """Print one table, means over the seeds."""
    folder, _ = data_folder("reviews", "Full and sampled softmax on a small shop.")
    print(f"| withheld | softmax | loss, nats | {' | '.join(MEASURES)} | CPU s |\n|" + " --- |" * 7)
    for method in METHODS:
        for way in WAYS:
            loss, *numbers, cpu_s = np.mean([measured(folder, method, way, seed) for seed in SEEDS], axis=0).tolist()
            print(f"| {method} | {way} | {loss:.3f} | " + " | ".join(f"{number:.4f}" for number in numbers) + f" | {cpu_s:.1f} |", flush=True)


if __name__ == "__main__":
    main()
