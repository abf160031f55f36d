"""The hygiene report finds what was planted."""

from __future__ import annotations

import networkx as nx
import polars as pl

from kg.graph.hygiene import hygiene, markdown
from kg.tables import GraphTables
from tests.gnn.small import small_tables


def planted() -> GraphTables:
    items = [f"i{n:02}" for n in range(40)]
    edges = {
        ("item", "has_category", "category"): pl.DataFrame({"source": items[:30], "target": ["A"] * 20 + ["B"] * 10}),
        ("item", "has_color", "color"): pl.DataFrame({"source": items[:20], "target": ["red"] * 20}),
        ("item", "has_model", "model"): pl.DataFrame({"source": items[:10], "target": [f"m{n}" for n in range(10)]}),
        ("item", "has_size", "size"): pl.DataFrame({"source": items[:10], "target": ["S", "M"] * 5}),
        ("user", "purchased", "item"): pl.DataFrame({"source": ["u", "v"], "target": ["i00", "i38"]}),
    }
    nodes = {"item": pl.DataFrame({"key": items}), "user": pl.DataFrame({"key": ["u", "v"]})}
    nodes |= {e[2]: frame.select(key="target").unique() for e, frame in edges.items() if e[0] == "item"}
    return GraphTables(nodes, edges)


def test_what_was_planted_is_found() -> None:
    report = hygiene(planted(), max_degree=15)
    assert report["items"]["isolated"] == {"n": 9, "examples": [f"i{n}" for n in (30, 31, 32, 33, 34, 35, 36, 37, 39)]}
    assert report["items"]["without_attributes"]["n"] == 10
    assert report["items"]["without_interactions"]["n"] == 38
    above = [(hub["relation"], hub["value"], hub["degree"]) for hub in report["hubs"] if hub["above_max_degree"]]
    assert above == [("has_category", "A", 20), ("has_color", "red", 20)]
    assert {row["relation"] for row in report["uninformative"]} == {"has_color", "has_model"}
    assert report["coverage"][0] == {"category": "A", "items": 20, "relations": {"has_color": 1.0, "has_model": 0.5, "has_size": 0.5}}
    assert report["coverage"][1]["relations"] == {}


def test_components_are_those_of_networkx() -> None:
    for tables in (planted(), small_tables(0), small_tables(3, n_items=40, n_users=30)):
        graph = nx.Graph()
        graph.add_nodes_from((name, key) for name, frame in tables.nodes.items() for key in frame["key"])
        for (source, _, target), frame in tables.edges.items():
            graph.add_edges_from(((source, s), (target, t)) for s, t in frame.select("source", "target").iter_rows())
        sizes = sorted((len(part) for part in nx.connected_components(graph)), reverse=True)
        found = hygiene(tables, max_degree=15)["components"]
        assert found == {"n": len(sizes), "largest_share": round(sizes[0] / len(graph), 4), "next": sizes[1:6]}


def test_people_can_read_it() -> None:
    text = markdown(hygiene(planted(), max_degree=15), "20260101T000000-000001")
    assert "9 of 40 items have no edge at all, such as i30" in text
    assert "| has_color | red | 20 | 50.0% | 75.0% |" in text
    assert "no two items share a value" in text
    empty = hygiene(GraphTables({}, {}), max_degree=15)
    assert "None." in markdown(empty, "x")
