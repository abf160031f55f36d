"""The recommender with what changed since the build: every kind of list, with new, edited, hidden and deleted items."""

from __future__ import annotations

import gc
import weakref

import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.explain.messages.message import say
from gnn.graph.arrays import GraphArrays
from gnn.live.overlay import Overlay
from gnn.live.rows import LiveItem
from gnn.recommend.filters import parse_filter
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.snapshot import assemble
from gnn.recommend.strategies.registry import user_strategies
from gnn.recommend.why_not import why_not
from kg.catalog.records import StoredEvent
from kg.errors import InputError, NotFoundError
from kg.schema import EdgeType
from tests.gnn.small import small_model, small_tables

BRAND: EdgeType = ("item", "has_brand", "brand")
COLOR: EdgeType = ("item", "has_color", "color")
MATERIAL: EdgeType = ("item", "has_material", "material")
NEW = LiveItem("new", "Brand new", {BRAND: ("brand0", "brand1"), COLOR: ("color1",), MATERIAL: ("oak",)}, 990.0)
EDITED = LiveItem("i03", "Edited", {BRAND: ("brand0",), COLOR: ("hue",)})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph = GraphArrays.from_tables(small_tables(1))
    folder = tmp_path_factory.mktemp("live") / "artifact"
    save_artifact(folder, graph, small_model(graph, 1), build_id="20240101T000000-abcdef")
    return Recommender(load_artifact(folder))


@pytest.fixture(scope="module")
def live(base: Recommender) -> Recommender:
    return Recommender(assemble(base.snapshot.engine, Overlay.of(base.artifact, [NEW, EDITED], available={"i01": False}, gone={"i05"})))


def test_a_new_item_is_recommended_with_paths_and_shares_that_add_up(live: Recommender) -> None:
    found = 0
    for user_id in live.artifact.user_ids:
        answer = live.recommend(user_id, 20, show_ids=True)
        assert not {"i01", "i05"} & {item.item_id for item in answer.items}
        for item in answer.items:
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
            found += item.item_id == "new" and any(reason.paths for reason in item.reasons)
            if item.item_id in ("new", "i03") and item.score > 0:
                facts = NEW.facts if item.item_id == "new" else EDITED.facts
                told = live.explain(user_id, item.item_id, show_ids=True)
                assert told.score == pytest.approx(item.score, rel=1e-5, abs=1e-6)
                shown = [path for reason in told.reasons for path in reason.paths if path.nodes[2].label in ("Brand", "Color")]
                assert {path.nodes[2].key["value"] for path in shown if path.nodes[2].key} <= {*facts[BRAND], *facts[COLOR]}
    assert found


def test_a_history_may_hold_a_new_item(live: Recommender) -> None:
    fresh = [StoredEvent(1, "stranger", "new", "purchase", 60.0)]
    answer = live.recommend("stranger", 5, fresh=fresh)
    assert answer.strategy == "personal"
    assert answer.n_fresh == 1
    reasons = [reason for item in answer.items for reason in item.reasons if reason.kind == "graph"]
    assert any(path.nodes[1].key == {"item_id": "new"} for reason in reasons for path in reason.paths)
    assert "new" not in [item.item_id for item in answer.items]


def test_a_deleted_item_is_no_part_of_a_history(live: Recommender, base: Recommender) -> None:
    fresh = [StoredEvent(1, "stranger", "i05", "purchase", 60.0)]
    assert base.recommend("stranger", 5, fresh=fresh).strategy == "personal"
    assert live.recommend("stranger", 5, fresh=fresh).strategy == "popular"


@pytest.mark.parametrize("strategy", user_strategies())
def test_every_strategy_answers(live: Recommender, strategy: str) -> None:
    fresh = [StoredEvent(1, "u1", "new", "purchase", 1.7e9), StoredEvent(2, "u1", "i03", "view", 1.7e9 + 1)]
    ask = RecQuery(k=20, strategy=strategy, diversity=0.5, caps=(("has_color", 3),), seed=1)
    if strategy in ("trending", "new"):
        # The events of the small shop have order numbers.
        with pytest.raises(InputError, match="needs times"):
            live.answer(live.users.user("u1", fresh), ask)
        return
    answer = live.answer(live.users.user("u1", fresh), ask)
    assert not {"i01", "i05"} & {item.item_id for item in answer.items}


def test_lists_around_new_and_edited_items(live: Recommender) -> None:
    assert live.similar("new", RecQuery(k=5)).items[0].reasons
    assert "new" in [item.item_id for item in live.similar("i03", RecQuery(k=20)).items]
    for anchor in ("new", "i03"):
        live.bought_together(anchor, RecQuery(k=5))
        live.basket([anchor, "i02"], RecQuery(k=5))


def test_why_not_knows_what_changed(live: Recommender) -> None:
    for item_id in ("new", "i03", "i07"):
        told = why_not(live, "u1", item_id, 2)
        assert told.rank >= 1
        assert all(row.contribution >= 0 for row in told.lacks if row.meta_path == "has_brand")
    assert say("why_not.unavailable") in why_not(live, "u1", "i01", 3).filtered
    with pytest.raises(NotFoundError):
        live.explain("u1", "i05")


def test_filters_see_what_changed(live: Recommender) -> None:
    def chosen(raw: object) -> set[str]:
        return {item_id for item_id, num in live.artifact.item_nums.items() if live.mask(parse_filter(raw, live.columns))[num]}

    assert chosen({"relation": "has_material", "in": ["oak"]}) == {"new"}
    assert chosen({"relation": "has_color", "in": ["hue"]}) == {"i03"}
    assert {"new", "i03"} <= chosen({"relation": "has_brand", "in": ["brand0"]})
    assert chosen({"field": "price_cents", "lte": 2000}) == {"new"}
    assert not {"i01", "i05"} & chosen({"field": "available", "eq": True})


def test_the_recommender_of_the_build_is_as_it_was(base: Recommender, live: Recommender) -> None:
    assert base.overlay is None
    assert "new" not in base.artifact.item_nums
    assert assemble(live.snapshot.engine, Overlay.of(base.artifact), previous=live.snapshot).artifact is base.artifact


def test_what_changed_items_leave_behind_goes_at_once_while_answers_are_remembered(base: Recommender) -> None:
    first = Recommender(assemble(base.snapshot.engine, Overlay.of(base.artifact, [NEW])))
    first.recommend("u0", 3)
    gone = [weakref.ref(each) for each in (first, first.snapshot, first.rules, first.artifact, first.columns)]
    # What a remembered answer holds on to.
    version = first.snapshot.version
    gc.disable()
    try:
        overlay = Overlay.of(base.artifact, [NEW, EDITED], previous=first.overlay)
        second = Recommender(assemble(base.snapshot.engine, overlay, previous=first.snapshot))
        del first
        assert [ref() for ref in gone] == [None] * len(gone)
    finally:
        gc.enable()
    assert second.snapshot.version != version
    assert second.build is base.artifact
