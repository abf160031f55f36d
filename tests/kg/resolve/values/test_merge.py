import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.errors import InputError
from kg.resolve.values.merge import LOG_COLUMNS, apply_merges, merge_values, undo_merges

Fact = tuple[str, str, str, str]


def _attributes(facts: list[Fact]) -> pl.DataFrame:
    return pl.DataFrame(facts, schema=["item_id", "relation", "value", "extractor"], orient="row").with_columns(
        confidence=pl.lit(1.0), surface="value"
    )


def _spread(relation: str, counts: dict[str, int], *, extractor: str = "catalog", context: str = "printers") -> list[Fact]:
    facts = []
    for value, count in counts.items():
        for number in range(count):
            item = f"{context}-{value}-{number}"
            facts += [
                (item, relation, value, extractor),
                (item, "has_category", context, "catalog"),
                (item, "has_series", f"s{number % 3}", "catalog"),
            ]
    # Another corner of the shop, so that the context is worth something.
    return [
        *facts,
        *((f"other-{n}", "has_category", "garden", "catalog") for n in range(5)),
        *((f"other-{n}", relation, "Zzyzx", extractor) for n in range(5)),
    ]


def _merged(facts: list[Fact], relation: str) -> dict[str, str]:
    log = merge_values(_attributes(facts), build_id="b").filter(pl.col("relation") == relation)
    return dict(log.select("surface", "canonical").iter_rows())


def test_spellings_aliases_and_legal_forms_of_a_brand_are_one() -> None:
    facts = _spread("has_brand", {"HP": 4, "Hewlett-Packard": 3, "hp inc": 2, "hp": 1, "Canon": 4, "CANON Inc.": 1})
    assert _merged(facts, "has_brand") == {"Hewlett-Packard": "HP", "hp inc": "HP", "hp": "HP", "CANON Inc.": "Canon"}


def test_the_canonical_value_is_one_of_the_shop() -> None:
    assert _merged(_spread("has_brand", {"hewlett packard": 3, "Hewlett-Packard": 1}), "has_brand") == {"Hewlett-Packard": "hewlett packard"}


def test_colour_words_and_units() -> None:
    assert _merged(_spread("has_color", {"Navy": 3, "navy blue": 1, "blue": 4, "Grey": 2, "gray": 1}), "has_color") == {
        "navy blue": "Navy",
        "Grey": "gray",
    }
    assert _merged(_spread("has_weight", {"1 kg": 3, "1000 g": 2, "1 lb": 2}), "has_weight") == {"1000 g": "1 kg"}


def test_a_rare_misspelling_joins_the_frequent_value_it_occurs_beside() -> None:
    log = merge_values(_attributes(_spread("has_brand", {"Logitech": 12, "Logtech": 1})), build_id="b7")
    assert log.select("relation", "surface", "canonical", "merged_at_build").rows() == [("has_brand", "Logtech", "Logitech", "b7")]
    assert "spelling 0.93" in log["evidence"][0]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (_spread("has_brand", {"Logitech": 6, "Logtech": 5}), "both frequent"),
        (_spread("has_brand", {"Logitech": 12}) + _spread("has_brand", {"Logtech": 1}, context="garden gnomes"), "other surroundings"),
        (_spread("has_model", {"Mini-USB A": 12, "Mini-USB B": 1}), "another letter"),
        (_spread("has_model", {"DVD+R": 12, "DVD-R": 1, "A+": 3, "A": 3}), "another sign"),
        (_spread("has_model", {"series 100 x": 12, "series 200 x": 1}), "other digits"),
        ([(f"i{n}", "has_brand", "Logitech", "catalog") for n in range(12)] + [("j", "has_brand", "Logtech", "catalog")], "no surroundings"),
    ],
)
def test_like_spelling_alone_is_not_enough(facts: list[Fact], why: str) -> None:
    merged = _merged(facts, "has_brand") | _merged(facts, "has_model")
    assert merged == {}, why


def test_values_that_one_item_states_together_stay_apart() -> None:
    facts = [
        *_spread("has_color", {"navy": 3, "navy blue": 3}),
        ("two", "has_color", "navy", "catalog"),
        ("two", "has_color", "navy blue", "catalog"),
    ]
    assert _merged(facts, "has_color") == {}


def test_values_read_from_text_do_not_hold_others_apart() -> None:
    facts = [*_spread("has_color", {"navy": 3, "navy blue": 3}), ("two", "has_color", "navy", "rules"), ("two", "has_color", "navy blue", "catalog")]
    assert _merged(facts, "has_color") == {"navy blue": "navy"}


def test_frequent_namesakes_in_different_corners_stay_apart() -> None:
    facts = []
    for brand, category, store in (("Apple", "laptops", "tech"), ("APPLE", "fruit", "food")):
        for number in range(6):
            facts += [(f"{brand}{number}", "has_brand", brand, "catalog"), (f"{brand}{number}", "has_category", category, "catalog")]
            facts += [(f"{brand}{number}", "has_department", store, "catalog")]
    assert _merged(facts, "has_brand") == {}


def test_an_undone_merge_is_not_made_again() -> None:
    attributes = _attributes(_spread("has_brand", {"HP": 4, "hp": 1, "hp inc": 2}))
    log = merge_values(attributes, build_id="b")
    undo = pl.DataFrame({"relation": ["has_brand"], "surface": ["hp inc"]})
    remaining = undo_merges(log, undo)
    assert remaining["surface"].to_list() == ["hp"]
    assert merge_values(attributes, build_id="b", undone=undo).equals(remaining)
    assert set(apply_merges(attributes, remaining).filter(pl.col("relation") == "has_brand")["value"]) == {"HP", "hp inc", "Zzyzx"}
    with pytest.raises(InputError, match="was not merged"):
        undo_merges(remaining, undo)


def test_applied_merges_keep_the_surface_and_the_surest_evidence() -> None:
    rows = [("1", "has_brand", "HP", 0.5, "HP"), ("1", "has_brand", "hp", 0.9, "hp"), ("2", "has_brand", "hp", 1.0, "hp")]
    attributes = pl.DataFrame(rows, schema=["item_id", "relation", "value", "confidence", "surface"], orient="row")
    log = pl.DataFrame([("has_brand", "hp", "HP", 1.0, "spelling", "b")], schema=dict(LOG_COLUMNS), orient="row")
    assert apply_merges(attributes, log).rows() == [("1", "has_brand", "HP", 0.9, "hp"), ("2", "has_brand", "HP", 1.0, "hp")]


def test_missing_columns_are_named() -> None:
    with pytest.raises(InputError, match="extractor"):
        merge_values(pl.DataFrame({"item_id": ["1"], "relation": ["r"], "value": ["v"]}), build_id="b")


def test_nothing_gives_an_empty_log() -> None:
    log = merge_values(_attributes([])[:0].cast(pl.String), build_id="b")
    assert log.height == 0
    assert log.schema == pl.Schema(LOG_COLUMNS)


_FACTS = st.lists(
    st.tuples(
        st.sampled_from(["i1", "i2", "i3", "i4", "i5", "i6"]),
        st.sampled_from(["has_brand", "has_color", "has_category"]),
        st.sampled_from(
            ["HP", "hp", "HP Inc", "Hewlett-Packard", "navy", "Navy Blue", "grey", "GRAY", "logitech", "logtech", "Logitech Inc", "?", "?!"]
        ),
        st.sampled_from(["catalog", "rules"]),
    ),
    max_size=40,
    unique_by=lambda fact: fact[:3],
)


@settings(max_examples=40, deadline=None)
@given(_FACTS, st.randoms(use_true_random=False))
def test_laws_of_merging(facts: list[Fact], rng: object) -> None:
    schema = {"item_id": pl.String, "relation": pl.String, "value": pl.String, "extractor": pl.String}
    attributes = pl.DataFrame(facts, schema=schema, orient="row")
    log = merge_values(attributes, build_id="b")
    shuffled = facts.copy()
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merge_values(pl.DataFrame(shuffled, schema=schema, orient="row"), build_id="b").equals(log)
    assert log.select("relation", "surface").is_duplicated().sum() == 0
    assert not set(log.select("relation", "surface").rows()) & set(log.select("relation", "canonical").rows())
    merged = apply_merges(attributes, log)
    assert apply_merges(merged, log).equals(merged)
    stated = attributes.filter(pl.col("extractor") == "catalog")
    final = apply_merges(stated, log)
    # Two values that one item states side by side never become one.
    assert final.height == stated.height
