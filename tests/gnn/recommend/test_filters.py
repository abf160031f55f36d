"""Filters: every tree gives what a naive reading of it gives, and what cannot be asked is refused with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.filters import ArtifactColumns, parse_filter
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from kg.errors import InputError
from kg.tables import GraphTables
from tests.gnn.small import small_model, small_tables

PRICES = [None if n % 5 == 0 else n * 100 for n in range(14)]


def tables() -> GraphTables:
    made = small_tables(2)
    items = made.nodes["item"].with_columns(
        price_cents=pl.Series(PRICES, dtype=pl.Int64), available=pl.Series([n != 3 for n in range(14)], dtype=pl.Boolean)
    )
    return GraphTables({**made.nodes, "item": items}, made.edges)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    graph = GraphArrays.from_tables(tables())
    folder: Path = tmp_path_factory.mktemp("filters") / "artifact"
    return load_artifact(save_artifact(folder, graph, small_model(graph, 2), build_id="20240101T000000-abcdef"))


ids = st.lists(st.sampled_from([f"i{n:02}" for n in range(14)]), min_size=1, max_size=4)
colors = st.lists(st.sampled_from([f"color{n}" for n in range(5)]), min_size=1, max_size=3)
prices = st.integers(-100, 1_500)
tests = st.one_of(
    st.builds(lambda op, x: {"field": "price_cents", op: x}, st.sampled_from(["lt", "lte", "gt", "gte", "eq"]), prices),
    st.builds(lambda low, high: {"field": "price_cents", "gte": low, "lt": high}, prices, prices),
    st.builds(lambda xs: {"field": "price_cents", "in": xs}, st.lists(prices, min_size=1, max_size=4)),
    st.builds(lambda field, x: {"field": field, "exists": x}, st.sampled_from(["price_cents", "title"]), st.booleans()),
    st.builds(lambda x: {"field": "available", "eq": x}, st.booleans()),
    st.builds(lambda xs: {"field": "item_id", "in": xs}, ids),
    st.builds(lambda name, xs: {name[0]: name[1], "in": xs}, st.sampled_from([("relation", "has_color"), ("attribute", "color")]), colors),
    st.builds(lambda x: {"relation": "has_brand", "exists": x}, st.booleans()),
    st.builds(lambda x: {"relation": "also_bought", "eq": x}, st.sampled_from(["i01", "i02", "nothing like it"])),
)
trees = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


def naive(raw: dict[str, Any], n: int, made: GraphTables) -> bool:
    """Read the tree word by word, from the tables."""
    if "all" in raw:
        return all(naive(part, n, made) for part in raw["all"])
    if "any" in raw:
        return any(naive(part, n, made) for part in raw["any"])
    if "not" in raw:
        return not naive(raw["not"], n, made)
    item_id = f"i{n:02}"
    if "field" in raw:
        value: Any = {"price_cents": PRICES[n], "available": n != 3, "item_id": item_id, "title": f"Item {n}"}[raw["field"]]
        asked = {op: x for op, x in raw.items() if op != "field"}
        compare: dict[str, Any] = {
            "lt": lambda a, b: a < b,
            "lte": lambda a, b: a <= b,
            "gt": lambda a, b: a > b,
            "gte": lambda a, b: a >= b,
            "eq": lambda a, b: a == b,
            "in": lambda a, b: a in b,
        }
        return all((value is not None) == x if op == "exists" else value is not None and compare[op](value, x) for op, x in asked.items())
    relation = raw.get("relation") or f"has_{raw['attribute']}"
    values = {
        target
        for (source, name, _), frame in made.edges.items()
        if source == "item" and name == relation
        for head, target in frame.select("source", "target").iter_rows()
        if head == item_id
    }
    if "exists" in raw:
        return bool(values) is bool(raw["exists"])
    return bool(values & set(raw["in"] if "in" in raw else [raw["eq"]]))


@given(tree=trees)
@settings(max_examples=150, deadline=None)
def test_every_tree_gives_what_reading_it_word_by_word_gives(artifact: Artifact, tree: dict[str, Any]) -> None:
    columns = ArtifactColumns(artifact)
    made = tables()
    assert parse_filter(tree, columns).mask(columns).tolist() == [naive(tree, n, made) for n in range(14)]


def test_a_list_holds_only_what_the_filter_lets_through(artifact: Artifact) -> None:
    recommender = Recommender(artifact)
    wanted = parse_filter({"field": "price_cents", "lte": 800}, recommender.columns)
    for user_id in artifact.user_ids:
        for strategy in ("personal", "popular"):
            answer = recommender.answer(recommender.users.user(user_id), RecQuery(k=14, strategy=strategy, filter=wanted))
            assert answer.items
            assert all((PRICES[int(item.item_id[1:])] or 9_999) <= 800 for item in answer.items)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ([], "filter is not an object"),
        ({}, "filter is not an object"),
        ({"all": {}}, "filter.all is not a list"),
        ({"all": [{"field": "price", "lt": 3}]}, r"filter.all\[0\]: there is no field 'price'"),
        ({"all": [], "any": []}, "more than 'all'"),
        ({"relation": "has_smell", "eq": "x"}, "no relation 'has_smell'"),
        ({"attribute": "Sm ell", "eq": "x"}, "no attribute 'Sm ell'"),
        ({"relation": "has_brand", "lt": 3}, "'lt' cannot be asked of has_brand"),
        ({"field": "price_cents"}, "asks nothing"),
        ({"field": "price_cents", "lt": "3"}, "filter.lt is not a number"),
        ({"field": "price_cents", "lt": True}, "filter.lt is not a number"),
        ({"field": "price_cents", "lt": float("nan")}, "filter.lt is not a number"),
        ({"field": "available", "eq": 1}, "filter.eq is not true or false"),
        ({"field": "item_id", "in": []}, "filter.in is not a list of 1 to 1,000"),
        ({"field": "item_id", "in": ["x" * 513]}, r"filter.in\[0\] is not a string of at most 512"),
        ({"field": "item_id", "exists": 1}, "filter.exists is not true or false"),
        ({"field": ["item_id"], "eq": "x"}, "filter.field is not a name"),
        ({"all": [{"field": "item_id", "eq": "x"}] * 101}, "more than 100 conditions"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"field": "item_id", "eq": "x"}}}}}}}}}, "nested more than 8 deep"),
    ],
)
def test_what_cannot_be_asked_is_refused(artifact: Artifact, raw: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_filter(raw, ArtifactColumns(artifact))
