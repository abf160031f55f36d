"""Who may not see shoppers: what is refused, what may be asked all the same, and that no name comes out of a database."""

from __future__ import annotations

import json

import pytest

from kg.errors import QueryError, QueryRefusedError
from kg.store import Bounds, GraphStore
from kg.store.checks.personal import check_impersonal
from kg.store.read_only import check_text
from tests.kg.store.analyst_shop import BUILD, analyst_shop

LEAKS = [
    "MATCH (u:User) RETURN u.user_id",
    "MATCH (u:User) RETURN u.`user_id`",
    "MATCH (u:User) RETURN u {.user_id}",
    "MATCH (u:User) RETURN u {.*}",
    "MATCH (u:User) RETURN (u {.*})",
    "MATCH (u:User) RETURN properties(u)",
    "MATCH (u:User) RETURN u['user_' + 'id']",
    "MATCH (u:User) RETURN [k IN keys(u) | u[k]]",
    "MATCH (u:User) WITH u AS x RETURN x + ''",
    "MATCH (u:User) RETURN u + ''",
    "MATCH (u:User) RETURN '' + u",
    "MATCH (u:User) RETURN '' + (u)",
    "MATCH (u:User) RETURN (u) + ''",
    "MATCH (u:User) RETURN [u] + ''",
    "MATCH (u:User) RETURN [(u)] + ''",
    "MATCH (u:User) RETURN [0, (u)] + ''",
    "MATCH (u:User) RETURN {a: u} + ''",
    "MATCH (u:User) RETURN {a: 0, b: (u)} + ''",
    "MATCH (u:User) RETURN toString(u)",
    "MATCH (u:User) RETURN coalesce(null, u) + ''",
    "MATCH (u:User) RETURN coalesce(u, null) + ''",
    "MATCH (u:User) RETURN collect(u) + ''",
    "MATCH (u:User) WITH collect(u) AS xs UNWIND xs AS x RETURN x + ''",
    "MATCH (u:User) RETURN reduce(s = '', x IN [u] | s + x)",
    "MATCH (u:User) RETURN CASE WHEN true THEN u END + ''",
    "MATCH (u:User) WHERE u + '' CONTAINS 'a' RETURN count(u)",
    "MATCH (u:User) WHERE u.user_id STARTS WITH 'a' RETURN count(u)",
    "MATCH (u:User {user_id: 'a'}) RETURN count(u)",
    "MATCH (u:User $x) RETURN count(u)",
    "MATCH (u) WHERE u:User RETURN u + ''",
    "MATCH (u:Item|User) RETURN u + ''",
    "MATCH (u:!Item) RETURN u + ''",
    "MATCH (u:user) RETURN u + ''",
    "MATCH (u:Item) RETURN 1 AS x UNION MATCH (u) RETURN u + '' AS x",
    "MATCH (u:Item) WITH 1 AS one MATCH (u) RETURN u + ''",
    "MATCH (i:Item)<-[r:PURCHASED]-() RETURN startNode(r) + ''",
    "MATCH p = (i:Item)<-[:PURCHASED]-() RETURN nodes(p)[1] + ''",
    "MATCH p = (i:Item)<-[:PURCHASED]-() RETURN p + ''",
    "MATCH (i:Item) RETURN [(i)<-[:PURCHASED]-(u) | u] + ''",
    "MATCH (i:Item) RETURN [(i)<-[:PURCHASED]-(u) | u + '']",
    "MATCH (i:Item) RETURN [p = (i)<-[:PURCHASED]-() | p] + ''",
    "MATCH (i:Item) RETURN COLLECT { MATCH (u:User) RETURN u } + ''",
    "MATCH (u:User) RETURN u ORDER BY u + ''",
    "MATCH (u:User), (v:User) WHERE u = v + '' RETURN 1",
    "MATCH (u:User) RETURN size(split(u + '', 'a'))",
]
ALLOWED = [
    "MATCH (u:User) RETURN count(u)",
    "MATCH (u:User)-[:PURCHASED]->(i:Item) RETURN i.title, count(DISTINCT u) AS shoppers ORDER BY shoppers DESC",
    "MATCH (u:User)-[r:PURCHASED]->(i:Item) WITH u, sum(r.count) AS n WHERE n > 2 RETURN count(u)",
    "MATCH (a:User)-[:PURCHASED]->(i:Item)<-[:PURCHASED]-(b:User) WHERE a <> b RETURN count(i)",
    "MATCH (u:User) RETURN u",
    "MATCH p = (:User)-[:PURCHASED]->(:Item) RETURN p",
    "MATCH p = (:User)-[:PURCHASED]->(:Item) RETURN length(p)",
    "MATCH (i:Item)-[r]->(v) WHERE i.item_id = '1' RETURN type(r), v.value",
    "MATCH (u:User)-[:HAS_AGE]->(a:Age) RETURN a.value, count(u)",
    "MATCH (u:User) CALL (u) { MATCH (u)-[:PURCHASED]->(i:Item) RETURN count(i) AS n } RETURN n",
    "MATCH (u:User) WHERE NOT (u)-[:PURCHASED]->() RETURN count(u)",
    "MATCH (u:User) WHERE EXISTS { MATCH (u)-[:VIEWED]->() } RETURN count(*)",
]
ONLY_NAMED = Bounds(timeout_s=30, personal=False)


@pytest.mark.parametrize("text", LEAKS)
def test_what_could_name_a_shopper_is_refused(text: str) -> None:
    with pytest.raises(QueryRefusedError, match="line 1, column"):
        check_impersonal(text, check_text(text))


def test_counting_and_comparing_shoppers_is_allowed_and_names_nobody(store: GraphStore) -> None:
    store.load(analyst_shop(), BUILD)
    for text in ALLOWED:
        shown = json.dumps(store.query(text, bounds=ONLY_NAMED).rows)
        assert "user_id" not in shown, text
    assert "user_id" in json.dumps(store.query("MATCH (u:User) RETURN u").rows)


def test_a_failure_while_it_runs_names_no_value(store: GraphStore) -> None:
    store.load(analyst_shop(), BUILD)
    with pytest.raises(QueryError) as raised:
        store.query("MATCH (i:Item) RETURN date(i.title)", bounds=ONLY_NAMED)
    assert "Green" not in str(raised.value)
