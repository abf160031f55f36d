"""Every strategy: shares add up, pages do not repeat, re-rankers move no score, counts are those of the events."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gnn.artifact.artifact import Artifact, load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import Level, RecQuery, item_hash
from gnn.recommend.recommender import Recommender
from gnn.recommend.rerankers.diversity import diversified
from gnn.recommend.rerankers.neighbourhoods import Neighbourhoods
from gnn.recommend.strategies.base import Context
from gnn.recommend.strategies.registry import STRATEGIES, user_strategies
from gnn.recommend.strategies.session import session_history
from gnn.users.users import with_anchors
from kg.catalog.records import StoredEvent
from kg.errors import InputError, NotFoundError
from tests.gnn.small import small_model, small_tables

DAY = 86_400.0
SHOWN = [StoredEvent(n, "u1", f"i{n % 14:02}", "impression", 1.7e9 + 51 * DAY) for n in range(1, 20)]


def at_clock(graph: GraphArrays) -> GraphArrays:
    """Make days of the small shop's order numbers."""
    clock = {name: 1.7e9 + pl.col(name) * DAY for name in ("first_time", "last_time")}
    return replace(graph, edges={key: frame.with_columns(**clock) if "last_time" in frame.columns else frame for key, frame in graph.edges.items()})


@pytest.fixture(scope="module")
def graph() -> GraphArrays:
    return at_clock(GraphArrays.from_tables(small_tables(1)))


@pytest.fixture(scope="module")
def recommender(graph: GraphArrays, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder: Path = tmp_path_factory.mktemp("lists") / "artifact"
    model = small_model(graph, 1, half_life=20 * DAY)
    return Recommender(load_artifact(save_artifact(folder, graph, model, build_id="20240101T000000-abcdef")))


@pytest.mark.parametrize("strategy", user_strategies())
@pytest.mark.parametrize("explain", ["none", "brief", "full"])
def test_shares_add_up_in_every_strategy(recommender: Recommender, strategy: str, explain: Level) -> None:
    n_moved = 0
    for user_id in [*recommender.artifact.user_ids, "new"]:
        shopper = recommender.users.user(user_id, [replace(event, user_id=user_id) for event in SHOWN])
        answer = recommender.answer(shopper, RecQuery(k=14, strategy=strategy, explain=explain))
        assert answer.strategy in {strategy, "popular"}
        for item in answer.items:
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
            n_moved += any(reason.kind == "impressions" for reason in item.reasons)
            for reason in item.reasons:
                assert len(reason.paths) <= (1 if explain == "brief" else 5)
                if reason.kind == "graph":
                    assert sum(path.share for path in reason.paths) + reason.share_not_shown == pytest.approx(reason.share, abs=1e-9)
            if explain == "none":
                assert item.remainder == 1
    assert bool(n_moved) == (explain != "none")


def test_what_was_shown_and_left_alone_counts_less_and_says_so(recommender: Recommender) -> None:
    before = recommender.recommend("u1", 14)
    first = before.items[0]
    shown = [StoredEvent(n, "u1", first.item_id, "impression", 2e9) for n in range(1, 4)]
    after = {item.item_id: item for item in recommender.recommend("u1", 14, fresh=shown).items}
    assert after[first.item_id].score == pytest.approx(first.score * 0.9**3, rel=1e-5)
    told = next(reason for reason in after[first.item_id].reasons if reason.kind == "impressions")
    assert told.share < 0
    assert "3 times" in told.sentence
    clicked = [*shown, StoredEvent(4, "u1", first.item_id, "click", 2e9 + 1)]
    shopper = recommender.users.user("u1", clicked)
    kept = next(i for i in recommender.answer(shopper, RecQuery(k=14, exclude_seen=False)).items if i.item_id == first.item_id)
    assert all(reason.kind != "impressions" for reason in kept.reasons)


@pytest.mark.parametrize("extra", [{}, {"seed": 7}, {"diversity": 0.6}, {"caps": (("has_brand", 2),)}, {"seed": 1, "diversity": 0.3}])
def test_pages_are_the_list_in_pieces(recommender: Recommender, extra: dict[str, Any]) -> None:
    shopper = recommender.users.user("u2")
    whole = recommender.answer(shopper, RecQuery(k=12, **extra)).items
    pages = [item for offset in range(0, 12, 3) for item in recommender.answer(shopper, RecQuery(k=3, offset=offset, **extra)).items]
    assert [(i.item_id, i.rank) for i in pages] == [(i.item_id, i.rank) for i in whole]
    assert len({i.item_id for i in whole}) == len(whole) > 3


def test_what_an_earlier_page_showed_does_not_come_twice(recommender: Recommender) -> None:
    shopper = recommender.users.user("u2")
    shown = [item.item_id for item in recommender.answer(shopper, RecQuery(k=4)).items]
    rest = recommender.answer(shopper, RecQuery(k=10, withheld=frozenset(map(item_hash, shown)))).items
    assert not set(shown) & {item.item_id for item in rest}


def test_a_reranker_moves_places_and_no_scores(recommender: Recommender) -> None:
    shopper = recommender.users.user("u3")
    plain = {item.item_id: item for item in recommender.answer(shopper, RecQuery(k=14)).items}
    moved = 0
    for extra, name in (({"diversity": 0.9}, "diversity"), ({"seed": 3}, "exploration"), ({"caps": (("has_color", 1),)}, "caps")):
        answer = recommender.answer(shopper, RecQuery(k=14, **extra))
        assert answer.reranked == (name,)
        for item in answer.items:
            assert item.score == plain[item.item_id].score
            assert item.rank_by_score == plain[item.item_id].rank
            moved += item.rank != item.rank_by_score
    assert moved


def test_the_same_seed_gives_the_same_list_and_another_another(recommender: Recommender) -> None:
    shopper = recommender.users.user("u3")
    lists = [[item.item_id for item in recommender.answer(shopper, RecQuery(k=14, seed=seed)).items] for seed in (5, 5, *range(6, 12))]
    assert lists[0] == lists[1]
    assert any(other != lists[0] for other in lists[2:])


def test_caps_hold(recommender: Recommender) -> None:
    neighbourhoods = Neighbourhoods(recommender.artifact)
    for cap in (1, 2):
        items = recommender.answer(recommender.users.user("u0"), RecQuery(k=14, caps=(("has_brand", cap),))).items
        counts = Counter(v for item in items for v in neighbourhoods.values("has_brand", recommender.item_num(item.item_id)))
        assert max(counts.values()) <= cap
    with pytest.raises(InputError, match="no relation 'has_smell'"):
        recommender.answer(recommender.users.user("u0"), RecQuery(caps=(("has_smell", 1),)))


def test_diversity_is_maximal_marginal_relevance() -> None:
    """Two near copies lead; a third, different item comes second once difference counts."""
    similarity = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    order, scores = np.array([10, 11, 12]), np.array([1.0, 0.95, 0.6], dtype=np.float32)
    assert diversified(order, scores, similarity, 0.0, 3).tolist() == [10, 11, 12]
    assert diversified(order, scores, similarity, 0.5, 3).tolist() == [10, 12, 11]


def test_trending_counts_are_those_of_the_events(recommender: Recommender, graph: GraphArrays) -> None:
    last: dict[tuple[int, int], float] = {}
    for (source, _, target), frame in graph.edges.items():
        if (source, target) == ("user", "item"):
            for user, item, time in frame.select("source_num", "target_num", "last_time").iter_rows():
                last[user, item] = max(last.get((user, item), 0.0), time)
    end = max(last.values())
    counts = Counter(item for (_, item), time in last.items() if time > end - 14 * DAY)
    items = recommender.answer(recommender.users.user("new"), RecQuery(k=14, strategy="trending", window_days=14)).items
    assert items
    for item in items:
        n, m = counts[recommender.item_num(item.item_id)], sum(1 for _, i in last if i == recommender.item_num(item.item_id))
        usual = sum(counts.values()) * m / len(last)
        assert item.score == pytest.approx((n - usual) / np.sqrt(usual + 1), rel=1e-5)
        assert f" by {n} shopper" in item.reasons[0].sentence


def test_order_numbers_cannot_trend(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(1))
    recommender = Recommender(load_artifact(save_artifact(tmp_path / "a", graph, small_model(graph, 1), build_id="20240101T000000-abcdef")))
    users = recommender.users
    for strategy in ("trending", "new", "session"):
        with pytest.raises(InputError, match="needs times, but the events of this shop have order numbers"):
            recommender.answer(users.user("u0"), RecQuery(strategy=strategy))
    assert recommender.answer(users.user("u0"), RecQuery(strategy="popular", k=3)).items
    # What a shopper does now has a time, and makes a session.
    now = [StoredEvent(1, "u0", "i03", "view", 1.7e9), StoredEvent(2, "u0", "i04", "view", 1.7e9 + 7_200)]
    session = session_history(users.user("u0", now), recommender.artifact, RecQuery().session_s)
    assert [recommender.artifact.item_ids[num] for num in session.nums] == ["i04"]


def test_no_times_cannot_trend(tmp_path: Path) -> None:
    tables = small_tables(1)
    edges = {
        kind: frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in frame.columns if name.endswith("_time"))
        for kind, frame in tables.edges.items()
    }
    graph = GraphArrays.from_tables(type(tables)(tables.nodes, edges))
    recommender = Recommender(load_artifact(save_artifact(tmp_path / "a", graph, small_model(graph, 1), build_id="20240101T000000-abcdef")))
    assert recommender.artifact.timing == "none"
    for strategy in ("trending", "new"):
        with pytest.raises(InputError, match="needs times, but the events of this shop have no times"):
            recommender.answer(recommender.users.user("u0"), RecQuery(strategy=strategy))


def test_a_session_is_the_end_of_the_history(recommender: Recommender) -> None:
    fresh = [StoredEvent(1, "u1", "i04", "view", 2e9), StoredEvent(2, "u1", "i05", "view", 2e9 + 60)]
    shopper = recommender.users.user("u1", fresh)
    answer = recommender.answer(shopper, RecQuery(strategy="session", exclude_seen=False, k=14))
    session = recommender.recommend_history([("i04", "view", 2e9), ("i05", "view", 2e9 + 60)], 14)
    scores = {item.item_id: item.score for item in answer.items}
    assert answer.strategy == "session"
    assert all(scores[item.item_id] == pytest.approx(item.score, rel=1e-6) for item in session.items if item.score > 0)


def test_buy_again_holds_what_was_bought(recommender: Recommender) -> None:
    for user_id in recommender.artifact.user_ids:
        bought = {e.item for e in recommender.events(recommender.artifact.user_nums[user_id]) if e.relation == "purchased"}
        answer = recommender.answer(recommender.users.user(user_id), RecQuery(strategy="buy_again", k=14))
        assert {recommender.item_num(item.item_id) for item in answer.items} == bought
        assert all(item.reasons[0].sentence.startswith("You bought this") for item in answer.items)


@pytest.mark.parametrize("kind", ["similar", "bought_together", "basket"])
def test_lists_around_items_are_exact(recommender: Recommender, kind: str) -> None:
    artifact: Artifact = recommender.artifact
    shown = 0
    for item_id in artifact.item_ids[:6]:
        ask = RecQuery(k=14, show_ids=True)
        anchors = [item_id, artifact.item_ids[7]] if kind == "basket" else [item_id]
        answer = recommender.basket(anchors, ask) if kind == "basket" else getattr(recommender, kind)(item_id, ask)
        assert answer.strategy == kind
        assert answer.user_id is None
        assert not set(anchors) & {item.item_id for item in answer.items}
        for item in answer.items:
            assert item.score > 0
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)
            for path in (path for reason in item.reasons for path in reason.paths):
                assert path.nodes[0].key["item_id"] in anchors  # type: ignore[index]
                assert path.nodes[-1].key == {"item_id": item.item_id}
                shown += 1
            if kind != "similar":
                assert {reason.relation for reason in item.reasons} <= {"purchased", "also_bought", "bought_together"}
    assert shown


def test_scores_of_what_is_bought_together_are_the_sums_that_are_explained(recommender: Recommender) -> None:
    for item_id in recommender.artifact.item_ids:
        shopper = with_anchors(recommender.artifact, [recommender.item_num(item_id)], "looked_at")
        scored = STRATEGIES.get("bought_together").score(Context(recommender.snapshot.scoring, shopper), RecQuery())
        for num in range(recommender.artifact.n_items):
            if num != recommender.item_num(item_id):
                told = scored.explainer.explain(scored.history, num)  # type: ignore[union-attr, arg-type]
                assert told.score == pytest.approx(float(scored.scores[num]), rel=1e-5, abs=1e-7)


def test_unknown_items_and_strategies_are_refused(recommender: Recommender) -> None:
    with pytest.raises(NotFoundError, match="nothing like it"):
        recommender.similar("nothing like it", RecQuery())
    with pytest.raises(NotFoundError, match="nothing like it"):
        recommender.basket(["i01", "nothing like it"], RecQuery())
    with pytest.raises(InputError, match="no strategy 'best'"):
        recommender.answer(recommender.users.user("u0"), RecQuery(strategy="best"))
