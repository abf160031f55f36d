from __future__ import annotations

import pytest

from kg import schema
from kg.errors import InputError


def test_names_become_labels_and_types_in_one_place() -> None:
    assert schema.node_type("pack_size").label == "PackSize"
    assert schema.relation("has_pack_size").type == "HAS_PACK_SIZE"
    assert schema.node_type("item").key == "item_id"


@pytest.mark.parametrize("name", ["", "Brand", "has brand", "a-b", "x` DETACH DELETE n //", "ü", "1st", "a" * 64])
def test_nothing_else_gets_into_cypher(name: str) -> None:
    with pytest.raises(InputError):
        schema.node_type(name)
    with pytest.raises(InputError):
        schema.relation(name)


def test_relations_of_ready_made_graphs_merge_with_ours() -> None:
    assert schema.relation("produced_by").name == "has_brand"
    assert schema.attribute_relation("categories") == "has_category"
    assert schema.attribute_relation("brand") == "has_brand"


@pytest.mark.parametrize("kind", ["view", "purchase", "dislike", "wishlist"])
def test_kinds_and_relations_are_inverse(kind: str) -> None:
    assert schema.kind_of(schema.kind_relation(kind)) == kind


def test_meta_paths_do_not_depend_on_order_and_join_items_to_items() -> None:
    edge_types = [("user", "purchased", "item"), ("item", "has_brand", "brand"), ("item", "also_bought", "item"), ("user", "has_age", "age")]
    paths = schema.meta_paths(edge_types)
    assert paths == schema.meta_paths(reversed(edge_types))
    assert len({path.name for path in paths}) == len(paths)
    for path in paths:
        assert path.steps[0].start == path.steps[-1].end == "item"
        assert all(left.end == right.start for left, right in zip(path.steps, path.steps[1:], strict=False))
    assert {path.relation for path in paths} == {"purchased", "has_brand", "also_bought"}
