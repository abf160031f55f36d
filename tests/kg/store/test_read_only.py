"""The text check alone, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import QueryRefusedError
from kg.store.read_only import MAX_TEXT, check_text


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n) RETURN n",
        "match (n:Item)-[r:HAS_BRAND]->(b) where r.start > 0 return r.start as start, r.end as end;",
        "MATCH (i:Item {title: 'CREATE (n)'}) RETURN i // DELETE nothing",
        'MATCH (i) WHERE i.title = "it\'s /* not */ a comment" RETURN i',
        "MATCH (n) RETURN n.set, n.`delete`, {create: 1, merge: 2}, $load",
        "MATCH (n:Set) RETURN n",
        "WITH 1 AS `set` RETURN `set`",
        "UNWIND range(1, 3) AS x RETURN x /* ' */",
        "CALL db.labels() YIELD label RETURN label",
        "CALL { MATCH (n) RETURN n } RETURN count(n)",
        "MATCH (n) WHERE EXISTS { MATCH (n)-[]->() } RETURN COUNT { (n)--() }",
        "RETURN duration.between(date('2020-01-01'), date()), point.distance(point({x: 1, y: 1}), point({x: 2, y: 2}))",
        "MATCH (created) RETURN created.offset, created.merged",
        "OPTIONAL MATCH (n) WITH n.title + ' SET' AS t RETURN t UNION MATCH (m) RETURN m.title AS t",
    ],
)
def test_reading_passes(text: str) -> None:
    check_text(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "empty"),
        ("  // nothing", "empty"),
        ("CREATE (n)", "CREATE"),
        ("MATCH (n) /* ' */ SET n.x = 1 /* ' */", "SET"),
        ("MATCH (n) // '\r SET n.x = 1 // '", "SET"),
        ("MATCH (n) WHERE n.x = '\\' /*' SET n.x = 1 /*'*/", "SET"),
        ("RETURN 1. SET n.x = 1", "SET"),
        ("MATCH (n) \u017fet n.x = 1", "SET"),
        ("MATCH (n)\u00a0DETACH\u2003DELETE n", "DETACH"),
        ("MATCH (n) RETURN '\\u0027 CREATE (m)", "unicode escape"),
        ("MATCH (n) RETURN n; MATCH (m) RETURN m", "several statements"),
        ("MATCH (n) RETURN 'open", "does not end"),
        ("MATCH (n) RETURN n /* open", "does not end"),
        ("MATCH (n) RETURN `open", "does not end"),
        ("EXPLAIN CREATE (n)", "starts with 'EXPLAIN'"),
        ("PROFILE MATCH (n) RETURN n", "starts with 'PROFILE'"),
        ("CYPHER runtime=slotted MATCH (n) RETURN n", "starts with 'CYPHER'"),
        ("SHOW USERS", "starts with 'SHOW'"),
        ("SELECT FROM Item", "starts with 'SELECT'"),
        ("{sql} DELETE FROM Item", "starts with '{'"),
        ("CALL dbms.shutdown()", "dbms.shutdown"),
        ("CALL `db`.`labels`()", "`db`.`labels`"),
        ("MATCH (n) CALL apoc.create.node(['X'], {}) YIELD node RETURN node", "apoc.create.node"),
        ("RETURN apoc.cypher.runFirstColumnSingle('CREATE (n) RETURN n', {})", "apoc.cypher.runFirstColumnSingle"),
        ("RETURN `apoc`.`load`.json('http://127.0.0.1')", "the function"),
        ("LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row", "starts with 'LOAD'"),
        ("WITH 1 AS x LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row", "LOAD"),
        ("MATCH (n) CALL { WITH n SET n.x = 1 } RETURN n", "SET"),
        ("MATCH (n) CALL (n) { RETURN 1 AS x } IN TRANSACTIONS RETURN x", "TRANSACTIONS"),
        ("MATCH (n) FOREACH (x IN [1] | REMOVE n.title)", "FOREACH"),
        ("MATCH (n) RETURN n\x00", "null character"),
    ],
)
def test_writing_is_refused(text: str, found: str) -> None:
    with pytest.raises(QueryRefusedError) as raised:
        check_text(text)
    assert found in raised.value.message
    assert raised.value.hint


def test_length_is_bounded() -> None:
    with pytest.raises(QueryRefusedError, match="characters"):
        check_text("RETURN 1" + " " * MAX_TEXT)


@given(st.sampled_from(["SET", "create", "MeRgE", "Delete", "remove", "DROP"]), st.text(max_size=30))
def test_a_clause_is_found_whatever_stands_in_the_string_before_it(clause: str, text: str) -> None:
    quoted = text.replace("\\", "").replace("'", "")
    with pytest.raises(QueryRefusedError):
        check_text(f"MATCH (n) WHERE n.title = '{quoted}' {clause} n.x")
