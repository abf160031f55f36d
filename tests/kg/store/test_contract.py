"""The contract that every graph database keeps: what is written is read back, once, and only what is stale is swept."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from kg import cypher
from kg.embedded import Connection
from kg.errors import BuildError, ConflictError, GraphUnavailableError, InputError, QueryError
from kg.schema import EdgeType
from kg.store import GraphStore, LoadCounts
from kg.store.layout import Layout
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
    nodes = store._bolt.stream("MATCH (n) WHERE NOT n:Reckon_Build AND NOT n:Reckon_Switch RETURN labels(n) AS l, properties(n) AS p")
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
    counts = store.load(shop, FIRST)
    assert counts == LoadCounts(shop.n_nodes + shop.n_edges, 0, 0, at_once=True)
    assert_same(store.read(), shop)
    assert store.build_id() == FIRST
    assert store.counts() == {"Item": 4, "Brand": 2, "User": 3, "HAS_BRAND": 3, "PURCHASED": 3, "ALSO_BOUGHT": 3}


@pytest.mark.parametrize("known", [False, True], ids=["read", "known before"])
def test_what_did_not_change_is_not_written(store: GraphStore, shop: GraphTables, known: bool) -> None:
    store.load(shop, FIRST)
    once = everything(store)
    assert store.load(shop, FIRST) == LoadCounts(0, 0, shop.n_nodes + shop.n_edges, at_once=True)
    assert store.load(shop, SECOND, before=(FIRST, shop) if known else None) == LoadCounts(0, 0, shop.n_nodes + shop.n_edges, at_once=True)
    assert store.build_id() == SECOND
    assert everything(store) == once
    edited = changed(shop, has_brand=shop.edges[HAS_BRAND].with_columns(confidence=pl.lit(0.25)).head(2))
    counts = store.load(edited, THIRD, before=(SECOND, shop) if known else None)
    # One of the two edges had that confidence already; the third one is gone.
    assert (counts.written, counts.removed) == (1, 1)
    assert_same(store.read(), edited)
    written = "MATCH ()-[r]->() WHERE r.build_id = $b RETURN count(r)"
    assert [store._bolt.value(written, b=build) for build in (FIRST, SECOND, THIRD)] == [edited.n_edges - 1, 0, 1]


def test_tables_that_are_not_what_the_database_holds_do_no_harm(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    nothing = GraphTables({}, {})
    store.load(shop, SECOND, before=(FIRST, nothing))
    assert_same(store.read(), shop)
    store.load(nothing, THIRD, before=(FIRST, nothing))
    assert_same(store.read(), nothing)


def test_every_node_and_edge_carries_the_build(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    everywhere = changed(shop, **{name: frame.with_columns(note=pl.lit("x")) for name, frame in shop.nodes.items()})
    everywhere = changed(everywhere, **{e[1]: frame.with_columns(note=pl.lit("x")) for e, frame in shop.edges.items()})
    store.load(everywhere, SECOND)
    assert store._bolt.value("MATCH (n) WHERE n.build_id <> $b AND NOT n:Reckon_Build AND NOT n:Reckon_Switch RETURN count(n)", b=SECOND) == 0
    assert store._bolt.value("MATCH ()-[r]->() WHERE r.build_id IS NULL OR r.build_id <> $b RETURN count(r)", b=SECOND) == 0


def test_nulls_are_absent_properties(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    rows = store.query("MATCH (i:Item {item_id: '2'}) RETURN i.title, i.price_cents, i.weight, i.tags, i.available").rows
    assert rows == [[None, None, None, None, False]]
    assert store.query("MATCH (i:Item) WHERE i.title IS NULL RETURN i.item_id").rows == [["2"]]


def test_keys_are_unique(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    with pytest.raises((QueryError, GraphUnavailableError), match=r"(?i)exist|duplicate"):
        store._bolt.write("CREATE (:Item {item_id: '1'})")
    store.ensure_schema(["item"])


def test_changes_reach_the_database(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    items = shop.nodes["item"].with_columns(title=pl.lit("new", dtype=pl.String), price_cents=pl.lit(None, dtype=pl.Int64))
    brands = shop.edges[HAS_BRAND].with_columns(confidence=pl.lit(0.5)).tail(2)
    edited = changed(shop, item=items, has_brand=brands)
    store.load(edited, SECOND)
    assert_same(store.read(), edited)
    store.load(shop, THIRD)
    assert_same(store.read(), shop)


def test_columns_may_come_and_go(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    fewer = changed(shop, item=shop.nodes["item"].drop("title"), has_brand=shop.edges[HAS_BRAND].drop("surface"))
    store.load(fewer, SECOND)
    assert_same(store.read(), fewer)
    assert store._bolt.value("MATCH (i:Item) WHERE i.title IS NOT NULL RETURN count(i)") == 0
    retyped = changed(shop, item=shop.nodes["item"].with_columns(pl.col("price_cents").cast(pl.String)))
    store.load(retyped, THIRD)
    assert_same(store.read(), retyped)


def test_what_a_build_lacks_is_not_read(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    fewer = changed(shop, brand=shop.nodes["brand"].head(1), has_brand=shop.edges[HAS_BRAND].head(1), purchased=shop.edges[PURCHASED].head(1))
    store.load(fewer, SECOND)
    assert_same(store.read(), fewer)


def test_what_is_gone_is_removed_and_nothing_else(store: GraphStore, shop: GraphTables) -> None:
    store._bolt.write("CREATE (:Campaign {name: 'spring'}), (:Item {item_id: 'theirs'})")
    store.load(shop, FIRST)
    store._bolt.write("MATCH (c:Campaign), (i:Item {item_id: '1'}) CREATE (c)-[:PROMOTES]->(i)")
    fewer = changed(
        shop,
        brand=shop.nodes["brand"].head(1),
        has_brand=shop.edges[HAS_BRAND].head(1),
        also_bought=shop.edges[("item", "also_bought", "item")].head(2),
    )
    counts = store.load(fewer, SECOND)
    assert (counts.written, counts.removed) == (0, 4)
    assert_same(store.read(), fewer)
    assert store._bolt.value("MATCH ()-[r]->() RETURN count(r)") == fewer.n_edges + 1
    assert store._bolt.value("MATCH (n) WHERE NOT n:Reckon_Build AND NOT n:Reckon_Switch RETURN count(n)") == fewer.n_nodes + 2


def test_types_that_no_longer_exist_go(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    fewer = GraphTables({k: v for k, v in shop.nodes.items() if k != "brand"}, {k: v for k, v in shop.edges.items() if k != HAS_BRAND})
    store.load(fewer, SECOND)
    assert store._bolt.value("MATCH (n:Brand) RETURN count(n)") == 0
    assert_same(store.read(), fewer)
    store.load(shop, THIRD)
    assert_same(store.read(), shop)


def test_a_load_by_parts_that_was_cut_short_is_known_and_finished(connection: Connection, store: GraphStore, shop: GraphTables) -> None:
    class CutError(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done > 4:
            raise CutError

    first = changed(shop, purchased=shop.edges[PURCHASED].head(1))
    store.load(first, FIRST)
    everywhere = changed(shop, **{name: frame.with_columns(note=pl.lit("x")) for name, frame in shop.nodes.items()})
    with GraphStore(connection, at_once=1) as small:
        with pytest.raises(CutError):
            small.load(everywhere, SECOND, progress=cut)
        with pytest.raises(BuildError, match="only in part"):
            small.read()
        with pytest.raises(GraphUnavailableError, match="shows nothing until that is there as a whole"):
            small.query("MATCH (n) RETURN count(n)", timeout_s=0.2)
        assert small.build_id() is None
        assert not small.load(everywhere, SECOND).at_once
        assert_same(small.read(), everywhere)
        with pytest.raises(CutError):
            small.load(first, THIRD, progress=lambda done, total: cut(5, total))
        small.load(everywhere, SECOND)
        assert_same(small.read(), everywhere)
        assert small.query("MATCH (i:Item) RETURN count(i)").rows == [[4]]


def test_a_load_that_fails_at_its_end_leaves_the_graph_as_it_was(store: GraphStore, shop: GraphTables, monkeypatch: pytest.MonkeyPatch) -> None:
    store.load(shop, FIRST)
    before = everything(store)

    class CutError(Exception):
        pass

    def cut(self: Layout, transaction: object) -> None:
        raise CutError

    monkeypatch.setattr(Layout, "save", cut)
    with pytest.raises(CutError):
        store.load(changed(shop, purchased=shop.edges[PURCHASED].head(1)), SECOND)
    assert everything(store) == before
    assert store.build_id() == FIRST


def test_readers_see_one_whole_build_while_others_take_its_place(connection: Connection, store: GraphStore) -> None:
    """Each build gives every edge its own number: an answer with two numbers, or too few edges, is a mixture."""
    n, wrong = 600, list[list[list[object]]]()
    seen: set[object] = set()

    def tables(number: int) -> GraphTables:
        edges = pl.DataFrame({"source": [f"i{k}" for k in range(n)], "target": [f"b{(k + number) % 5}" for k in range(n)], "start": [number] * n})
        brands = pl.DataFrame({"key": [f"b{k}" for k in range(5)]})
        return GraphTables({"item": edges.select(key="source"), "brand": brands}, {HAS_BRAND: edges})

    builds = {number: (f"20260101T00000{number}-000001", tables(number)) for number in range(6)}
    store.load(builds[0][1], builds[0][0])
    done = threading.Event()

    def read() -> None:
        with GraphStore(connection) as reader:
            while not done.is_set():
                rows = reader.query("MATCH (i:Item)-[r:HAS_BRAND]->(b) RETURN r.start AS number, count(r) AS n", timeout_s=60).rows
                seen.update(number for number, _ in rows)
                if len(rows) != 1 or rows[0][1] != n:
                    wrong.append(rows)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 6):
        store.load(builds[number][1], builds[number][0], before=builds[number - 1])
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(seen) > 1


def test_an_empty_database_says_so(store: GraphStore) -> None:
    assert store.build_id() is None
    with pytest.raises(BuildError, match="does not hold a build"):
        store.read()


def test_empty_tables(store: GraphStore, shop: GraphTables) -> None:
    nothing = GraphTables({}, {})
    assert store.load(nothing, FIRST).written == 0
    assert_same(store.read(), nothing)
    hollow = GraphTables({n: f.clear() for n, f in shop.nodes.items()}, {e: f.clear() for e, f in shop.edges.items()})
    store.load(hollow, SECOND)
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
    store.load(tables, FIRST)
    assert_same(store.read(), tables)
    store.load(tables, SECOND)
    assert_same(store.read(), tables)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(keys=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12), min_size=1, max_size=8, unique=True))
def test_any_keys_survive(store: GraphStore, keys: list[str]) -> None:
    tables = GraphTables({"item": pl.DataFrame({"key": keys, "title": keys[::-1]})}, {})
    store.load(tables, FIRST)
    assert_same(store.read(), tables)
    store._bolt.write("MATCH (n) DETACH DELETE n")


def test_ten_thousand_rows(store: GraphStore) -> None:
    n = 10_000
    items = pl.DataFrame({"key": [f"i{k}" for k in range(n)], "title": [f"title {k}" for k in range(n)]})
    edges = pl.DataFrame({"source": items["key"], "target": [f"b{k % 3}" for k in range(n)], "confidence": [k / n for k in range(n)]})
    tables = GraphTables({"item": items, "brand": pl.DataFrame({"key": ["b0", "b1", "b2"]})}, {HAS_BRAND: edges})
    seen: list[tuple[int, int]] = []
    store.load(tables, FIRST, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (tables.n_nodes + tables.n_edges,) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert_same(store.read(), tables)
    edited = changed(tables, has_brand=edges.head(9_000).with_columns(confidence=pl.when(pl.col("target") == "b1").then(0.0).otherwise("confidence")))
    seen.clear()
    store.load(edited, SECOND, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4_000, 4_000)
    assert_same(store.read(), edited)


def test_parts_can_be_read_alone(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    assert list(store.read(edge_types=[PURCHASED]).edges) == [PURCHASED]
    lean = store.read(evidence=False)
    assert lean.edges[HAS_BRAND].columns == ["source", "target"]
    assert_frame_equal(lean.edges[PURCHASED], shop.edges[PURCHASED].sort("source", "target"))


def test_nodes_of_others_are_not_taken_over(store: GraphStore, shop: GraphTables) -> None:
    store._bolt.write("CREATE (:Item {item_id: '1', owner: 'somebody'})")
    with pytest.raises(ConflictError, match="no build wrote"):
        store.load(shop, FIRST)
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
        store.load(tables, FIRST)


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


def test_a_replay_says_where_its_build_is_gone(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, FIRST)
    path = (["Item", "Brand", "Item"], [("item_id", "1"), None, ("item_id", "2")], [("HAS_BRAND", False), ("HAS_BRAND", True)])
    text, parameters = cypher.replay_path(*path, FIRST)
    assert store.query(text, parameters).rows == [[1, None]]
    text, parameters = cypher.replay_path(path[0], [("item_id", "1"), None, ("item_id", "4")], path[2], FIRST)
    assert store.query(text, parameters).rows == [[0, None]]
    store.load(shop, SECOND)
    assert store.query(text, parameters).rows == [[None, f"the graph of build {FIRST} is gone: the database holds {SECOND}"]]


def test_a_change_of_one_percent_touches_one_percent(store: GraphStore) -> None:
    n = 3_000
    items = pl.DataFrame({"key": [f"i{k}" for k in range(n)], "title": [f"title {k}" for k in range(n)]})
    edges = pl.DataFrame({"source": items["key"], "target": [f"b{k % 50}" for k in range(n)]})
    tables = GraphTables({"item": items, "brand": pl.DataFrame({"key": [f"b{k}" for k in range(50)]})}, {HAS_BRAND: edges})
    store.load(tables, FIRST)
    retitled = items.with_columns(title=pl.when(pl.int_range(n) % 100 == 0).then(pl.lit("new")).otherwise("title"))
    rebranded = edges.with_columns(target=pl.when(pl.int_range(n) % 100 == 50).then(pl.lit("b0")).otherwise("target"))
    counts = store.load(changed(tables, item=retitled, has_brand=rebranded), SECOND, before=(FIRST, tables))
    # Thirty titles; thirty edges to other brands, each of which takes the place of one; those that led to b0 before stay.
    moved = edges.join(rebranded, on=["source", "target"], how="anti").height
    assert (counts.written, counts.removed) == (30 + moved, moved)
    assert counts.written + counts.removed <= 0.02 * (tables.n_nodes + tables.n_edges)
    touched = store._bolt.value("MATCH (n) WHERE n.build_id = $b AND NOT n:Reckon_Build RETURN count(n)", b=SECOND)
    touched += store._bolt.value("MATCH ()-[r]->() WHERE r.build_id = $b RETURN count(r)", b=SECOND)
    assert touched == counts.written
