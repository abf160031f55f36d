"""Measure saving, loading, recommending and explaining, on a synthetic shop or on any artifact.

python tests/bench/bench_recommend.py                          100,000 items, 100,000 users, 1,000,000 interactions, 1,000,000 attribute edges
python tests/bench/bench_recommend.py --artifact FOLDER        an artifact of a build, such as var/demo/builds/current/artifact
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from tests.bench.synthetic_shop import model_of, synthetic


def timed(name: str, work: Callable[[str], object], users: list[str]) -> None:
    """Run `work` for every user and print how long it took: by the clock, and by the processor, which a busy machine does not change."""
    wall, cpu = [], []
    for user in users:
        started, begun = time.perf_counter(), time.thread_time()
        work(user)
        wall.append((time.perf_counter() - started) * 1e3)
        cpu.append((time.thread_time() - begun) * 1e3)
    (p50, p99), (c50, c99) = np.percentile(wall, [50, 99]), np.percentile(cpu, [50, 99])
    print(f"{name:<30} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   processor p50 {c50:7.2f} ms   p99 {c99:7.2f} ms   n {len(wall)}")


def measure(artifact: Artifact, n_users: int, seed: int) -> None:
    """Time what serving does, for users drawn at random."""
    recommender = Recommender(artifact)
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(artifact.user_ids), min(n_users, len(artifact.user_ids)), replace=False)
    users = [artifact.user_ids[n] for n in drawn]
    histories = [recommender.history(user) for user in users]
    lengths = np.asarray([len(history.nums) for history in histories if history is not None])
    print(f"history lengths: p50 {np.median(lengths):.0f}, p90 {np.percentile(lengths, 90):.0f}, longest {lengths.max()}")
    for user in users[:20]:
        recommender.recommend(user, 10)
    timed("top-10, not explained", lambda user: recommender.recommend(user, 10, explain=False), users)
    timed("top-10, brief", lambda user: recommender.answer(recommender.users.user(user), RecQuery(explain="brief")), users)
    timed("top-10, full", lambda user: recommender.recommend(user, 10), users)
    firsts = {user: recommender.recommend(user, 1, explain=False).items[0].item_id for user in users}
    timed(
        "full explanation of one item",
        lambda user: recommender.explain(user, firsts[user]),
        [u for u, h in zip(users, histories, strict=True) if h is not None and len(h.nums)],
    )
    print(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most, mapped files included")


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--artifact", type=Path)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--attributes", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--neighbours", type=int, default=300)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.artifact
        if folder is None:
            graph = synthetic(options.items, options.users, options.interactions, options.attributes, options.seed)
            started = time.perf_counter()
            folder = save_artifact(
                Path(temporary) / "artifact", graph, model_of(graph, options.seed, options.dimensions, options.neighbours), build_id="bench"
            )
            print(f"save {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        artifact = load_artifact(folder)
        print(f"load {time.perf_counter() - started:.2f} s, {sum(f.stat().st_size for f in folder.iterdir()) / 2**20:.0f} MiB")
        measure(artifact, options.sample, options.seed)


if __name__ == "__main__":
    main()
