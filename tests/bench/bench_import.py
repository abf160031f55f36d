"""How long an import takes and how much memory it needs: `python tests/bench/bench_import.py --events 10000000`.

Writes a shop with as many events as asked into a temporary folder, imports it in a process of its own, and prints seconds and peak memory of that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

N_ITEMS, N_USERS = 100_000, 500_000
_PART = 500_000
_KINDS = np.array(["view", "view", "view", "cart", "purchase"])


def write_items(path: Path) -> None:
    """Write the catalogue."""
    numbers = pl.int_range(N_ITEMS, eager=True)
    frame = pl.select(sku=pl.format("SKU-{}", numbers), name=pl.format("Product number {}", numbers), brand=pl.format("Brand {}", numbers % 900))
    frame.write_csv(path)


def events(n_events: int, seed: int = 7) -> pl.DataFrame:
    """Return random events: popular items and busy users as shops have them."""
    rng = np.random.default_rng(seed)
    users = (N_USERS * rng.random(n_events) ** 2).astype(np.int64)
    items = (N_ITEMS * rng.random(n_events) ** 3).astype(np.int64)
    return pl.select(
        user=pl.format("user-{}", pl.Series(users)),
        sku=pl.format("SKU-{}", pl.Series(items)),
        kind=pl.Series(_KINDS[rng.integers(0, len(_KINDS), n_events)]),
        at=pl.Series(1.7e9 + np.round(rng.random(n_events) * 3e7, 2)),
        n=pl.Series(rng.integers(1, 4, n_events)),
        price=pl.Series(np.round(1 + (items % 500) * (1 + 0.1 * rng.random(n_events)), 2)),
    )


def write_events(path: Path, n_events: int, file_format: str) -> None:
    """Write events part by part."""
    if file_format == "parquet":
        parts = [path.with_name(f"part{n}.parquet") for n in range(0, n_events, _PART)]
        for n, part in enumerate(parts):
            events(min(_PART, n_events - n * _PART), seed=n).write_parquet(part)
        pl.scan_parquet(parts).sink_parquet(path)
        for part in parts:
            part.unlink()
        return
    with path.open("wb") as file:
        for n in range(0, n_events, _PART):
            rows = events(min(_PART, n_events - n), seed=n)
            rows.write_csv(file, include_header=n == 0) if file_format == "csv" else rows.write_ndjson(file)


def measured(folder: Path, file_format: str) -> dict[str, float]:
    """Import in this process, as the stage does, and return what it took."""
    import resource

    from etl.settings import SourceConfig
    from etl.sources.importer import import_sources

    columns: dict[str, str | list[str]] = {"user_id": "user", "item_id": "sku", "kind": "kind", "time": "at", "quantity": "n", "price": "price"}
    sources = [
        SourceConfig(table="items", path="items.csv", columns={"item_id": "sku", "title": "name", "brand": "brand"}),
        SourceConfig(table="interactions", path=f"events.{file_format}", columns=columns),
    ]
    started = time.perf_counter()
    imported = import_sources(folder, sources, folder=folder / "import.tmp")
    (folder / "catalog").mkdir()
    imported.write(folder / "catalog")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    counts = imported.counts[f"events.{file_format}"]
    return {
        **{"rows": counts.rows, "good": counts.good, "flagged": counts.flagged, "rejected": counts.rejected},
        **{"seconds": round(time.perf_counter() - started, 1), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1)},
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def main() -> None:
    """Measure one import and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--format", choices=["csv", "jsonl", "parquet"], default="csv")
    parser.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        print(json.dumps(measured(arguments.folder, arguments.format)))
        return
    with tempfile.TemporaryDirectory(prefix="reckon-bench-") as name:
        folder = Path(name)
        write_items(folder / "items.csv")
        path = folder / f"events.{arguments.format}"
        write_events(path, arguments.events, arguments.format)
        command = [sys.executable, __file__, "--in", str(folder), "--format", arguments.format]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(json.dumps({"format": arguments.format, "file_mib": path.stat().st_size >> 20, **json.loads(done.stdout)}))


if __name__ == "__main__":
    main()
