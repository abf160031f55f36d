"""Load and read speed of the graph store on a graph of the shape of a grocer's: `python tests/bench/bench_store.py [--scale 0.1]`.

Runs on the embedded database, and on a Neo4j where RECKON_TEST_NEO4J_URI, _USER and _PASSWORD name one (whose data it deletes).
Prints wall time, the server's CPU time (which other work on the machine does not change) and its peak resident memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from kg.embedded import Connection, EmbeddedGraph, server_pid
from kg.store import GraphStore
from kg.tables import GraphTables

N_ITEMS, N_USERS, N_BOUGHT = 92_000, 2_500, 900_000
VALUES = {"brand": 5_000, "category": 300, "type": 2_400, "size": 4_300, "department": 44, "maker": 6_000}


def shop(scale: float) -> GraphTables:
    """Return 92,000 items, 2,500 users, 900,000 purchases and 550,000 evidenced attribute edges, times `scale`."""
    rng = np.random.default_rng(0)
    n_items, n_users = int(N_ITEMS * scale), max(10, int(N_USERS * scale))
    items = pl.DataFrame({"key": [f"{1_000_000 + n}" for n in range(n_items)], "title": [f"product number {n}" for n in range(n_items)]})
    users = pl.DataFrame({"key": [str(n) for n in range(n_users)]})
    n_bought = int(N_BOUGHT * scale)
    popular = (n_items * rng.random(n_bought) ** 3).astype(int)
    bought = pl.DataFrame({"source": users["key"].gather(rng.integers(0, n_users, n_bought)), "target": items["key"].gather(popular)}).unique()
    bought = bought.with_columns(count=pl.lit(2, dtype=pl.Int64), first_time=pl.lit(1.5e9), last_time=pl.lit(1.6e9))
    nodes, edges = {"item": items, "user": users}, {("user", "purchased", "item"): bought}
    for name, n_values in VALUES.items():
        values = [f"{name} {n}" for n in (n_values * rng.random(n_items) ** 2).astype(int)]
        facts = pl.DataFrame({"source": items["key"], "target": values, "confidence": 1.0, "field": name, "surface": values})
        facts = facts.with_columns(
            start=pl.lit(0, dtype=pl.Int64), end=pl.lit(8, dtype=pl.Int64), extractor=pl.lit("catalog"), extractor_version=pl.lit("1")
        )
        nodes[name], edges[("item", f"has_{name}", name)] = pl.DataFrame({"key": sorted(set(values))}), facts
    return GraphTables(nodes, edges)


@contextmanager
def measured(what: str, n_rows: int, server: psutil.Process | None) -> Iterator[None]:
    """Print what the block took."""
    peak, running = [0], threading.Event()

    def watch() -> None:
        while server is not None and not running.wait(0.2):
            peak[0] = max(peak[0], server.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    started, cpu = time.perf_counter(), _cpu_s(server)
    yield
    wall_s = time.perf_counter() - started
    running.set()
    thread.join()
    print(
        f"  {what:<28} {wall_s:7.1f} s {n_rows / wall_s:9,.0f} rows/s   server CPU {_cpu_s(server) - cpu:6.1f} s   peak {peak[0] >> 20:5} MiB",
        flush=True,
    )


def _cpu_s(server: psutil.Process | None) -> float:
    return 0.0 if server is None else server.cpu_times().user + server.cpu_times().system


def bench(connection: Connection, tables: GraphTables, server: psutil.Process | None) -> None:
    """Load, read, and load again with and without changes."""
    n_rows = tables.n_nodes + tables.n_edges
    bought = ("user", "purchased", "item")
    changed = tables.edges[bought].with_columns(count=pl.when(pl.int_range(pl.len()) % 10 == 0).then(3).otherwise("count"))
    night = GraphTables(tables.nodes, {**tables.edges, bought: changed.head(changed.height * 9 // 10)})
    with GraphStore(connection) as store:
        store.wait(60)
        with measured("first load", n_rows, server):
            store.load(tables, "20260101T000000-000001")
        with measured("read all", n_rows, server):
            store.read()
        with measured("read without evidence", n_rows, server):
            store.read(evidence=False)
        with measured("load the same again", n_rows, server):
            store.load(tables, "20260102T000000-000002")
        with measured("load with 20 % changed", n_rows, server):
            store.load(night, "20260103T000000-000003", before=("20260102T000000-000002", tables))


def main() -> None:
    """Run on every database there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the graph")
    parser.add_argument("--heap-mb", type=int, default=1024, help="heap of the embedded database, MiB")
    parser.add_argument("--server-pid", type=int, default=0, help="process of the Neo4j server, where it runs on this machine")
    options = parser.parse_args()
    tables = shop(options.scale)
    print(f"{tables.n_nodes:,} nodes, {tables.n_edges:,} edges")
    uri = os.environ.get("RECKON_TEST_NEO4J_URI", "")
    if uri:
        connection = Connection(uri, os.environ.get("RECKON_TEST_NEO4J_USER", "neo4j"), os.environ.get("RECKON_TEST_NEO4J_PASSWORD", ""))
        with GraphStore(connection) as store:
            store.wait(60)
            while store._bolt.value("MATCH (n) RETURN count(n)"):
                store._bolt.write("MATCH (n) WITH n LIMIT 5000 DETACH DELETE n")
        print("Neo4j")
        bench(connection, tables, psutil.Process(options.server_pid) if options.server_pid else None)
    with tempfile.TemporaryDirectory() as folder, EmbeddedGraph(Path(folder), heap_mb=options.heap_mb) as connection:
        print(f"embedded, heap {options.heap_mb} MiB")
        pid = server_pid(Path(folder))
        bench(connection, tables, psutil.Process(pid) if pid else None)


if __name__ == "__main__":
    main()
