"""How soon a new item is recommended with a path, and an unavailable one is gone. `python tests/bench/bench_live.py`

A real server (`reckon serve`, two workers and the reader of changed items) on the small shop: without a graph database, with the embedded
one, and with a Neo4j where RECKON_TEST_NEO4J_URI, _USER and _PASSWORD name one (whose data it deletes). Times are by the clock of who calls, from
the call to the first answer that shows the change, asked on new connections, so of either worker.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.free_port import free_port
from tests.small_shop import built_small_shop, key_of

ITEMS, LONG_S = 20, 60.0
NO_GRAPH = "bolt://127.0.0.1:1"


def shown(url: str, key: dict[str, str], item_id: str) -> bool:
    """Say whether the item is in a list of a shopper, with a path."""
    with httpx.Client(headers=key, timeout=30) as client:
        answer = client.get(f"{url}/v1/users/u/recommendations", params={"k": 50, "exclude_seen": "false", "explain": "full"})
    answer.raise_for_status()
    found = [item for item in answer.json()["items"] if item["item_id"] == item_id]
    return any(reason.get("paths") for item in found for reason in item["reasons"])


def seconds_until(holds: Callable[[], bool], started: float) -> float:
    """Return how long after `started` something came true."""
    while not holds():
        if time.perf_counter() - started > LONG_S:
            raise SystemExit(f"not within {LONG_S:.0f} s")
        time.sleep(0.005)
    return time.perf_counter() - started


def put_and_taken_out(client: httpx.Client, is_shown: Callable[[str], bool], number: int) -> tuple[float, float]:
    """Put one item and take it out again, and return the seconds until either was seen."""
    item_id, started = f"new {number}", time.perf_counter()
    fields = {"title": f"Green tea no. {number} 250 g", "brand": "Leafy", "categories": ["Drinks", "Tea"]}
    client.put(f"/v1/items/{item_id}", json=fields).raise_for_status()
    put_s = seconds_until(lambda: is_shown(item_id), started)
    started = time.perf_counter()
    client.patch(f"/v1/items/{item_id}", json={"available": False}).raise_for_status()
    return put_s, seconds_until(lambda: not is_shown(item_id), started)


def changes(url: str, key: dict[str, str]) -> str:
    """Put items and take them out again, one after another, and return what it took."""
    with httpx.Client(base_url=url, headers=key, timeout=30) as client:
        took = [put_and_taken_out(client, lambda item_id: shown(url, key, item_id), number) for number in range(ITEMS)]
    told = [f"p50 {np.percentile(each, 50):.3f} s, first {each[0]:.3f}, longest {max(each):.3f}" for each in zip(*took, strict=True)]
    return f"PUT → recommended with a path: {told[0]}; PATCH → gone: {told[1]}"


def measure(database: str, environment: dict[str, str]) -> None:
    """Serve the small shop with a graph database and measure."""
    with tempfile.TemporaryDirectory(prefix="reckon-bench-") as folder:
        shop = Path(folder) / "shop"
        # Without a graph database the build is made with the embedded one, which then is away.
        made = {**environment, "RECKON__GRAPH__URI": ""} if environment.get("RECKON__GRAPH__URI") == NO_GRAPH else environment
        workspace = built_small_shop(shop, made)
        key, url = key_of(workspace, "catalog:write", "recommend:read", "graph:read"), f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "etl", "serve", "-w", str(shop), "--port", str(port), "--workers", "2"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            seconds_until(lambda: ready(url), time.perf_counter())
            time.sleep(10)  # the reader of changed items loads spaCy and the graph database starts beside the first answers
            print(f"{database}: {changes(url, key)}", flush=True)
        finally:
            server.terminate()
            server.wait(60)


def ready(url: str) -> bool:
    """Say whether a server answers."""
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    """Measure every database that is there."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {ITEMS} items each")
    measure("no graph database", {**os.environ, "RECKON__GRAPH__URI": NO_GRAPH})
    measure("embedded database", dict(os.environ))
    if uri := os.environ.get("RECKON_TEST_NEO4J_URI"):
        names = {f"RECKON__GRAPH__{name}": os.environ[f"RECKON_TEST_NEO4J_{name}"] for name in ("USER", "PASSWORD")}
        measure("Neo4j", {**os.environ, "RECKON__GRAPH__URI": uri, **names})
    else:
        print("Neo4j was not measured: RECKON_TEST_NEO4J_URI is not set")


if __name__ == "__main__":
    main()
