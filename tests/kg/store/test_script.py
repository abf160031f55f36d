"""The exported Cypher script, run on every database: it gives the graph, and run again it changes nothing."""

from __future__ import annotations

from etl.export.formats.cypher_script import statements
from kg.store import GraphStore
from tests.kg.store.conftest import small_shop


def test_the_script_gives_the_graph(store: GraphStore) -> None:
    graph = small_shop()
    graph.nodes["item"][0, "title"] = "it's \\ \"50 %\"\n✓ 'x' $rows {a: 1} // no comment"
    for _ in range(2):
        for statement in statements(graph):
            (store._bolt.schema if statement.startswith("CREATE CONSTRAINT") else store._bolt.write)(statement)
    nodes = {row["k"]: row["n"] for row in store._bolt.stream("MATCH (n:Item) RETURN n.item_id AS k, properties(n) AS n")}
    for row in graph.nodes["item"].iter_rows(named=True):
        expected = {name: value for name, value in row.items() if value is not None and name != "key"}
        assert {name: nodes[row["key"]][name] for name in expected} == expected
    edges = list(store._bolt.stream("MATCH (a)-[r:HAS_BRAND]->(b) RETURN a.item_id AS a, b.value AS b, r.confidence AS c ORDER BY a"))
    assert [(edge["a"], edge["b"], edge["c"]) for edge in edges] == [("1", "Bø", 1.0), ("2", "Bø", 0.25), ("4", "Cé", None)]
    (count,) = store._bolt.stream("MATCH ()-[r]->() RETURN count(r) AS n")
    assert count["n"] == graph.n_edges
