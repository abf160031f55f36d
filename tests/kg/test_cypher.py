"""Texts that reach the database: only names of the schema in them, values always as parameters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg import cypher, schema
from kg.errors import InputError

HAS_COLOR = ("item", "has_color", "color")
COLOR = schema.node_type("color")


def every_text(edge_type: schema.EdgeType, properties: list[str]) -> list[str]:
    node = schema.node_type(edge_type[2])
    texts = [
        cypher.key_constraint(node),
        cypher.node_keys(node),
        cypher.read_nodes(node, properties),
        cypher.create_nodes(node, properties),
        cypher.update_nodes(node, properties),
        cypher.delete_nodes(node),
        cypher.count_nodes(node),
        cypher.count_edges(edge_type),
        cypher.nodes_there(node),
        cypher.any_node(node),
        cypher.edges_there(edge_type),
        cypher.any_edge(edge_type),
    ]
    for by_source in (True, False):
        texts += [
            cypher.create_edges(edge_type, properties, by_source=by_source),
            cypher.update_edges(edge_type, properties, by_source=by_source),
            cypher.read_edges(edge_type, properties, by_source=by_source),
            cypher.read_few_edges(edge_type, properties, by_source=by_source),
            cypher.delete_edges(edge_type, by_source=by_source),
        ]
    return texts


def test_names_come_from_the_schema() -> None:
    assert cypher.key_constraint(COLOR) == "CREATE CONSTRAINT color_key IF NOT EXISTS FOR (n:Color) REQUIRE n.value IS UNIQUE"
    text = cypher.create_edges(HAS_COLOR, ["confidence"], by_source=False)
    assert "(a:Color) WHERE a.value = row[0]" in text
    assert "(b:Item) WHERE b.item_id = x[0]" in text
    assert text.endswith("CREATE (a)<-[r:HAS_COLOR {build_id: $build_id, `confidence`: x[1]}]-(b)")
    assert cypher.create_edges(HAS_COLOR, [], by_source=True).endswith("CREATE (a)-[r:HAS_COLOR {build_id: $build_id}]->(b)")


def test_texts_hold_no_literals() -> None:
    for text in every_text(HAS_COLOR, ["confidence", "start"]):
        assert not re.search(r"['\";]", text)
        # The only numbers are positions in a row, the length of a key's ending, and what a count adds up.
        assert set(re.findall(r"(?<![\w.\[])\d+(?!\])", text)) <= {"0", "1", "2"}


def test_nodes_are_never_matched_by_a_map() -> None:
    for text in every_text(HAS_COLOR, ["confidence"]):
        assert not re.search(r"MATCH \(\w*:\w+ \{", text)


@given(st.text().filter(lambda name: not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)))
def test_a_name_that_is_not_one_never_enters_a_text(name: str) -> None:
    with pytest.raises(InputError):
        cypher.create_nodes(COLOR, [name])
    with pytest.raises(InputError):
        cypher.create_edges(("item", "has_color", "color"), [name], by_source=True)
    with pytest.raises(InputError):
        cypher.count_edges(("item", name, "color"))
    with pytest.raises(InputError):
        cypher.count_edges((name, "has_color", "color"))


@given(st.from_regex(r"[a-z][a-z0-9_]{0,62}", fullmatch=True))
def test_no_type_of_a_shop_can_be_the_builds_own_label(name: str) -> None:
    assert schema.node_type(name).label != cypher.BUILD_LABEL
