"""The contract that every graph database keeps: what is written is read back, once, and only what is stale is swept."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from kg.embedded import Connection
from kg.errors import BuildError, ConflictError, GraphUnavailableError, InputError, QueryError
from kg.schema import EdgeType
from kg.store import GraphStore
from kg.tables import GraphTables

FIRST, SECOND, THIRD = "20260101T000000-000001", "20260102T000000-000002", "20260103T000000-000003"
HAS_BRAND: EdgeType = ("item", "has_brand", "brand")
PURCHASED: EdgeType = ("user", "purchased", "item")


def assert_same(read: GraphTables, written: GraphTables) -> None:
    assert set(read.nodes) == set(written.nodes)
    assert set(read.edges) == set(written.edges)
    for name, frame in written.nodes.items():
        assert_frame_equal(read.nodes[name], frame.sort("key"))
    for edge_type, frame in written.edges.items():
        assert_frame_equal(read.edges[edge_type], frame.sort("source", "target"))


def everything(store: GraphStore) -> tuple[list[str], list[str]]:
    """Return all that the database holds of ours, the build marks left out."""
    nodes = store._bolt.stream("MATCH (n) WHERE NOT n:Reckon_Build RETURN labels(n) AS l, properties(n) AS p")
    edges = store._bolt.stream("MATCH (a)-[r]->(b) RETURN properties(a) AS a, type(r) AS t, properties(r) AS p, properties(b) AS b")
    return sorted(_line(r.data()) for r in nodes), sorted(_line(r.data()) for r in edges)


def _line(record: Mapping[str, object]) -> str:
    def clean(value: object) -> object:
        # A stored null and an absent property are the same to Cypher; `properties` of one database shows the first.
        return {k: clean(v) for k, v in sorted(value.items()) if k != "build_id" and v is not None} if isinstance(value, dict) else value

    return repr(clean(dict(record)))


def changed(tables: GraphTables, **frames: pl.DataFrame) -> GraphTables:
    edges = {edge_type: frames.get(edge_type[1], frame) for edge_type, frame in tables.edges.items()}
    return GraphTables({name: frames.get(name, frame) for name, frame in tables.nodes.items()}, edges)


def test_read_back_equals_written(store: GraphStore, shop: GraphTables) -> None:
    counts = store.upsert(shop, FIRST)
    assert (counts.nodes, counts.edges) == (shop.n_nodes, shop.n_edges)
    assert_same(store.read(), shop)
    assert store.build_id() == FIRST
    assert store.counts() == {"Item": 4, "Brand": 2, "User": 3, "HAS_BRAND": 3, "PURCHASED": 3, "ALSO_BOUGHT": 3}


def test_upsert_twice_equals_once(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    once = everything(store)
    store.upsert(shop, FIRST)
    assert everything(store) == once
    store.upsert(shop, SECOND)
    assert everything(store) == once
    assert_same(store.read(), shop)


def test_every_node_and_edge_carries_the_build(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    store.upsert(shop, SECOND)
    assert store._bolt.value("MATCH (n) WHERE n.build_id <> $b AND NOT n:Reckon_Build RETURN count(n)", b=SECOND) == 0
    assert store._bolt.value("MATCH ()-[r]->() WHERE r.build_id IS NULL OR r.build_id <> $b RETURN count(r)", b=SECOND) == 0


def test_nulls_are_absent_properties(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    rows = store.query("MATCH (i:Item {item_id: '2'}) RETURN i.title, i.price_cents, i.weight, i.tags, i.available").rows
    assert rows == [[None, None, None, None, False]]
    assert store.query("MATCH (i:Item) WHERE i.title IS NULL RETURN i.item_id").rows == [["2"]]


def test_keys_are_unique(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    with pytest.raises((QueryError, GraphUnavailableError), match=r"(?i)exist|duplicate"):
        store._bolt.write("CREATE (:Item {item_id: '1'})")
    store.ensure_schema(["item"])


def test_changes_reach_the_database(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    items = shop.nodes["item"].with_columns(title=pl.lit("new", dtype=pl.String), price_cents=pl.lit(None, dtype=pl.Int64))
    brands = shop.edges[HAS_BRAND].with_columns(confidence=pl.lit(0.5)).tail(2)
    edited = changed(shop, item=items, has_brand=brands)
    store.upsert(edited, SECOND)
    assert_same(store.read(), edited)
    store.upsert(shop, THIRD)
    assert_same(store.read(), shop)


def test_columns_may_come_and_go(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    fewer = changed(shop, item=shop.nodes["item"].drop("title"), has_brand=shop.edges[HAS_BRAND].drop("surface"))
    store.upsert(fewer, SECOND)
    assert_same(store.read(), fewer)
    assert store._bolt.value("MATCH (i:Item) WHERE i.title IS NOT NULL RETURN count(i)") == 0
    retyped = changed(shop, item=shop.nodes["item"].with_columns(pl.col("price_cents").cast(pl.String)))
    store.upsert(retyped, THIRD)
    assert_same(store.read(), retyped)


def test_what_a_build_lacks_is_not_read(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    fewer = changed(shop, brand=shop.nodes["brand"].head(1), has_brand=shop.edges[HAS_BRAND].head(1), purchased=shop.edges[PURCHASED].head(1))
    store.upsert(fewer, SECOND)
    assert_same(store.read(), fewer)


def test_sweep_removes_what_is_stale_and_nothing_else(store: GraphStore, shop: GraphTables) -> None:
    store._bolt.write("CREATE (:Campaign {name: 'spring'}), (:Item {item_id: 'theirs'})")
    store.upsert(shop, FIRST)
    store._bolt.write("MATCH (c:Campaign), (i:Item {item_id: '1'}) CREATE (c)-[:PROMOTES]->(i)")
    fewer = changed(
        shop,
        brand=shop.nodes["brand"].head(1),
        has_brand=shop.edges[HAS_BRAND].head(1),
        also_bought=shop.edges[("item", "also_bought", "item")].head(2),
    )
    store.upsert(fewer, SECOND)
    swept = store.sweep(SECOND)
    assert (swept.nodes, swept.edges) == (1, 3)
    assert_same(store.read(), fewer)
    assert store._bolt.value("MATCH ()-[r]->() RETURN count(r)") == fewer.n_edges + 1
    assert store._bolt.value("MATCH (n) WHERE NOT n:Reckon_Build RETURN count(n)") == fewer.n_nodes + 2
    assert store.sweep(SECOND) == type(swept)(0, 0)


def test_sweep_takes_types_that_no_longer_exist(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    fewer = GraphTables({k: v for k, v in shop.nodes.items() if k != "brand"}, {k: v for k, v in shop.edges.items() if k != HAS_BRAND})
    store.upsert(fewer, SECOND)
    store.sweep(SECOND)
    assert store._bolt.value("MATCH (n:Brand) RETURN count(n)") == 0
    assert_same(store.read(), fewer)


def test_an_edge_that_comes_back_is_kept(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    store.upsert(changed(shop, has_brand=shop.edges[HAS_BRAND].head(1)), SECOND)
    store.upsert(shop, THIRD)
    assert_same(store.read(), shop)
    assert store.sweep(THIRD).edges == 0
    assert_same(store.read(), shop)


def test_sweep_refuses_to_empty_the_graph(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    tiny = GraphTables({"item": shop.nodes["item"].head(1)}, {})
    store.upsert(tiny, SECOND)
    before = everything(store)
    with pytest.raises(BuildError, match="more than 50%") as raised:
        store.sweep(SECOND)
    assert raised.value.hint
    assert everything(store) == before
    with pytest.raises(BuildError, match="does not hold build"):
        store.sweep(THIRD, force=True)
    store.sweep(SECOND, force=True)
    assert_same(store.read(), tiny)


def test_a_load_that_was_cut_short_is_known_and_finished(store: GraphStore, shop: GraphTables) -> None:
    class CutError(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done > shop.n_nodes:
            raise CutError

    store.upsert(changed(shop, purchased=shop.edges[PURCHASED].head(1)), FIRST)
    with pytest.raises(CutError):
        store.upsert(shop, SECOND, cut)
    with pytest.raises(BuildError, match="only in part"):
        store.read()
    with pytest.raises(BuildError, match="only in part"):
        store.sweep(SECOND)
    assert store.build_id() == FIRST
    store.upsert(shop, SECOND)
    assert_same(store.read(), shop)


def test_an_empty_database_says_so(store: GraphStore) -> None:
    assert store.build_id() is None
    with pytest.raises(BuildError, match="does not hold a build"):
        store.read()


def test_empty_tables(store: GraphStore, shop: GraphTables) -> None:
    nothing = GraphTables({}, {})
    assert store.upsert(nothing, FIRST).nodes == 0
    assert_same(store.read(), nothing)
    hollow = GraphTables({n: f.clear() for n, f in shop.nodes.items()}, {e: f.clear() for e, f in shop.edges.items()})
    store.upsert(hollow, SECOND)
    assert_same(store.read(), hollow)


NASTY = [
    "'",
    '"',
    "`",
    "\\",
    "\\u0041",
    "a\nb\r\tc",
    "漢字🎉",
    "$build_id",
    "$rows",
    "$keys",
    "$k",
    "$gone",
    "{item_id: 'x'}",
    "') DETACH DELETE (n",
    "//",
    "e\u0301",
    "é",
    " x",
    "x ",
    "0",
    "-0",
    "\u2028",
]


def test_any_text_is_a_key_and_a_value(store: GraphStore) -> None:
    keys = [*NASTY, "k" * 4000, "ü" * 2000]
    items = pl.DataFrame({"key": keys, "title": keys[::-1], "tags": [[key, "'"] for key in keys]})
    brands = pl.DataFrame({"source": keys, "target": keys[::-1], "surface": keys})
    tables = GraphTables({"item": items, "brand": items.select("key")}, {HAS_BRAND: brands})
    store.upsert(tables, FIRST)
    assert_same(store.read(), tables)
    store.upsert(tables, SECOND)
    assert_same(store.read(), tables)
    store.sweep(SECOND)
    assert_same(store.read(), tables)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(keys=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12), min_size=1, max_size=8, unique=True))
def test_any_keys_survive(store: GraphStore, keys: list[str]) -> None:
    tables = GraphTables({"item": pl.DataFrame({"key": keys, "title": keys[::-1]})}, {})
    store.upsert(tables, FIRST)
    assert_same(store.read(), tables)
    store._bolt.write("MATCH (n) DETACH DELETE n")


def test_ten_thousand_rows(store: GraphStore) -> None:
    n = 10_000
    items = pl.DataFrame({"key": [f"i{k}" for k in range(n)], "title": [f"title {k}" for k in range(n)]})
    edges = pl.DataFrame({"source": items["key"], "target": [f"b{k % 3}" for k in range(n)], "confidence": [k / n for k in range(n)]})
    tables = GraphTables({"item": items, "brand": pl.DataFrame({"key": ["b0", "b1", "b2"]})}, {HAS_BRAND: edges})
    seen: list[tuple[int, int]] = []
    store.upsert(tables, FIRST, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (tables.n_nodes + tables.n_edges,) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert_same(store.read(), tables)
    edited = changed(tables, has_brand=edges.head(9_000).with_columns(confidence=pl.when(pl.col("target") == "b1").then(0.0).otherwise("confidence")))
    seen.clear()
    store.upsert(edited, SECOND, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (edited.n_nodes + edited.n_edges,) * 2
    assert_same(store.read(), edited)
    assert store.sweep(SECOND).edges == 1_000
    assert_same(store.read(), edited)


def test_parts_can_be_read_alone(store: GraphStore, shop: GraphTables) -> None:
    store.upsert(shop, FIRST)
    assert list(store.read(edge_types=[PURCHASED]).edges) == [PURCHASED]
    lean = store.read(evidence=False)
    assert lean.edges[HAS_BRAND].columns == ["source", "target"]
    assert_frame_equal(lean.edges[PURCHASED], shop.edges[PURCHASED].sort("source", "target"))


def test_nodes_of_others_are_not_taken_over(store: GraphStore, shop: GraphTables) -> None:
    store._bolt.write("CREATE (:Item {item_id: '1', owner: 'somebody'})")
    with pytest.raises(ConflictError, match="no build wrote"):
        store.upsert(shop, FIRST)
    assert store._bolt.value("MATCH (n:Item {item_id: '1'}) RETURN n.owner") == "somebody"


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (GraphTables({"item": pl.DataFrame({"key": ["x" * 4001]})}, {}), "4001 bytes"),
        (GraphTables({"item": pl.DataFrame({"key": ["x"], "build_id": ["y"]})}, {}), "build_id"),
        (GraphTables({"item": pl.DataFrame({"key": ["x"], "item_id": ["y"]})}, {}), "item_id"),
        (GraphTables({"item": pl.DataFrame({"key": ["x"], "a`b": ["y"]})}, {}), "a`b"),
        (GraphTables({"It em": pl.DataFrame({"key": ["x"]})}, {}), "It em"),
        (GraphTables({"a_b": pl.DataFrame({"key": ["x"]}), "a__b": pl.DataFrame({"key": ["x"]})}, {}), "would both be :AB"),
    ],
)
def test_what_cannot_be_stored_is_refused(store: GraphStore, tables: GraphTables, message: str) -> None:
    with pytest.raises(InputError, match=message):
        store.upsert(tables, FIRST)


def test_wrong_credentials(connection: Connection) -> None:
    with (
        GraphStore(Connection(connection.uri, connection.user, "not-the-password", connection.database)) as wrong,
        pytest.raises(GraphUnavailableError, match="refused the user") as raised,
    ):
        wrong.wait(30)
    assert "not-the-password" not in str(raised.value)
    assert connection.password not in repr(connection)


def test_wrong_database(connection: Connection) -> None:
    with (
        GraphStore(Connection(connection.uri, connection.user, connection.password, "elsewhere")) as wrong,
        pytest.raises(GraphUnavailableError, match="elsewhere"),
    ):
        wrong.wait(0)


def test_nobody_there() -> None:
    with (
        GraphStore(Connection("bolt://127.0.0.1:1", "neo4j", "secret")) as store,
        pytest.raises(GraphUnavailableError, match="does not answer") as raised,
    ):
        store.wait(0)
    assert raised.value.hint
    assert "secret" not in str(raised.value)


def test_not_an_address() -> None:
    with pytest.raises(GraphUnavailableError, match="not a graph database address"):
        GraphStore(Connection("http://127.0.0.1", "neo4j", "secret"))
