"""Full and sampled softmax on a small shop: Musical Instruments, a tenth withheld by time and at random, the withheld part scored once per line.

PYTHONPATH=. python tests/bench/bench_softmax.py [--data DIR]     DIR has musical_instruments_stream.parquet; default $RECKON_TEST_DATA/reviews
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import gnn.tuning
from gnn.artifact import load_artifact, save_artifact
from gnn.config import EvaluateConfig, ModelConfig, SplitMethod
from gnn.evaluation.evaluate import PathSumRanker, evaluate, test_users
from gnn.events.split import split_interactions
from gnn.learn.progress import Softmax
from gnn.train import fit
from tests.bench.real_shops import data_folder, musical_instruments

BOUNDS: dict[Softmax, int] = {"full": gnn.tuning.FULL_CELLS, "sampled": 0}
METHODS: tuple[SplitMethod, ...] = ("time", "random")


def line(folder: Path, method: SplitMethod, softmax: Softmax, seed: int) -> str:
    """Train one way and score what was withheld."""
    graph, events = musical_instruments(folder)
    config = EvaluateConfig(split=method, bootstrap=0)
    split = split_interactions(events, method=method, test_fraction=config.test_fraction, seed=config.seed)
    gnn.tuning.FULL_CELLS = BOUNDS[softmax]
    before = time.process_time()
    result = fit(graph, split.train, ModelConfig(seed=seed))
    cpu_s = time.process_time() - before
    with tempfile.TemporaryDirectory() as place:
        artifact = load_artifact(save_artifact(Path(place) / "model", graph.with_interactions(split.train), result.model, build_id="bench"))
        users = test_users(artifact, split.new_items(), config)
        [found] = evaluate([PathSumRanker(artifact)], users, config)
    loss = min(event.loss for event in result.trace if event.loss is not None)
    numbers = [f"{found.metrics[name]:.4f}" for name in ("ndcg@10", "recall@10", "hit@10")]
    return f"| {method} ({len(users.users):,} shoppers) | {result.softmax} | {seed} | {loss:.4f} | " + " | ".join(numbers) + f" | {cpu_s:.1f} |"


def main() -> None:
    """Print one table."""
    folder, _ = data_folder("reviews", "Full and sampled softmax on a small shop.")
    print("| withheld | softmax | seed | loss, nats | ndcg@10 | recall@10 | hit@10 | CPU s |\n|" + " --- |" * 8)
    for method in METHODS:
        for softmax in BOUNDS:
            for seed in (1, 2, 3):
                print(line(folder, method, softmax, seed), flush=True)


if __name__ == "__main__":
    main()
