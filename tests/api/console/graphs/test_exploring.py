"""The graph and Cypher pages on a database: what they draw is there, what a key may not see is not drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from kg.embedded import EmbeddedGraph
from kg.store import GraphStore
from kg.store.library import library
from tests.api.console.conftest import Served
from tests.console_visits import send, words
from tests.small_shop import BUILD_ID, small_catalog, small_tables

ANALYST = ("graph:read", "recommend:read")


@pytest.fixture(scope="module", autouse=True)
def graph(served: Served) -> Iterator[None]:
    """The graph of the served shop, in a database that runs."""
    with EmbeddedGraph(served.workspace.graph, heap_mb=256) as connection, GraphStore(connection) as store:
        store.wait(60)
        store.load(small_tables(small_catalog()), BUILD_ID)
        yield


def drawn(client: TestClient, address: str, **parameters: Any) -> tuple[set[str], set[tuple[str, str, str]], str]:
    answer = client.get(address, params=parameters, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return {node["id"] for node in body["nodes"]}, {(edge["source"], edge["type"], edge["target"]) for edge in body["edges"]}, body["note"]


def test_a_node_leads_to_its_values_and_to_shoppers_as_a_count(admin: TestClient) -> None:
    nodes, edges, _ = drawn(admin, "/console/graph/neighbours", node="Item:1")
    assert {("Item:1", "HAS_BRAND", "Brand:Leafy"), ("Item:1", "HAS_CATEGORY", "Category:Tea")} <= edges
    assert {node for node in nodes if node.startswith("User:")} == {"User:~PURCHASED~1", "User:~VIEWED~1"}
    nodes, _, _ = drawn(admin, "/console/graph/neighbours", node="Item:1", relation="PURCHASED")
    assert nodes == {"Item:1", "User:a"}
    _, edges, note = drawn(admin, "/console/graph/neighbours", node="Category:Tea", limit=2)
    assert len([edge for edge in edges if edge[1] == "HAS_CATEGORY"]) == 2
    assert note.startswith("Some relations lead further")


def test_who_may_not_know_shoppers_is_shown_none(served: Served) -> None:
    analyst = served.browser(*ANALYST)
    nodes, _, _ = drawn(analyst, "/console/graph/neighbours", node="Item:1")
    assert not [node for node in nodes if node.startswith("User:")]
    assert "PURCHASED" not in analyst.get("/console/graph").text
    for address in ("neighbours?node=User:a", "between?node=User:a", "node?node=User:a", "evidence?source=User:a&type=PURCHASED&target=Item:1"):
        assert analyst.get(f"/console/graph/{address}").status_code == 404, address
    # Two items that shoppers bought both are still said to be: how many, not who.
    nodes, _, _ = drawn(analyst, "/console/graph/paths", first="Item:1", last="Item:4")
    assert "User:~PURCHASED~1~4" in nodes


def test_paths_and_shared_views_hold_what_is_between(admin: TestClient) -> None:
    _, edges, _ = drawn(admin, "/console/graph/paths", first="1", last="Item:4")
    assert {("Item:1", "HAS_BRAND", "Brand:Leafy"), ("Item:4", "HAS_BRAND", "Brand:Leafy")} <= edges
    _, edges, note = drawn(admin, "/console/graph/paths", first="Item:1", last="Brand:Hosely")
    assert (edges, note) == (set(), "No path of one or two steps connects the two.")
    nodes, edges, _ = drawn(admin, "/console/graph/between", node=["Item:1", "Brand:Leafy", "Item:none"])
    assert (nodes, edges) == ({"Item:1", "Brand:Leafy"}, {("Item:1", "HAS_BRAND", "Brand:Leafy")})
    assert admin.get("/console/graph/paths?first=1&last=1").status_code == 422
    for wrong in ("Item", "Nothing:1", "Item:", ":x", "Item`:1"):
        assert admin.get("/console/graph/neighbours", params={"node": wrong}).status_code in (404, 422), wrong


def test_search_finds_items_values_and_ids(admin: TestClient, served: Served) -> None:
    found = admin.get("/console/graph/search?q=leaf").text
    assert 'data-node="Brand:Leafy"' in found
    assert 'data-node="Item:1"' in admin.get("/console/graph/search?q=1").text
    assert 'data-node="User:u"' in admin.get("/console/graph/search?q=u").text
    assert 'data-node="User:u"' not in served.browser(*ANALYST).get("/console/graph/search?q=u").text
    assert "data-node" in served.browser("graph:read").get("/console/graph/search?q=leaf").text
    assert "Nothing is called" in words(admin.get("/console/graph/search?q=zzzzz"))


def test_a_node_and_an_edge_say_what_they_are(admin: TestClient) -> None:
    node = words(admin.get("/console/graph/node?node=Item:1"))
    assert "Green tea 250 g" in node
    assert "→ HAS_BRAND 1" in node
    edge = words(admin.get("/console/graph/evidence?source=Item:1&type=HAS_WEIGHT&target=Weight:250 g"))
    for said in ("What this edge rests on", "250 g", "rules", "confidence"):
        assert said in edge
    assert admin.get("/console/graph/evidence?source=Item:1&type=HAS_BRAND&target=Brand:Meadow").status_code == 404
    assert admin.get("/console/graph/evidence?source=Item:1&type=X]->() DETACH DELETE n //&target=Brand:Leafy").status_code == 404


def test_cypher_gives_rows_refusals_and_files(admin: TestClient) -> None:
    text = "MATCH (i:Item)-[:HAS_BRAND]->(b:Brand) RETURN b.value AS brand, count(i) AS items ORDER BY items DESC, brand"
    page = send(admin, "/console/cypher/run", "/console/cypher", query=text)
    assert "5 rows" in words(page)
    assert "Leafy 3 Roast & Co 2" in words(page)
    assert 'data-chart="bars"' in page.text
    path = send(admin, "/console/cypher/run", "/console/cypher", query="MATCH p = (:Item)-[:HAS_BRAND]->(:Brand) RETURN p LIMIT 2")
    assert path.text.count("<code>HAS_BRAND</code>") == 2
    given = send(
        admin, "/console/cypher/run", "/console/cypher", query="MATCH (i:Item) WHERE i.item_id = $x RETURN i.title AS t", parameters='{"x": "3"}'
    )
    assert "Herbal tea 100 g" in words(given)
    for wrong, status in ((("MATCH (n) DELETE n", ""), 403), (("RETURN", ""), 400), ((text, "{"), 422), ((text, "[1]"), 422), (("", ""), 422)):
        assert send(admin, "/console/cypher/run", "/console/cypher", query=wrong[0], parameters=wrong[1]).status_code == status, wrong
    file = send(admin, "/console/cypher/csv", "/console/cypher", query=text)
    assert (file.headers["content-disposition"], file.text.splitlines()[0]) == ('attachment; filename="query.csv"', "brand,items")


def test_the_library_has_a_form_for_every_question(admin: TestClient, served: Served) -> None:
    assert f"{len(library())} questions" in words(admin.get("/console/cypher/library"))
    assert "best-sellers" in admin.get("/console/cypher/library?q=BEST sellers", headers={"HX-Request": "true"}).text
    page = "/console/cypher/library/best-sellers"
    answer = words(send(admin, f"{page}/run", page, p_category="Tea", p_limit="2"))
    assert "2 rows" in answer
    assert send(admin, f"{page}/run", page, p_category="Tea", p_limit="two").status_code == 422
    assert send(admin, f"{page}/run", page).status_code == 422
    assert admin.get("/console/cypher/library/none").status_code == 404
    # Questions that name shoppers are for those who may know them.
    assert "shoppers-alike" not in served.browser(*ANALYST).get("/console/cypher/library").text


def test_queries_are_saved_for_everybody(admin: TestClient, served: Served) -> None:
    assert send(admin, "/console/cypher/save", "/console/cypher", name="Brands", query="RETURN 1").status_code == 200
    assert send(admin, "/console/cypher/save", "/console/cypher", name="Brands", query="RETURN 2").status_code == 200
    other = served.browser(*ANALYST).get("/console/cypher")
    assert 'data-query="RETURN 2"' in other.text
    assert 'data-query="RETURN 1"' not in other.text
    assert send(admin, "/console/cypher/save", "/console/cypher", name="", query="RETURN 1").status_code == 422
    assert send(admin, "/console/cypher/delete", "/console/cypher", name="Brands").status_code == 200
    assert send(admin, "/console/cypher/delete", "/console/cypher", name="Brands").status_code == 404


def test_queues_show_facts_with_their_text(admin: TestClient) -> None:
    page = admin.get("/console/facts?queue=uncertain&category=Tea")
    assert page.status_code == 200
    for queue in ("conflicts", "duplicates", "inferred", "nonsense"):
        assert admin.get(f"/console/facts?queue={queue}&category=Tea").status_code == 200
