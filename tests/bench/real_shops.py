"""Public shops that benchmarks measure: read from the folder that RECKON_TEST_DATA or --data names; without it a benchmark says so and ends well."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from etl.settings import SourceConfig
from etl.sources.importer import import_sources
from gnn.graph.arrays import GraphArrays
from kg.extract.pipeline import Extractor
from kg.graph.build import build_graph
from kg.graph.update import Resolver, State
from kg.tables import Catalog

BEAUTY = (
    SourceConfig(
        table="items",
        path="items.parquet",
        columns={"item_id": "item_id", "title": "title", "brand": "brand", "categories": "categories"},
        split={"categories": "|"},
    ),
    SourceConfig(
        table="interactions", path="interactions.parquet", columns={"user_id": "user_id", "item_id": "item_id", "time": "position"}, kind="purchase"
    ),
    SourceConfig(table="triples", path="kg_triples.parquet", columns={"head": "head", "relation": "relation", "tail": "tail"}),
)


def data_folder(name: str, description: str, parser: argparse.ArgumentParser | None = None) -> tuple[Path, argparse.Namespace]:
    """Parse the arguments and return a folder of public data, or say that it is not there and end the process without an error.

    Args:
        name: The folder below the one that RECKON_TEST_DATA names; `--data` names the folder itself.
        description: What the benchmark measures.
        parser: With further arguments; one of its own where absent.
    """
    parser = parser or argparse.ArgumentParser(description=description)
    given = os.environ.get("RECKON_TEST_DATA")
    parser.add_argument("--data", type=Path, default=Path(given, name) if given else None, help=f"default: {name} in $RECKON_TEST_DATA")
    arguments = parser.parse_args()
    if arguments.data is None or not arguments.data.is_dir():
        print(f"not measured: {arguments.data or 'RECKON_TEST_DATA'} is {'no folder' if arguments.data else 'not set'}")
        sys.exit(0)
    return arguments.data, arguments


def beauty_catalog(folder: Path) -> Catalog:
    """Read Amazon Beauty as a workspace would."""
    return import_sources(folder, BEAUTY).catalog


def beauty_graph(catalog: Catalog) -> GraphArrays:
    """Build the graph that `reckon build` builds: attributes from fields and titles, values and listings that are one joined."""
    attributes = Extractor().extract(catalog.items)
    return GraphArrays.from_tables(State.of(catalog, attributes, Resolver()).knowledge.tables())


def musical_instruments(folder: Path) -> tuple[GraphArrays, pl.DataFrame]:
    """Return the graph and the ratings of the Musical Instruments reviews; there are no attributes."""
    rows = pl.read_parquet(folder / "musical_instruments_stream.parquet")
    items = rows.select("item_id").unique().sort("item_id").with_columns(title=pl.col("item_id"))
    empty: dict[str, DataType | DataTypeClass] = {
        "description": pl.String,
        "brand": pl.String,
        "categories": pl.List(pl.String),
        "price_cents": pl.Int64,
        "available": pl.Boolean,
    }
    items = items.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in empty.items())
    events = rows.select(
        "user_id",
        "item_id",
        kind=pl.lit("rating"),
        time=pl.col("time").cast(pl.Float64),
        quantity=pl.lit(1.0),
        rating=pl.col("rating").cast(pl.Float64),
        price_cents=pl.lit(None, dtype=pl.Int64),
    )
    catalog = Catalog(items, events)
    return GraphArrays.from_tables(build_graph(catalog, Extractor().extract(catalog.items))), events


@contextmanager
def cost(what: str) -> Iterator[None]:
    """Print what a part took when it ends: seconds, CPU seconds, and the peak of this process so far."""
    started, before = time.perf_counter(), os.times()
    yield
    after = os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    cpu = after.user + after.system - before.user - before.system
    print(f"{what}: {time.perf_counter() - started:.1f} s, {cpu:.1f} s CPU, peak {peak:.2f} GiB", flush=True)
