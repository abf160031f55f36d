"""A small shop for incremental changes: everything that is learned from all items is learned here too, so that one change can reach others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import polars as pl
from hypothesis import strategies as st

from kg.catalog.changes import Change
from kg.catalog.file_changes import ShopRules, parse
from kg.extract.incremental import changed_facts
from kg.extract.pipeline import Extractor
from kg.extract.terms import TermLimits
from kg.graph.corrections import Fact
from kg.graph.update import Resolver, State
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, TRIPLE_COLUMNS, Catalog
from kg.validation.ratings import RatingScale

ITEMS = [f"i{n}" for n in range(24)]
USERS = ["u", "v", "w"]
BRANDS = ["Leafy", "leafy", "Leafy Inc", "Simple", "Oat", "Oat Valley"]
TITLES = ["Simple red tea 250 g", "a simple tea", "Oat Valley blue shirt", "Oat drink 1 l", "Leafy tea AB12345", "Tea 500 g"]
GTINS = ["4006381333931", "4012345678901", "5901234123457"]


RULES = ShopRules(frozenset({"view", "purchase", "rating"}), RatingScale(1, 5))


def catalog() -> Catalog:
    rows = [
        {
            "item_id": item_id,
            "title": TITLES[n % len(TITLES)],
            "brand": None if n % 4 == 0 else BRANDS[n % len(BRANDS)],
            "categories": ["Tea"],
            "price_cents": 100 * n + 99,
            "gtin": [GTINS[n % 2]] if n in (1, 3, 7, 8) else [],
        }
        for n, item_id in enumerate(ITEMS)
    ]
    items = pl.DataFrame(rows, schema={**ITEM_COLUMNS, "gtin": pl.List(pl.String)})
    events = [
        {"user_id": USERS[n % 2], "item_id": ITEMS[n % 9], "kind": "view" if n % 3 else "purchase", "time": float(n), "quantity": 1.0}
        for n in range(14)
    ]
    links = [
        ("i0", "also_bought", "item", "i1"),
        ("i1", "also_bought", "item", "i2"),
        ("i2", "made_in", "country", "China"),
        ("i5", "produced_by", "brand", "Lone"),
    ]
    links += [("i3", "has_color", "color", "Red")]
    triples = [{"head_type": "item", "head": h, "relation": r, "tail_type": t, "tail": x} for h, r, t, x in links]
    triples.append({"head_type": "brand", "head": "Leafy", "relation": "part_of", "tail_type": "company", "tail": "Big"})
    return Catalog(items, pl.DataFrame(events, schema=dict(INTERACTION_COLUMNS)), triples=pl.DataFrame(triples, schema=dict(TRIPLE_COLUMNS)))


@cache
def extractor() -> Extractor:
    return Extractor("en", limits=TermLimits(fewest_items=20, most_share=0.4))


def read(facts: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, changed: Sequence[str]) -> tuple[pl.DataFrame, Sequence[str]]:
    found = changed_facts(extractor(), facts, before, after, changed)
    return found.attributes, found.item_ids


def full(after: Catalog, resolver: Resolver, facts: Sequence[Fact]) -> State:
    return State.of(after, extractor().extract(after.items) if after.items.height else pl.DataFrame(schema=dict(ATTRIBUTE_COLUMNS)), resolver, facts)


def fact(n: int, op: Literal["set", "drop"], item_id: str, relation: str, value: str) -> Fact:
    return Fact(n, op, item_id, relation, value, "ann", "", "2026-01-01T00:00:00Z")


def change(**record: Any) -> Change:
    return parse(record, RULES)


_IDS = st.sampled_from([*ITEMS[:10], "new"])
CHANGES = st.lists(
    st.one_of(
        st.builds(
            lambda item_id, values: change(op="upsert_item", item_id=item_id, **values),
            _IDS,
            st.fixed_dictionaries(
                {},
                optional={
                    "title": st.sampled_from(TITLES),
                    "description": st.sampled_from(["Red, 2 kg.", None]),
                    "brand": st.sampled_from([*BRANDS, "Newbrand", None]),
                    "categories": st.sampled_from([["Tea"], ["Coffee", "Tea"], []]),
                    "price_cents": st.sampled_from([1, 2000, 99_999, None]),
                    "gtin": st.sampled_from([[GTINS[0]], [GTINS[2]], []]),
                    "color": st.sampled_from([["red"], ["Purple"]]),
                },
            ),
        ),
        st.builds(lambda item_id: change(op="delete_item", item_id=item_id), _IDS),
        st.builds(
            lambda user, item_id, kind, time: change(op="add_interaction", user_id=user, item_id=item_id, kind=kind, time=time, rating=4),
            st.sampled_from([*USERS, "x"]),
            _IDS,
            st.sampled_from(["view", "purchase", "rating"]),
            st.sampled_from([None, 3.0, 99.0]),
        ),
        st.builds(lambda user, item_id: change(op="delete_interaction", user_id=user, item_id=item_id), st.sampled_from(USERS), _IDS),
    ),
    max_size=5,
)
FACTS = st.lists(
    st.builds(
        lambda n, op, item_id, relation, value: fact(n, op, item_id, relation, value),
        st.integers(1, 9),
        st.sampled_from(["set", "drop"]),
        _IDS,
        st.sampled_from(["has_brand", "has_color", "has_weight"]),
        st.sampled_from(["Leafy", "leafy", "red", "250 g", "Simple"]),
    ),
    max_size=3,
    unique_by=lambda f: f.n,
)
