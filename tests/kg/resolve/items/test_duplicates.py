import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.resolve.items import matcher as matcher_module
from kg.resolve.items.blocking import candidate_pairs, item_views, normal_gtin
from kg.resolve.items.duplicates import find_duplicates
from kg.resolve.items.matcher import ItemMatcher
from kg.resolve.items.records import write_record
from kg.resolve.merges import DUPLICATE_COLUMNS

_SCHEMA: dict[str, Any] = {
    "item_id": pl.String, "title": pl.String, "description": pl.String, "brand": pl.String, "categories": pl.List(pl.String),
    "price_cents": pl.Int64, "available": pl.Boolean, "gtin": pl.List(pl.String), "color": pl.List(pl.String),
}  # fmt: skip


def _items(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**dict.fromkeys(_SCHEMA), **row} for row in rows], schema=_SCHEMA)


_A = {"item_id": "a", "title": "Canon EOS-450D digital camera, black", "brand": "Canon", "price_cents": 50000}
_B = {"item_id": "b", "title": "canon eos-450d BLACK digital camera", "brand": "CANON Inc.", "price_cents": 47900}


def test_the_same_camera_of_two_feeds_is_found() -> None:
    found = find_duplicates(_items(_B, _A))
    assert found.select("item_id", "duplicate_of").rows() == [("b", "a")]
    assert found["score"][0] >= 0.9
    assert found["evidence"][0] == "same title with the part number eos450d, same brand canon"


@pytest.mark.parametrize(
    "change",
    [
        {"title": "canon eos-400d BLACK digital camera"},
        {"brand": "Nikon"},
        {"price_cents": 99900},
        {"color": ["white"]},
        {"gtin": ["4006381333924"]},
        {"title": "case for canon eos-450d digital camera black"},
    ],
)
def test_what_contradicts_is_not_a_duplicate(change: dict[str, Any]) -> None:
    a = {**_A, "color": ["black"], "gtin": ["4006381333931"]}
    assert find_duplicates(_items(a, {**_B, **change})).height == 0


def test_a_shared_trade_item_number_decides() -> None:
    a = {"item_id": "a", "title": "pen, stabilo", "gtin": ["4006381333931"]}
    b = {"item_id": "b", "title": "Stabilo point 88 fineliner", "gtin": ["04006381333931"]}
    assert find_duplicates(_items(a, b)).rows() == [("b", "a", 0.99, "same trade item number 04006381333931")]


def test_a_shared_number_of_the_maker_decides_with_the_brand() -> None:
    items = _items({"item_id": "a", "title": "cordless drill", "brand": "Bosch"}, {"item_id": "b", "title": "GSB drill set", "brand": "BOSCH GmbH"})
    stated = items.with_columns(mpn=pl.Series([["06019H1100"], ["06019-h1100"]]))
    assert find_duplicates(stated)["evidence"].to_list() == ["same maker's number 06019h1100 and brand bosch"]
    assert find_duplicates(stated.with_columns(brand=pl.Series(["Bosch", "Makita"]))).height == 0


def test_wrong_check_digits_and_placeholders_are_no_number() -> None:
    assert [normal_gtin(text) for text in ("4006381333932", "0000000000000", "123", "400638133393x", "")] == [None] * 5
    assert normal_gtin("036000291452") == "00036000291452"


def test_titles_alone_are_not_enough() -> None:
    rows = [
        {"item_id": str(number), "title": "Brother black toner cartridge original", "brand": "Brother", "price_cents": 900} for number in range(3)
    ]
    assert find_duplicates(_items(*rows)).height == 0


def test_groups_end_at_their_smallest_id_and_never_bridge_a_contradiction() -> None:
    rows = [{**_A, "item_id": name, "color": color} for name, color in (("d", None), ("c", ["black"]), ("e", ["white"]), ("f", None))]
    found = find_duplicates(_items(*rows))
    heads = set(found["duplicate_of"])
    assert not heads & set(found["item_id"])
    groups = {name: name for name in "cdef"} | dict(found.select("item_id", "duplicate_of").iter_rows())
    assert groups["c"] != groups["e"]
    assert groups["d"] == groups["f"] == "c"


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_thresholds_out_of_range_are_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="threshold"):
        find_duplicates(_items(_A), None, threshold)


def test_malformed_tables_are_refused() -> None:
    with pytest.raises(InputError, match="title"):
        find_duplicates(pl.DataFrame({"item_id": ["a"]}))
    with pytest.raises(InputError, match="repeated"):
        find_duplicates(_items(_A, _A))


def test_no_items_give_no_duplicates() -> None:
    found = find_duplicates(_items())
    assert found.height == 0
    assert found.schema == pl.Schema(DUPLICATE_COLUMNS)


def test_a_word_of_every_title_proposes_nothing() -> None:
    rows = [{"item_id": f"{number:03}", "title": f"red shoe {'abcdefghij'[number % 10]}{number // 10}x"} for number in range(100)]
    assert len(candidate_pairs(item_views(_items(*rows)), by_title=True)) < 1000


_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["canon eos450d camera", "camera canon eos450d", "canon eos400d camera", "led desk lamp x", "x led lamp desk"]),
            "brand": st.sampled_from([None, "Canon", "canon inc", "Lux"]),
            "price_cents": st.sampled_from([None, 1000, 1100, 9000]),
            "gtin": st.sampled_from([None, ["4006381333931"], ["036000291452"]]),
        }
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(_ROWS, st.randoms(use_true_random=False))
def test_laws_of_duplicates(rows: list[dict[str, Any]], rng: random.Random) -> None:
    rows = [{**row, "item_id": f"i{number}"} for number, row in enumerate(rows)]
    found = find_duplicates(_items(*rows))
    rng.shuffle(rows)
    assert find_duplicates(_items(*rows)).equals(found)
    assert not set(found["item_id"]) & set(found["duplicate_of"])
    assert all(item > head for item, head in found.select("item_id", "duplicate_of").iter_rows())
    gtin = {row["item_id"]: row["gtin"] for row in rows}
    groups: dict[str, set[str]] = {}
    for item, head in found.select("item_id", "duplicate_of").iter_rows():
        for name in (item, head):
            groups.setdefault(head, set()).update(gtin[name] or [])
    assert all(len(numbers) <= 1 for numbers in groups.values())


def test_a_trained_matcher_judges_where_the_rules_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher_module, "_N_EXTRA_TREES", 15)
    monkeypatch.setattr(matcher_module, "_N_BOOSTED_TREES", 15)
    rng = random.Random(1)
    names = [f"{rng.choice(['lamp', 'mouse', 'toner', 'cable'])} {rng.choice('abcd')}{rng.randint(100, 999)}x" for _ in range(60)]
    pairs = [
        (write_record({"title": f"acme {names[a]} office black"}), write_record({"title": f"{names[b]} by acme"}), int(names[a] == names[b]))
        for a in range(60)
        for b in (a, (a + 1) % 60, (a + 7) % 60)
    ]
    frame = pl.DataFrame(pairs, schema=["left", "right", "match"], orient="row")
    matcher = ItemMatcher.fit(frame[:120], frame[120:])
    items = _items(
        {"item_id": "1", "title": "acme lamp q555x office black"},
        {"item_id": "2", "title": "lamp q555x by acme"},
        {"item_id": "3", "title": "lamp q777x by acme"},
        {"item_id": "4", "title": "acme lamp q777x office black"},
        {"item_id": "5", "title": "acme toner q888x office black"},
    )
    assert find_duplicates(items).height == 0
    found = find_duplicates(items, matcher, threshold=matcher.alone_threshold)
    assert found.select("item_id", "duplicate_of").rows() == [("2", "1"), ("4", "3")]
    assert set(found["evidence"]) == {"trained matcher"}
