"""Training at scale: a synthetic shop (1,000,000 items, 1,000,000 users, 20,000,000 interactions, 10,000,000 attribute edges, times a fraction).

python tests/bench/bench_scale.py --fraction 0.1

Prints the elapsed and CPU seconds of each part, and the peak of this process's memory within it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import polars as pl

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.training.fit import fit
from gnn.training.progress import Progress
from tests.bench.synthetic_shop import synthetic

ITEMS, USERS, INTERACTIONS, ATTRIBUTES = 1_000_000, 1_000_000, 20_000_000, 10_000_000


class Parts:
    """Measures one part after the other."""

    def __init__(self) -> None:
        self._name = ""
        self._begin("")

    def next(self, name: str) -> None:
        """Print what the part before took, and begin the next one."""
        if name != self._name:
            self.end()
            self._begin(name)

    def end(self) -> None:
        """Print what the last part took."""
        if self._name:
            elapsed, cpu = time.perf_counter() - self._started, _cpu_s() - self._cpu
            print(f"{self._name:24} {elapsed:9.1f} s {cpu:9.1f} s CPU {_peak_gib():7.2f} GiB", flush=True)

    def training(self, event: Progress) -> None:
        """Take a report of training: its step is the part that runs from here."""
        self.next(event.step)

    def _begin(self, name: str) -> None:
        self._name, self._started, self._cpu = name, time.perf_counter(), _cpu_s()
        # Linux: the peak is counted anew from here.
        Path("/proc/self/clear_refs").write_text("5")


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _peak_gib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def events_of(graph: GraphArrays) -> pl.DataFrame:
    """Return the interactions of a graph as events."""
    edges = graph.edges["user", "purchased", "item"]
    ids = {"user_id": ("user", "source_num"), "item_id": ("item", "target_num")}
    columns = {name: pl.Series(graph.keys[node_type]).gather(edges[column]) for name, (node_type, column) in ids.items()}
    return pl.DataFrame(columns).with_columns(
        kind=pl.lit("purchase"),
        time=edges["last_time"],
        quantity=edges["count"].cast(pl.Float64),
        rating=pl.lit(None, dtype=pl.Float64),
        price_cents=pl.lit(None, dtype=pl.Int64),
    )


def main() -> None:
    """Make the shop, train on it, and save and load what is served."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fraction", type=float, default=0.01, help="of the full size, default %(default)s")
    fraction, parts = parser.parse_args().fraction, Parts()
    started, cpu = time.perf_counter(), _cpu_s()
    parts.next("making the shop")
    items, users, interactions, attributes = (round(size * fraction) for size in (ITEMS, USERS, INTERACTIONS, ATTRIBUTES))
    graph = synthetic(items, users, interactions, attributes, seed=1)
    events = events_of(graph)
    n_facts = sum(frame.height for edge_type, frame in graph.edges.items() if edge_type[1] != "purchased")
    print(f"{graph.n_items:,} items, {graph.n_users:,} users, {events.height:,} interactions, {n_facts:,} attribute edges")
    parts.next("splitting")
    result = fit(graph, events, ModelConfig(), parts.training)
    with tempfile.TemporaryDirectory() as folder:
        parts.next("artifact, saved")
        save_artifact(Path(folder) / "artifact", graph, result.model, build_id="scale")
        parts.next("artifact, loaded")
        load_artifact(Path(folder) / "artifact")
        parts.end()
        size = sum(path.stat().st_size for path in (Path(folder) / "artifact").iterdir())
    print(f"{'artifact':24} {size / 2**30:9.2f} GiB on disk")
    print(f"{'all':24} {time.perf_counter() - started:9.1f} s {_cpu_s() - cpu:9.1f} s CPU; {result.tuning_users:,} users tuned it")


if __name__ == "__main__":
    main()
