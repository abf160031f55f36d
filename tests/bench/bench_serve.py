"""Measure `reckon serve` from outside, with wrk: latency, throughput, memory and cold start, as docs/performance.md tells them.

PYTHONPATH=. .venv/bin/python tests/bench/bench_serve.py                       a synthetic shop, made first
PYTHONPATH=. .venv/bin/python tests/bench/bench_serve.py --workspace var/demo  any workspace with a published build

Needs wrk (`apt-get install wrk`); says so and ends where there is none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psutil

from api.keys.key_store import KeyStore
from gnn.artifact.artifact import Artifact, load_artifact
from kg.workspace import Workspace
from tests.bench.synthetic_shop import model_of, published, synthetic
from tests.free_port import free_port

LUA = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
math.randomseed(%d)
request = function() return wrk.format("GET", paths[math.random(#paths)], {["Authorization"] = "Bearer %s"}) end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Served:
    """A running server."""

    def __init__(self, port: int, key: str, process: psutil.Process, cold_start_s: float) -> None:
        self.port, self.key, self.process, self.cold_start_s = port, key, process, cold_start_s

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer: those that hold the artifact."""
        family = [self.process, *self.process.children(recursive=True)]
        return [process for process in family if any("neighbours_indices" in mapped.path for mapped in process.memory_maps())]

    def load(self, name: str, paths: list[str], *, connections: int, seconds: float) -> None:
        """Ask for paths drawn at random and print what came of it."""
        with tempfile.TemporaryDirectory() as folder:
            listed, script = Path(folder) / "paths", Path(folder) / "load.lua"
            listed.write_text("\n".join(paths))
            script.write_text(LUA % (listed, 7, self.key))
            command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(script), f"http://127.0.0.1:{self.port}"]
            before = self._processor_s()
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            used = self._processor_s() - before
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
        if found is None:
            raise SystemExit(out)
        count, micros, p50, p99, refused, broken = (int(part) for part in found.groups())
        rate = count / micros * 1e6
        errors = refused + broken
        print(
            f"| {name} | {connections} | {rate:,.0f} | {p50 / 1e3:.1f} | {p99 / 1e3:.1f} | {used / max(count, 1) * 1e3:.2f} | {errors} |", flush=True
        )

    def _processor_s(self) -> float:
        """Return the processor time of all workers: what a busy machine does not change much."""
        return sum(sum(process.cpu_times()[:2]) for process in self.workers())


@contextmanager
def served(workspace: Workspace, workers: int, cache_mb: int) -> Iterator[Served]:
    """Start `reckon serve` and wait for its first answer."""
    key, port = KeyStore(workspace.keys).create(["recommend:read"]), free_port()
    environment = {**os.environ, "RECKON__SERVE__CACHE_MB": str(cache_mb)}
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-m", "etl", "serve", "-w", str(workspace.root), "--port", str(port), "--workers", str(workers)]
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            while not _answers(port, key):
                if process.poll() is not None or time.perf_counter() - started > 120:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.02)
            yield Served(port, key, psutil.Process(process.pid), time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait(60)


def _answers(port: int, key: str) -> bool:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/items/popular?k=1", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(asked, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _users(artifact: Artifact, n: int, seed: int) -> list[str]:
    drawn = np.random.default_rng(seed).choice(len(artifact.user_ids), min(n, len(artifact.user_ids)), replace=False)
    return [artifact.user_ids[num] for num in drawn.tolist()]


def _first(server: Served, user_id: str) -> str:
    """Return a user's first item, or nothing for users without a history, who have nothing to explain."""
    path = f"/v1/users/{quote(user_id, safe='')}/recommendations?k=1&explain=none"
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"Authorization": f"Bearer {server.key}"})
    with urllib.request.urlopen(asked, timeout=10) as response:
        answer = json.load(response)
    return str(answer["items"][0]["item_id"]) if answer["strategy"] == "personal" else ""


def measure(workspace: Workspace, workers: int, seconds: float) -> None:
    """Print the table."""
    artifact = load_artifact(workspace.current / "artifact", verify=False)
    lists = [f"/v1/users/{quote(user, safe='')}/recommendations?explain=brief" for user in _users(artifact, 20_000, 1)]
    whole = [path.replace("=brief", "=full") for path in lists]
    few = lists[:300]
    n_edges = sum(edges.forward.nnz for edges in artifact.edges.values())
    print(f"{artifact.n_items:,} items, {len(artifact.user_ids):,} users, {n_edges:,} edges; {workers} workers; {os.cpu_count()} processors, ")
    print(f"load average {os.getloadavg()[0]:.1f} before\n")
    print("| work | connections | requests/s | p50 ms | p99 ms | processor ms per request | errors |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with served(workspace, workers, cache_mb=0) as server:
        cold = server.cold_start_s
        server.load("(warming up)", lists, connections=4, seconds=min(seconds, 5))
        server.load("top-10, brief, computed in the request", lists, connections=1, seconds=seconds)
        server.load("the same", lists, connections=16, seconds=seconds)
        server.load("top-10, full, computed in the request", whole, connections=1, seconds=seconds)
        first = {user: _first(server, user) for user in _users(artifact, 300, 1)}
        told = [f"/v1/users/{quote(user, safe='')}/recommendations/{quote(item, safe='')}/explanation" for user, item in first.items() if item]
        server.load("full explanation of one item", told, connections=1, seconds=seconds)
    with served(workspace, workers, cache_mb=64) as server:
        server.load("(remembering)", few, connections=16, seconds=max(seconds, 10))
        server.load("top-10, brief, remembered", few, connections=16, seconds=seconds)
        print(f"\ncold start to the first answer: {cold:.1f} s, the second time {server.cold_start_s:.1f} s")
        for process in server.workers():
            memory = process.memory_full_info()
            shared = (memory.rss - memory.uss) / 2**20
            print(f"worker: {memory.rss / 2**20:.0f} MiB resident, of which {memory.uss / 2**20:.0f} its own and {shared:.0f} shared")


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk")
        return
    if options.workspace is not None:
        measure(Workspace.open(options.workspace), options.workers, options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        graph = synthetic(100_000, 100_000, 1_000_000, 1_000_000, 0)
        measure(published(Path(folder) / "shop", graph, model_of(graph, 0, 64, 300)), options.workers, options.seconds)


if __name__ == "__main__":
    main()
