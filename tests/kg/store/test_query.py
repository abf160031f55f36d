"""Read-only Cypher on every database: what it answers, and that nothing talks it into writing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import neo4j
import polars as pl
import pytest
from neo4j.exceptions import Neo4jError

from kg.embedded import Connection
from kg.errors import LimitError, QueryError, QueryRefusedError
from kg.store import GraphStore
from kg.store.query import Bounds, _Query
from kg.tables import GraphTables

ATTACKS = [
    "CREATE (n:Evil)",
    "MERGE (n:Evil {x: 1}) RETURN n",
    "MATCH (n) SET n.title = 'evil'",
    "MATCH (n) SET n:Evil",
    "MATCH (n) SET n += {title: 'evil'}",
    "MATCH (n) REMOVE n.title",
    "MATCH (n) DETACH DELETE n",
    "MATCH ()-[r]->() DELETE r",
    "match (n) wHeRe true dEtAcH dElEtE n",
    "MATCH (n) /* ' */ DETACH /**/ DELETE n /* ' */",
    "MATCH (n) // '\n DETACH DELETE n // '",
    "MATCH (n) // '\r DETACH DELETE n // '",
    "MATCH (n)\u00a0DETACH\u2003DELETE\u3000n",
    "MATCH (n) \\u0044ETACH \\u0044ELETE n",
    "MATCH (n) WHERE n.title <> '\\u0027 DETACH DELETE n //'",
    "MATCH (n) WHERE n.title <> '\\' OR true //' DETACH DELETE n",
    'MATCH (n) WHERE n.title <> "\'" DETACH DELETE n //"\'"',
    "MATCH (n) RETURN n; MATCH (n) DETACH DELETE n",
    "MATCH (n) RETURN n UNION CREATE (m:Evil) RETURN m AS n",
    "MATCH (n) WITH n LIMIT 1 CREATE (m:Evil) RETURN m",
    "MATCH (n) CALL { WITH n DETACH DELETE n } RETURN 1",
    "CALL () { CREATE (m:Evil) RETURN m } RETURN m",
    "UNWIND [1, 2] AS x CALL (x) { CREATE (m:Evil) } IN TRANSACTIONS OF 1 ROWS RETURN x",
    "MATCH (n) FOREACH (x IN [1] | SET n.title = 'evil')",
    "MATCH (n) WHERE EXISTS { CREATE (m:Evil) } RETURN n",
    "RETURN COUNT { CREATE (m:Evil) }",
    "EXPLAIN MATCH (n) DETACH DELETE n",
    "PROFILE MATCH (n) DETACH DELETE n",
    "CYPHER planner=cost CREATE (m:Evil)",
    "CREATE INDEX evil FOR (n:Item) ON (n.title)",
    "DROP CONSTRAINT item_key IF EXISTS",
    "CREATE CONSTRAINT evil FOR (n:Evil) REQUIRE n.x IS UNIQUE",
    "CREATE DATABASE evil",
    "CREATE USER evil SET PASSWORD 'evil-evil'",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "USE system MATCH (n) RETURN n",
    "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
    "WITH 1 AS x LOAD CSV FROM 'http://127.0.0.1:1/' AS row CREATE (m:Evil)",
    "CALL db.createLabel('Evil')",
    "CALL db.createProperty('evil')",
    "CALL `db`.`createLabel`('Evil')",
    "CALL apoc.cypher.doIt('CREATE (m:Evil)', {})",
    "CALL dbms.setConfigValue('a', 'b')",
    "CALL dbms.killTransactions(['x'])",
    "RETURN apoc.cypher.runFirstColumnSingle('CREATE (m:Evil) RETURN m', {})",
    "BEGIN MATCH (n) DETACH DELETE n COMMIT",
    "INSERT (m:Evil)",
    "DELETE FROM Item",
    "TRUNCATE TYPE Item UNSAFE",
    "{sql} DELETE FROM Item",
    "MATCH (n) \u017fET n.title = 'evil'",
]


def state(store: GraphStore) -> str:
    bolt = store._bolt
    nodes = sorted(json.dumps([sorted(r["l"]), r["p"]], sort_keys=True) for r in bolt.stream("MATCH (n) RETURN labels(n) AS l, properties(n) AS p"))
    edges = sorted(json.dumps([r["t"], r["p"]], sort_keys=True) for r in bolt.stream("MATCH ()-[r]->() RETURN type(r) AS t, properties(r) AS p"))
    labels = sorted(record["label"] for record in bolt.stream("CALL db.labels() YIELD label RETURN label"))
    return json.dumps([nodes, edges, labels])


def test_nothing_talks_it_into_writing(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    before = state(store)
    for attack in ATTACKS:
        with pytest.raises(QueryRefusedError):
            store.query(attack)
        assert state(store) == before, attack
    with pytest.raises((QueryError, LimitError), match=r"(?i)unique|exist|duplicate"):
        store._bolt.write("CREATE (:Item {item_id: '1'})")


def test_the_plan_check_alone_refuses_writing(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    before = state(store)
    for text in [
        "CREATE (n:Evil)",
        "MATCH (n) SET n.title = 'x'",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n) REMOVE n.title",
        "MERGE (n:Item {item_id: '9'})",
    ]:
        with pytest.raises(QueryRefusedError, match="plan"):
            _Query(store._bolt, text, {}, Bounds(10, 10))._check_plan()
    for text in ["CREATE INDEX evil FOR (n:Item) ON (n.title)", "DROP CONSTRAINT item_key"]:
        with pytest.raises(QueryRefusedError, match="plan"):
            _Query(store._bolt, text, {}, Bounds(10, 10))._check_plan()
    assert state(store) == before


def test_the_rollback_alone_undoes_writing(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    before = state(store)
    for text in ["CREATE (n:Item {item_id: 'evil'}) RETURN n", "MATCH (n) SET n.title = 'x' RETURN n", "MATCH (n) DETACH DELETE n RETURN count(*)"]:
        # Neo4j refuses to write in a READ transaction; ArcadeDB writes, and the rollback takes it back.
        query = _Query(store._bolt, text, {}, Bounds(10, 10))
        with suppress(QueryError):
            query._read()
        assert state(store) == before, text


def test_reading_answers(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    result = store.query(
        "MATCH (i:Item)-[:HAS_BRAND]->(b:Brand) WHERE b.value = $brand RETURN i.item_id AS item_id ORDER BY item_id", {"brand": "Bø"}
    )
    assert (result.columns, result.rows, result.truncated) == (("item_id",), [["1"], ["2"]], False)
    assert store.query("MATCH (n:Nothing) RETURN n.x AS x").rows == []
    assert ["Item"] in store.query("CALL db.labels() YIELD label RETURN label").rows
    assert store.query("MATCH (i:Item) WHERE EXISTS { MATCH (i)-[:HAS_BRAND]->() } RETURN count(i)").rows == [[3]]


def test_answers_are_plain(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    row = store.query("MATCH p = (u:User)-[r:PURCHASED]->(i:Item) WHERE u.user_id = 'v' RETURN u, r, p, [u], {a: i.item_id}").rows[0]
    node = {"id": "user:v", "labels": ["User"], "properties": {"user_id": "v", "build_id": "20260101T000000-000001"}}
    assert row[0] == node
    assert (row[1]["type"], row[1]["start"], row[1]["end"]) == ("PURCHASED", "user:v", "item:1")
    assert row[1]["properties"]["count"] == 1
    assert row[2]["nodes"][0] == node
    assert [edge["type"] for edge in row[2]["relationships"]] == ["PURCHASED"]
    assert row[3:] == [[node], {"a": "1"}]
    times = store.query("RETURN date('2026-01-02'), datetime('2026-01-02T03:04:05Z'), duration('P1DT2H')").rows[0]
    assert times[0] == "2026-01-02"
    assert str(times[1]).startswith("2026-01-02T03:04:05")
    assert str(times[2]).startswith("P1D")
    json.dumps(row)


class Lines:
    """A sink that breaks at a row, and one that takes them all."""

    def __init__(self, breaks_at: int = -1) -> None:
        self.columns: tuple[str, ...] = ()
        self.rows: list[list[Any]] = []
        self._breaks_at = breaks_at

    def begin(self, columns: tuple[str, ...]) -> None:
        self.columns, self.rows = columns, []

    def row(self, values: list[object]) -> None:
        if len(self.rows) == self._breaks_at:
            raise OSError("the disk is full")
        self.rows.append(values)


def test_a_sink_takes_the_rows(store: GraphStore, shop: GraphTables) -> None:
    lines = Lines()
    result = store.query("UNWIND range(1, 5000) AS x RETURN x", bounds=Bounds(60, 10_000), sink=lines)
    assert (lines.columns, lines.rows) == (("x",), [[x] for x in range(1, 5001)])
    assert (result.rows, result.n_rows, result.truncated) == ([], 5000, False)
    # An end of which nothing else is said has no key, and a shopper whom the asker may not know has none either.
    store.load(shop, "20260101T000000-000001")
    text = "MATCH (u:User)-[r:PURCHASED]->(i:Item) WHERE i.item_id = '4' RETURN r, i"
    edge, item = store.query(text, bounds=Bounds(personal=False)).rows[0]
    assert (edge["start"], edge["end"], item["id"]) == (None, "item:4", "item:4")
    [[path]] = store.query("MATCH p = (:User)-[:PURCHASED]->(i:Item) WHERE i.item_id = '4' RETURN p", bounds=Bounds(personal=False)).rows
    shopper = path["nodes"][0]
    assert shopper["id"] == path["relationships"][0]["start"] != "user:u"
    assert "user_id" not in shopper["properties"]


def test_a_long_answer_keeps_the_ends_of_its_edges(store: GraphStore, shop: GraphTables) -> None:
    store.load(shop, "20260101T000000-000001")
    lines = Lines()
    text = "UNWIND range(1, 5000) AS x MATCH p = (:Item)-[:HAS_BRAND]->(b:Brand) WHERE b.value = 'Cé' RETURN p"
    assert store.query(text, bounds=Bounds(60, 10_000), sink=lines).n_rows == 5000
    path: Any = lines.rows[0][0]
    assert [node["id"] for node in path["nodes"]] == [path["relationships"][0]["start"], path["relationships"][0]["end"]] == ["item:4", "brand:Cé"]
    assert all(row == [path] for row in lines.rows)


def test_a_sink_that_fails_is_no_outage(store: GraphStore) -> None:
    with pytest.raises(OSError, match="the disk is full"):
        store.query("UNWIND range(1, 5000) AS x RETURN x", sink=Lines(breaks_at=3))
    assert store.query("RETURN 1").rows == [[1]]


def test_rows_are_bounded(store: GraphStore) -> None:
    result = store.query("UNWIND range(1, 5000) AS x RETURN x", max_rows=10)
    assert (len(result.rows), result.truncated) == (10, True)
    assert not store.query("UNWIND range(1, 10) AS x RETURN x", max_rows=10).truncated


def test_time_is_bounded(store: GraphStore) -> None:
    with pytest.raises(LimitError, match="ask for less"):
        store.query("UNWIND range(1, 100000) AS x UNWIND range(1, 2000) AS y WITH x, y WHERE x % 7 = 8 RETURN count(x)", timeout_s=0.5)
    assert store.query("RETURN 1").rows == [[1]]


LONG = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x * y = -1 RETURN count(*) AS n"
"""Hours of work."""


def running(store: GraphStore, text: str) -> bool:
    """Say whether the database is at work on a query, and not only on its plan."""
    found = [record[0] for record in store._bolt.stream("SHOW TRANSACTIONS YIELD currentQuery")]
    return any(str(query).startswith(("/* reckon", text)) for query in found if "SHOW TRANSACTIONS" not in str(query))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("text", [LONG, f"{LONG} // so", f"/* {'x' * 15_000} */ {LONG}"])
def test_a_query_that_took_too_long_uses_no_processor_any_more(store: GraphStore, text: str) -> None:
    with pytest.raises(LimitError, match="ask for less"):
        store.query(text, timeout_s=0.5)
    wait_until(lambda: not running(store, text[:40]))


def _until_it_ends(session: neo4j.Session, text: str) -> None:
    with suppress(Neo4jError):
        session.run(text).consume()


def test_an_equal_query_of_somebody_else_runs_on(store: GraphStore, connection: Connection) -> None:
    text = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x * y = -2 RETURN count(*) AS n"
    with GraphStore(connection) as others, others._bolt.session(read=True) as session:
        theirs = threading.Thread(target=_until_it_ends, args=(session, text), daemon=True)
        theirs.start()
        wait_until(lambda: running(store, text))
        with pytest.raises(LimitError):
            store.query(text, timeout_s=0.5)
        assert running(store, text)
        for record in list(store._bolt.stream("SHOW TRANSACTIONS YIELD transactionId, currentQuery")):
            if str(record[1]).startswith(text):
                list(store._bolt.stream(f"TERMINATE TRANSACTIONS '{record[0]}'"))
        theirs.join(30)
        assert not theirs.is_alive()


def test_a_query_whose_asker_is_interrupted_ends(store: GraphStore, connection: Connection) -> None:
    program = (
        "import os; from kg.embedded import Connection; from kg.store import GraphStore\n"
        "store = GraphStore(Connection(os.environ['URI'], os.environ['NAME'], os.environ['WORD'], os.environ['BASE']))\n"
        f"store.query({LONG!r}, timeout_s=600)"
    )
    names = {"URI": connection.uri, "NAME": connection.user, "WORD": connection.password, "BASE": connection.database}
    with subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **names}, stderr=subprocess.DEVNULL) as asker:
        wait_until(lambda: running(store, LONG))
        asker.send_signal(signal.SIGINT)
        asker.wait(30)
    wait_until(lambda: not running(store, LONG))


@pytest.mark.parametrize("text", ["MATCH (n RETURN n", "MATCH (n) RETURN m", "RETURN nofunction(1)", "RETURN $missing"])
def test_wrong_cypher_is_the_askers_mistake(store: GraphStore, text: str) -> None:
    with pytest.raises(QueryError) as raised:
        store.query(text)
    assert raised.value.status == 400
    assert "server log" not in raised.value.message


def test_what_a_database_cannot_do_is_no_outage(store: GraphStore) -> None:
    refused: dict[str, QueryError] = {}
    for name in ("db.schema.nodeTypeProperties", "db.schema.relTypeProperties"):
        try:
            store.query(f"CALL {name}()")
        except QueryError as error:
            refused[name] = error
    assert all(name in error.message for name, error in refused.items())
    # Neo4j answers null here, the embedded database refuses; neither is down.
    with suppress(QueryError):
        store.query("RETURN point.distance(1, 2)")
    assert store.query("RETURN 1").rows == [[1]]


def test_parameters_are_values_not_text(store: GraphStore) -> None:
    tables = GraphTables({"item": pl.DataFrame({"key": ["a", "b"]})}, {})
    store.load(tables, "20260101T000000-000001")
    assert store.query("MATCH (i:Item) WHERE i.item_id = $k RETURN i.item_id", {"k": "a' OR true //"}).rows == []


@pytest.mark.neo4j
def test_queries_of_people_run_as_the_reading_user(neo4j_connection: Connection) -> None:
    reader = Connection(neo4j_connection.uri, "analyst", "reads-only-1", neo4j_connection.database)
    with GraphStore(neo4j_connection) as owner:
        owner.wait(60)
        owner._bolt.schema("CREATE OR REPLACE USER analyst SET PASSWORD 'reads-only-1' CHANGE NOT REQUIRED")
        try:
            with GraphStore(neo4j_connection, reader=reader) as store:
                asker = threading.Thread(target=lambda: suppress_limit(store), daemon=True)
                asker.start()
                shown = "SHOW TRANSACTIONS YIELD username, currentQuery"
                wait_until(lambda: any(r[0] == "analyst" and LONG[:40] in str(r[1]) for r in owner._bolt.stream(shown)))
                asker.join(60)
                assert not asker.is_alive()
        finally:
            owner._bolt.schema("DROP USER analyst")


def suppress_limit(store: GraphStore) -> None:
    with suppress(LimitError):
        store.query(LONG, timeout_s=8)
