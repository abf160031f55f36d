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
import polars as pl

from gnn.artifact import Artifact, load_artifact, save_artifact
from gnn.graph import GraphArrays
from gnn.recommend import Recommender
from gnn.scorer import HistoryWeights, PathModel
from gnn.walks import WalkWeights
from kg.schema import EdgeType, meta_paths

RELATIONS = {"brand": 2_000, "category": 500, "color": 40, "material": 60, "size": 3_000}


def skewed(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Draw numbers below n, the small ones far more often, as shops see it."""
    return (n * rng.random(size) ** 2.5).astype(np.int64)


def synthetic(items: int, users: int, interactions: int, attributes: int, seed: int) -> GraphArrays:
    """Make a shop: popularity and activity are skewed, values of attributes are shared by few or many items."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(items)
    events = pl.DataFrame(
        {
            "source_num": rng.permutation(users)[skewed(rng, users, interactions)],
            "target_num": order[skewed(rng, items, interactions)],
            "count": rng.integers(1, 4, interactions),
            "last_time": rng.uniform(0, 3e7, interactions),
        }
    ).unique(["source_num", "target_num"], keep="first", maintain_order=True)
    edges: dict[EdgeType, pl.DataFrame] = {("user", "purchased", "item"): events.sort("source_num", "target_num")}
    keys: dict[str, tuple[str, ...]] = {
        "item": tuple(f"item-{n:07}" for n in range(items)),
        "user": tuple(f"user-{n:07}" for n in range(users)),
    }
    for name, values in RELATIONS.items():
        size = attributes // len(RELATIONS)
        facts = pl.DataFrame({"source_num": rng.integers(0, items, size), "target_num": skewed(rng, values, size)}).unique()
        edges["item", f"has_{name}", name] = facts.sort("source_num", "target_num")
        keys[name] = tuple(f"{name} {n}" for n in range(values))
    return GraphArrays(dict(sorted(keys.items())), dict(sorted(edges.items())), tuple(f"Title of item number {n}" for n in range(items)))


def model_of(graph: GraphArrays, seed: int, dimensions: int, neighbours: int) -> PathModel:
    """Make up a model with all parts switched on."""
    rng = np.random.default_rng(seed)
    embeddings = (rng.normal(size=(graph.n_items, dimensions)) * 0.02).astype(np.float32)
    walks = tuple(WalkWeights(path, 1.0, 0.3, 0.7, 0.2) for path in meta_paths(graph.edges))
    return PathModel(walks, HistoryWeights(half_life=1e7), embeddings, embeddings, 0.2, neighbours)


def timed(name: str, work: Callable[[str], object], users: list[str]) -> None:
    """Run `work` for every user and print how long it took."""
    times = []
    for user in users:
        started = time.perf_counter()
        work(user)
        times.append((time.perf_counter() - started) * 1e3)
    p50, p90, p99 = np.percentile(times, [50, 90, 99])
    print(f"{name:<34} p50 {p50:7.2f} ms   p90 {p90:7.2f} ms   p99 {p99:7.2f} ms   n {len(times)}")


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
    timed("top-10, explained", lambda user: recommender.recommend(user, 10), users)
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
