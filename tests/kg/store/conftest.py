"""Both databases, each started or reached once per session; every test starts with an empty graph."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from kg.embedded import Connection, EmbeddedGraph
from kg.store import GraphStore
from kg.tables import GraphTables


@pytest.fixture(scope="session")
def embedded_connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with EmbeddedGraph(tmp_path_factory.mktemp("graph") / "embedded", heap_mb=512) as connection:
        yield connection


@pytest.fixture(params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def connection(request: pytest.FixtureRequest) -> Connection:
    found: Connection = request.getfixturevalue(f"{request.param}_connection")
    return found


@pytest.fixture
def store(connection: Connection) -> Iterator[GraphStore]:
    with GraphStore(connection) as opened:
        opened.wait(60)
        opened._bolt.write("MATCH (n) DETACH DELETE n")
        yield opened
        # Other tests use the same server, where nodes of nobody's build would be somebody else's.
        opened._bolt.write("MATCH (n) DETACH DELETE n")


def small_shop() -> GraphTables:
    """Return a graph with every type a property can have, absent ones among them."""
    items = pl.DataFrame(
        {
            "key": ["1", "2", "3", "4"],
            "title": ["Oat milk", None, "", "Soap"],
            "price_cents": pl.Series([199, None, 0, -(2**53)], dtype=pl.Int64),
            "weight": [0.1, None, 1e300, -2.5],
            "available": [True, False, None, True],
            "tags": [["vegan", "milk"], None, ["a"], ["x", "x"]],
        }
    )
    edges = pl.DataFrame(
        {
            "source": ["1", "2", "4"],
            "target": ["Bø", "Bø", "Cé"],
            "confidence": [1.0, 0.25, None],
            "start": pl.Series([0, None, 7], dtype=pl.Int64),
            "surface": ["bø", None, "Cé"],
        }
    )
    bought = pl.DataFrame(
        {"source": ["u", "u", "v"], "target": ["1", "4", "1"], "count": pl.Series([2, 1, 1], dtype=pl.Int64), "last_time": [1.5e9, 1.6e9, None]}
    )
    also = pl.DataFrame({"source": ["1", "2", "2"], "target": ["2", "1", "2"]})
    nodes = {"item": items, "brand": pl.DataFrame({"key": ["Bø", "Cé"]}), "user": pl.DataFrame({"key": ["u", "v", "w"]})}
    return GraphTables(nodes, {("item", "has_brand", "brand"): edges, ("user", "purchased", "item"): bought, ("item", "also_bought", "item"): also})


@pytest.fixture
def shop() -> GraphTables:
    return small_shop()
