"""What one changed item costs in a shop of 100,000: `python tests/bench/bench_incremental.py [--items 100000]`.

Makes a shop (titles with sizes and colours, brands of which a tenth is missing, prices, 7 events per item), loads its graph into the embedded
database, and then changes one item at a time the way `reckon import --changes` does once the database runs: read the state, extract, resolve, find
the difference, write it, keep the state. Prints wall and processor time per part; the start of the database and of Python is not in them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from etl.stages import graph_build
from etl.stages.ledger_import import LedgerPosition
from kg.catalog.file_changes import ShopRules, parse
from kg.embedded import EmbeddedGraph
from kg.extract.incremental import changed_facts
from kg.extract.pipeline import Extractor
from kg.graph.update import Resolver, State, advance
from kg.store import GraphStore
from kg.tables import INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

BUILD = "20260101T000000-000001"
COLORS, THINGS = ["red", "navy blue", "green", "black", "white"], ["Shampoo", "Soap", "Tea", "Shirt", "Lamp", "Coffee", "Towel", "Brush"]
T = TypeVar("T")
RULES = ShopRules(frozenset({"view", "purchase"}))


def shop(n_items: int) -> Catalog:
    """Return the shop."""
    rng = np.random.default_rng(0)
    brand = (3_000 * rng.random(n_items) ** 2).astype(int)
    kind = rng.integers(0, len(THINGS), n_items)
    titles = [
        f"Brand{b:04} {COLORS[n % 5]} {THINGS[k]} {int(rng.integers(1, 40)) * 25} {'ml' if k < 2 else 'g'} number {n}"
        for n, (b, k) in enumerate(zip(brand, kind, strict=True))
    ]
    items = pl.DataFrame(
        {
            "item_id": [f"{1_000_000 + n}" for n in range(n_items)],
            "title": titles,
            "description": pl.Series([None] * n_items, dtype=pl.String),
            "brand": [None if n % 10 == 0 else f"Brand{b:04}" for n, b in enumerate(brand)],
            "categories": [[THINGS[k], f"{THINGS[k]} {n % 60}"] for n, k in enumerate(kind)],
            "price_cents": rng.integers(99, 9_999, n_items),
            "available": pl.Series([True] * n_items),
        },
        schema=dict(ITEM_COLUMNS),
    )
    n_events = 7 * n_items
    events = pl.DataFrame(
        {
            "user_id": [f"u{n}" for n in rng.integers(0, max(10, n_items // 20), n_events)],
            "item_id": items["item_id"].gather((n_items * rng.random(n_events) ** 2).astype(int)),
            "kind": ["purchase"] * n_events,
            "time": rng.integers(1_500_000_000, 1_700_000_000, n_events).astype(float),
            "quantity": [1.0] * n_events,
            "rating": pl.Series([None] * n_events, dtype=pl.Float64),
            "price_cents": pl.Series([None] * n_events, dtype=pl.Int64),
        },
        schema=dict(INTERACTION_COLUMNS),
    )
    return Catalog(items, events)


def timed(what: str, work: Callable[[], T]) -> T:
    """Run and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    print(f"  {what:<28} {time.perf_counter() - wall:7.2f} s wall {time.process_time() - cpu:7.2f} s CPU", flush=True)
    return result


def change_one(build: Path, store: GraphStore, change: dict[str, Any]) -> None:
    """Bring one change into the graph."""
    extractor = timed("start spaCy", lambda: Extractor("en"))
    before = timed("read the state", lambda: graph_build.saved_state(build))

    def read(facts: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame, changed: Sequence[str]) -> tuple[pl.DataFrame, Sequence[str]]:
        found = changed_facts(extractor, facts, old, new, changed)
        return found.attributes, found.item_ids

    after, delta = timed("extract, resolve, compare", lambda: advance(before, [parse(change, RULES)], (), Resolver(), read, build_id=BUILD))
    timed("write to the database", lambda: store.apply(delta, BUILD))
    timed("keep the state", lambda: graph_build.save_state(build, before, after, LedgerPosition(catalogue_seq=1), []))
    print(f"  {delta.counts}")


def main() -> None:
    """Make the shop, load it, change it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000, help="items of the shop")
    options = parser.parse_args()
    catalog = shop(options.items)
    with tempfile.TemporaryDirectory() as folder, EmbeddedGraph(Path(folder) / "graph") as connection, GraphStore(connection) as store:
        build = Path(folder) / BUILD
        (build / "catalog").mkdir(parents=True)
        print("everything")
        attributes = timed("extract", lambda: Extractor("en").extract(catalog.items))
        state = timed("resolve", lambda: State.of(catalog, attributes, Resolver(), build_id=BUILD))
        catalog.write(build / "catalog")
        attributes.write_parquet(build / "attributes.parquet")
        graph_build.save_state(build, state, state, LedgerPosition(), [])
        tables = timed("build", state.knowledge.tables)
        print(f"  {tables.n_nodes:,} nodes, {tables.n_edges:,} edges")
        store.wait(60)
        timed("load", lambda: store.load(tables, BUILD))
        item_id = catalog.items["item_id"][17]
        for what, change in (
            ("a new price", {"op": "upsert_item", "item_id": item_id, "price_cents": 1}),
            ("a new title and brand", {"op": "upsert_item", "item_id": item_id, "title": "Newbrand pink Shirt 250 g", "brand": "Newbrand"}),
            ("a new item", {"op": "upsert_item", "item_id": "new", "title": "Brand0001 red Tea 100 g", "categories": ["Tea"], "price_cents": 500}),
            ("a deleted item", {"op": "delete_item", "item_id": item_id}),
            ("an event", {"op": "add_interaction", "user_id": "u1", "item_id": "new", "kind": "purchase", "time": 1_700_000_001}),
        ):
            print(what)
            timed("together", partial(change_one, build, store, change))


if __name__ == "__main__":
    main()
