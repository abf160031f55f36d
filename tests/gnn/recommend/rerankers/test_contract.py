"""What every registered re-ranker holds to, and how a query asks for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.graph.arrays import GraphArrays
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.recommend.rerankers.base import DEPTHS, RERANKERS, RerankContext, Reranker, reranking, summaries, table
from gnn.recommend.rerankers.neighbourhoods import Neighbourhoods
from kg.errors import ConfigError, InputError
from tests.gnn.small import small_model, small_tables

ROOT = Path(__file__).parents[4]
ALL = pytest.mark.parametrize("reranker", RERANKERS.all(), ids=RERANKERS.names())
TURNED_ON: dict[str, Any] = {"diversity": 0.7, "caps": (("has_brand", 1),), "seed": 3}


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph = GraphArrays.from_tables(small_tables(1))
    return Recommender(load_artifact(save_artifact(tmp_path_factory.mktemp("r") / "a", graph, small_model(graph, 1), build_id="20240101T000000-abc")))


def asking(reranker: Reranker, **more: Any) -> RecQuery:
    """Return a query that wants a re-ranker."""
    wanted: dict[str, Any] = {reranker.parameter: TURNED_ON[reranker.parameter]} if reranker.parameter else {"rerank": (reranker.name,)}
    return RecQuery(**wanted, **more)


@ALL
def test_it_shows_each_item_at_most_once_and_brings_none_in(recommender: Recommender, reranker: Reranker) -> None:
    order = np.arange(recommender.artifact.n_items, dtype=np.int64)[::-1].copy()
    scores = np.linspace(2, 0.1, len(order)).astype(np.float32)
    given = order.copy(), scores.copy()
    context = RerankContext(asking(reranker), Neighbourhoods(recommender.artifact), 6)
    result = reranker.rerank(order, scores, context)
    assert result.dtype == np.int64
    assert len(set(result.tolist())) == len(result)
    assert set(result.tolist()) <= set(order.tolist())
    assert reranker.deep or len(result) == len(order)
    np.testing.assert_array_equal(result, reranker.rerank(order, scores, context))
    np.testing.assert_array_equal(order, given[0])
    np.testing.assert_array_equal(scores, given[1])
    nothing = reranker.rerank(order[:0], scores[:0], context)
    assert len(nothing) == 0


@ALL
def test_an_answer_names_it_and_changes_no_score(recommender: Recommender, reranker: Reranker) -> None:
    user = recommender.users.user("u1")
    plain = {item.item_id: item for item in recommender.answer(user, RecQuery(k=14)).items}
    answer = recommender.answer(user, asking(reranker, k=14))
    assert answer.reranked == (reranker.name,)
    assert answer.items
    for item in answer.items:
        assert (item.score, item.rank_by_score) == (plain[item.item_id].score, plain[item.item_id].rank)


@ALL
def test_it_is_described_once(reranker: Reranker) -> None:
    assert reranker.summary
    assert not reranker.summary.endswith(".")
    assert f"{reranker.name}: {reranker.summary}" in summaries()


def test_they_are_applied_in_order_over_as_many_as_they_need(recommender: Recommender) -> None:
    near = Neighbourhoods(recommender.artifact)
    assert reranking(RecQuery(), near).depth == 0
    both = reranking(RecQuery(seed=1, caps=(("has_brand", 2),), diversity=0.5), near)
    assert (both.names, both.depth) == (("exploration", "diversity", "caps"), DEPTHS[1])
    assert reranking(RecQuery(seed=0), near).depth == DEPTHS[0]
    assert reranking(RecQuery(), near, rules=True, rule_caps=True).depth == DEPTHS[1]
    assert reranking(RecQuery(seed=0, k=5_000), near).depth == 5_001


def test_what_is_named_and_cannot_be_applied_is_refused(recommender: Recommender) -> None:
    with pytest.raises(InputError, match="no re-ranker 'diversty'") as unknown:
        recommender.answer(recommender.users.user("u1"), RecQuery(rerank=("diversty",)))
    assert "diversity" in (unknown.value.hint or "")
    with pytest.raises(InputError, match="'diversity' is turned on by 'diversity'"):
        recommender.answer(recommender.users.user("u1"), RecQuery(rerank=("diversity",)))
    named = recommender.answer(recommender.users.user("u1"), RecQuery(rerank=("diversity",), diversity=0.5))
    assert named == recommender.answer(recommender.users.user("u1"), RecQuery(diversity=0.5))


def test_one_that_nothing_turns_on_is_refused() -> None:
    class Silent(Reranker):
        name, summary, parameter = "silent", "does nothing", "nonsense"

        def rerank(self, order: Any, scores: Any, context: Any) -> Any:
            return order

    with pytest.raises(ValueError, match="'nonsense', which queries do not have"):
        RERANKERS.register(Silent())


class Untrue(Reranker):
    """Brings items in that it was not given."""

    name, summary = "untrue", "shows everything"

    def rerank(self, order: Any, scores: Any, context: RerankContext) -> Any:
        return np.arange(context.artifact.n_items)


def test_one_that_brings_items_in_is_refused_when_it_is_applied(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RERANKERS._things, "untrue", Untrue())
    with pytest.raises(ConfigError, match="'untrue' returned items twice, or others"):
        recommender.answer(recommender.users.user("u1"), RecQuery(rerank=("untrue",)))


def test_the_documentation_has_the_table() -> None:
    assert table() in (ROOT / "docs/api.md").read_text(encoding="utf-8")
