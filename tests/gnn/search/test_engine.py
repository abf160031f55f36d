"""What search finds, in which order, and what it says of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gnn.recommend.filters import parse_filter
from gnn.search.engine import SearchEngine
from gnn.search.request import MAX_FACETS, SearchQuery
from kg.errors import InputError
from tests.gnn.search.shop import ROWS, catalog, engine_of

TITLES = {row[0]: row[1] for row in ROWS}


def ids(engine: SearchEngine, text: str, k: int = 10) -> list[str]:
    return [hit.item_id for hit in engine.search(SearchQuery(text, k=k)).hits]


def test_a_thing_is_above_what_is_for_it(engine: SearchEngine) -> None:
    assert set(ids(engine, "notebook", 3)) == {"n1", "n2", "n3"}
    assert set(ids(engine, "laptop", 3)) == {"n1", "n2", "n3"}
    assert set(ids(engine, "laptops", 3)) == {"n1", "n2", "n3"}


def test_who_asks_for_the_accessory_gets_it(engine: SearchEngine) -> None:
    assert set(ids(engine, "laptop case", 3)) == {"s1", "s3", "s4"}
    assert ids(engine, "notebook lock", 1) == ["s2"]
    assert set(ids(engine, "memory card", 2)) == {"m1", "m2"}
    assert ids(engine, "memory card reader", 1) == ["m3"]


@pytest.mark.parametrize("text", ["dv7-1211ea", "dv71211ea", "DV7 1211EA", "dv7-1211", "0884420588030", "n1"])
def test_numbers_of_models_ids_and_ean_find_the_item(engine: SearchEngine, text: str) -> None:
    assert ids(engine, text, 1) == ["n1"]


@pytest.mark.parametrize(
    ("text", "matches", "corrected"),
    [("keybaord", {"k1", "k2", "k3"}, {"keybaord": "keyboard"}), ("smartwach", {"w1", "w2"}, {"smartwach": "smartwatch"})],
)
def test_misspelt_words_are_corrected_and_said(engine: SearchEngine, text: str, matches: set[str], corrected: dict[str, str]) -> None:
    result = engine.search(SearchQuery(text, k=len(matches)))
    assert {hit.item_id for hit in result.hits} == matches
    assert result.query.corrections == corrected


def test_split_and_compound_words_find_each_other(engine: SearchEngine) -> None:
    assert set(ids(engine, "smart watch", 2)) == {"w1", "w2"}
    assert set(ids(engine, "memorycard", 2)) == {"m1", "m2"}


def test_units_are_converted(engine: SearchEngine) -> None:
    assert ids(engine, "bottle 0.5 l", 1) == ["b1"]
    assert ids(engine, "half litre bottle", 1) == ["b1"]
    assert ids(engine, "1000 ml bottle", 1) == ["b2"]


def test_a_limit_of_the_price_and_what_must_not_be_there_hold(engine: SearchEngine) -> None:
    assert set(ids(engine, "keyboard under 30")) == {"k1", "k2"}
    assert set(ids(engine, "keyboard between 20 and 30")) == {"k1"}
    assert set(ids(engine, "keyboard -bluetooth")) == {"k1", "k2"}
    assert set(ids(engine, "keyboard without numpad")) == {"k2", "k3"}


def test_what_cannot_be_had_is_given_up_and_said(engine: SearchEngine) -> None:
    result = engine.search(SearchQuery("keyboard under 5"))
    assert result.dropped == ("the price up to 5",)
    assert {hit.item_id for hit in result.hits} == {"k1", "k2", "k3"}
    result = engine.search(SearchQuery("purple keyboard"))
    assert result.dropped == ("purple",)
    assert not result.complete
    assert result.hits[0].item_id in {"k1", "k2", "k3"}
    nothing = engine.search(SearchQuery("zzzzqqqq"))
    assert nothing.dropped == ("zzzzqqqq",)
    assert nothing.hits


@pytest.mark.parametrize("text", ["工具", "测试", "工具箱", "测试工具箱", "农业", "箱 测试"])
def test_chinese_is_found_by_words_and_by_characters(engine: SearchEngine, text: str) -> None:
    assert ids(engine, text, 1) == ["c1"]


def test_part_of_a_chinese_word_finds_the_longer_one(engine: SearchEngine) -> None:
    assert ids(engine, "小化妆", 1) == ["c2"]
    assert ids(engine, "化妆包", 1) == ["c2"]
    assert ids(engine, "ｋｅｙｂｏａｒｄ Ｋ１２０", 1) == ["k2"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "laptop",
                "notebook",
                "case",
                "red",
                "keyboard",
                "17",
                "inch",
                "memory",
                "card",
                "hp",
                "0.5",
                "l",
                "bottle",
                "without",
                "black",
                "smart",
                "watch",
            ]
        ),
        min_size=1,
        max_size=6,
    )
)
def test_shares_add_up_to_one_and_spans_hold_what_they_say(engine: SearchEngine, words: list[str]) -> None:
    result = engine.search(SearchQuery(" ".join(words), k=50, explain=True))
    for hit in result.hits:
        if hit.score > 0:
            assert sum(reason.share for reason in hit.reasons) == pytest.approx(1, abs=1e-6)
            assert sum(reason.addend for reason in hit.reasons) == pytest.approx(hit.score, abs=1e-6)
        for reason in hit.reasons:
            for place in reason.evidence:
                if place.field == "title" and place.start is not None:
                    assert TITLES[hit.item_id][place.start : place.end] == place.surface
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_explaining_changes_no_order(engine: SearchEngine) -> None:
    for text in ("laptop", "red case", "keyboard black"):
        plain, told = (engine.search(SearchQuery(text, explain=explain)) for explain in (False, True))
        assert [hit.item_id for hit in plain.hits] == [hit.item_id for hit in told.hits]


def test_facets_count_what_was_found_and_do_not_collapse(engine: SearchEngine) -> None:
    whole = engine.search(SearchQuery("keyboard", facets=("has_brand", "price_cents")))
    brands, price = whole.facets
    assert dict(brands.values) == {"Logitech": 2, "CHERRY": 1}
    assert (price.lowest, price.highest) == (1499, 3999)
    chosen = engine.search(SearchQuery("keyboard", facets=("has_brand",), chosen={"has_brand": ("CHERRY",)}))
    assert dict(chosen.facets[0].values) == {"Logitech": 2, "CHERRY": 1}
    assert [hit.item_id for hit in chosen.hits] == ["k1"]
    both = engine.search(SearchQuery("keyboard", chosen={"has_brand": ("CHERRY", "Logitech"), "has_color": ("blue",)}))
    assert [hit.item_id for hit in both.hits] == ["k3"]


@pytest.mark.parametrize(
    "chosen", [{}, {"has_brand": ("Targus",)}, {"has_color": ("black", "red")}, {"has_brand": ("Targus",), "has_color": ("red",)}]
)
def test_facets_are_those_of_counting_by_hand(engine: SearchEngine, chosen: dict[str, tuple[str, ...]]) -> None:
    artifact = engine.recommender.artifact
    columns = engine.recommender.columns
    matches = engine.search(SearchQuery("laptop case", k=100, facets=("has_brand", "has_color"), chosen=chosen))
    everything = [hit.item_id for hit in engine.search(SearchQuery("laptop case", k=100)).hits]
    complete = [item_id for item_id in everything if {"notebook", "case"} <= set(TITLES[item_id].lower().split())]
    for facet in matches.facets:
        counted: Counter[str] = Counter()
        for item_id in complete:
            num = artifact.item_nums[item_id]
            if all(columns.related(name, list(values))[num] for name, values in chosen.items() if name != facet.name):
                for (source, relation, target), edges in artifact.edges.items():
                    if source == "item" and relation == facet.name:
                        values = edges.forward.indices[edges.forward.indptr[num] : edges.forward.indptr[num + 1]]
                        counted.update(artifact.node_key(target, int(value)) for value in values)
        assert dict(facet.values) == dict(counted)


def test_sorts(engine: SearchEngine) -> None:
    assert [hit.item_id for hit in engine.search(SearchQuery("keyboard", sort="price")).hits] == ["k2", "k1", "k3"]
    assert [hit.item_id for hit in engine.search(SearchQuery("keyboard", sort="-price")).hits] == ["k3", "k1", "k2"]
    with pytest.raises(InputError, match="newness"):
        engine.search(SearchQuery("keyboard", sort="newness"))


def test_pages_are_parts_of_one_list(engine: SearchEngine) -> None:
    whole = ids(engine, "notebook black", 8)
    parts = [hit.item_id for start in (0, 3, 6) for hit in engine.search(SearchQuery("notebook black", k=3, offset=start)).hits]
    assert parts[:8] == whole


def test_a_filter_holds(engine: SearchEngine) -> None:
    wanted = parse_filter({"field": "price_cents", "lte": 2000}, engine.recommender.columns)
    assert [hit.item_id for hit in engine.search(SearchQuery("keyboard", filter=wanted)).hits] == ["k2"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (SearchQuery("x" * 501), "501 characters"),
        (SearchQuery("a\x00b"), "control characters"),
        (SearchQuery("   "), "is empty"),
        (SearchQuery("a", facets=tuple(f"has_{n}" for n in range(1000))), "1,000 facets"),
        (SearchQuery("a", facets=("has_nothing_like_it",)), "no facet"),
        (SearchQuery("a", chosen={"has_brand": tuple(str(n) for n in range(99))}), "99 values"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_place(engine: SearchEngine, query: SearchQuery, told: str) -> None:
    with pytest.raises(InputError, match=told):
        engine.search(query)
    assert MAX_FACETS < 1000


@pytest.mark.parametrize(
    "text", ["*" * 500, "a* b* c* ?" * 40, "((((((", "(a|a)*" * 60, "--" * 200, '"' * 300, "%00", "' OR 1=1 --", "<" * 400, "9" * 500, "under " * 80]
)
def test_wildcards_brackets_and_injection_are_only_text(engine: SearchEngine, text: str) -> None:
    engine.search(SearchQuery(text[:500], explain=True))


def test_the_same_catalogue_in_another_order_gives_the_same_lists(tmp_path: Path, engine: SearchEngine) -> None:
    other = engine_of(tmp_path, catalog(tuple(reversed(ROWS))))
    for text in ("laptop", "black case", "keyboard"):
        assert ids(other, text) == ids(engine, text)
