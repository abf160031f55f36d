"""What a server and its reader of changed items use while nobody asks: `python -m tests.bench.bench_idle [--seconds 60] [--workers 2]`.

Processor time of each process over the measured seconds, as a share of one core, and how long an event takes to another worker that was idle.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from kg.workspace import Workspace
from tests.bench.bench_events import visibility
from tests.free_port import free_port
from tests.small_shop import built_small_shop, key_of

_SETTLE_S = 15.0


def role(process: psutil.Process) -> str:
    """Say what a process is by its command line."""
    words = " ".join(process.cmdline())
    if "arcadedb" in words:
        return "graph database"
    if "follow" in words:
        return "follow"
    return "worker" if "spawn_main" in words else "resource tracker" if "resource_tracker" in words else "supervisor"


def spent(processes: list[psutil.Process]) -> dict[int, float]:
    """Return the processor seconds of each process so far."""
    return {process.pid: sum(process.cpu_times()[:2]) for process in processes}


def measure(workspace: Workspace, environment: dict[str, str], workers: int, seconds: float) -> None:
    """Serve, wait, and print."""
    port = free_port()
    command = [sys.executable, "-m", "etl", "serve", "-w", str(workspace.root), "--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ready = f"http://127.0.0.1:{port}/health/ready"
        deadline = time.monotonic() + 120
        while True:
            try:
                if httpx.get(ready).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.2)
            if time.monotonic() > deadline:
                raise SystemExit("the server did not become ready")
        time.sleep(_SETTLE_S)
        own = psutil.Process(server.pid)
        processes = [own, *own.children(recursive=True)]
        before, started = spent(processes), time.monotonic()
        time.sleep(seconds)
        after, took = spent(processes), time.monotonic() - started
        print(f"load {os.getloadavg()[0]:.1f}")
        for process in processes:
            print(f"{role(process):18} {100 * (after[process.pid] - before[process.pid]) / took:6.2f} % of a core")
        print(visibility(f"http://127.0.0.1:{port}", key_of(workspace, "recommend:read", "events:write")))
    finally:
        server.terminate()
        server.wait(60)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ledger", default="", help="URL of a PostgreSQL ledger; the workspace's own file by default.")
    arguments = parser.parse_args()
    environment = {**os.environ, **({"RECKON__LEDGER__URL": arguments.ledger} if arguments.ledger else {})}
    with tempfile.TemporaryDirectory() as folder:
        measure(built_small_shop(Path(folder) / "shop", environment), environment, arguments.workers, arguments.seconds)


if __name__ == "__main__":
    main()
