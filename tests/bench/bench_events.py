"""Events: durable ones per second in batches of 100, and how soon another worker answers with one. `python tests/bench/bench_events.py`

Real servers (`reckon serve`) on a small shop with the load generator beside them; SQLite, and PostgreSQL where RECKON_TEST_POSTGRES_URL names one.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import orjson
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.free_port import free_port
from tests.ledgers import ledger_url_of
from tests.small_shop import key_of, publish_small_shop

BATCH, SECONDS, CONNECTIONS, LOOKS = 100, 8.0, 8, 100


def load(url: str, key: dict[str, str], seconds: float, prefix: str, latencies: list[float]) -> None:
    end, number = time.perf_counter() + seconds, 0
    with httpx.Client(verify=False, timeout=30, headers=key) as client:
        while (started := time.perf_counter()) < end:
            events = [
                {"event_id": f"{prefix}-{number}-{n}", "user_id": f"u{(number * BATCH + n) % 5000}", "item_id": str(n % 8 + 1), "kind": "view"}
                for n in range(BATCH)
            ]
            answer = client.post(f"{url}/v1/events", content=orjson.dumps(events))
            if answer.status_code != 202 or answer.json()["accepted"] != BATCH:
                raise SystemExit(f"not accepted: {answer.status_code} {answer.text[:300]}")
            latencies.append(time.perf_counter() - started)
            number += 1


def throughput(url: str, key: dict[str, str], connections: int, servers: list[psutil.Process]) -> str:
    latencies: list[float] = []
    before = cpu(servers)
    threads = [threading.Thread(target=load, args=(url, key, SECONDS, f"{connections}-{n}", latencies)) for n in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    p50, p99 = (float(np.percentile(latencies, p)) * 1000 for p in (50, 99))
    events, used = len(latencies) * BATCH, cpu(servers) - before
    return (
        f"{connections:>2} connections: {events / elapsed:>7,.0f} events/s, a batch p50 {p50:.1f} ms, p99 {p99:.1f} ms; "
        f"the server took {used / events * 1e6:.0f} µs of CPU an event"
    )


def visibility(url: str, key: dict[str, str]) -> str:
    """How long after its acknowledgement an event was still missing from any answer, asked on new connections, so of either worker."""
    late = []
    for number in range(LOOKS):
        user = f"looker{number}"
        with httpx.Client(verify=False, timeout=30, headers=key) as client:
            client.post(f"{url}/v1/events", json={"user_id": user, "item_id": "1", "kind": "purchase"})
        acknowledged, last_missing = time.perf_counter(), 0.0
        for _ in range(6):
            with httpx.Client(verify=False, timeout=30, headers=key) as client:
                asked = time.perf_counter()
                if client.get(f"{url}/v1/users/{user}/recommendations?k=1").json()["strategy"] != "personal":
                    last_missing = asked - acknowledged
        late.append(last_missing * 1000)
    missed = sum(value > 0 for value in late)
    return f"{LOOKS} events, 6 looks each at once: {missed} were missing in some answer, the last time {max(late):.1f} ms after their acknowledgement"


def measure(database: str, workers: int) -> None:
    with ExitStack() as stack:
        url = stack.enter_context(ledger_url_of(database))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reckon-bench-"))) / "shop"
        workspace, port = publish_small_shop(folder), free_port()
        key = key_of(workspace, "recommend:read", "events:write")
        environment = {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:1", "RECKON__LEDGER__URL": url}
        command = [sys.executable, "-m", "etl", "serve", "-w", str(folder), "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            server = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    if httpx.get(f"{server}/health/ready").status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.1)
            tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            idle = cpu(tree)
            time.sleep(5)
            print(f"{database}, {workers} worker{'s' * (workers > 1)}: idle {(cpu(tree) - idle) / 5 * 100:.1f} % of a core")
            for connections in (1, CONNECTIONS):
                print("  " + throughput(server, key, connections, tree), flush=True)
            if workers > 1:
                print("  " + visibility(server, key), flush=True)
        finally:
            process.terminate()
            process.wait(30)


def cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running())


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; batches of {BATCH}, {SECONDS:.0f} s each")
    databases = ["sqlite", *(["postgresql"] if os.environ.get("RECKON_TEST_POSTGRES_URL") else [])]
    for database in databases:
        for workers in (1, 2):
            measure(database, workers)
    if len(databases) == 1:
        print("PostgreSQL was not measured: RECKON_TEST_POSTGRES_URL is not set")


if __name__ == "__main__":
    main()
