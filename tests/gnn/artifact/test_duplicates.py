"""An item that is listed twice is shown once, and both listings' histories are one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnn.artifact.duplicates import DuplicateGroups
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from kg.catalog.records import StoredEvent
from tests.gnn.model.test_scoring_laws import artifact_of
from tests.gnn.small import small_model, small_tables

DUPLICATES = (("i03", "i00"), ("i07", "i00"), ("i09", "i05"))
GROUPS = [{"i00", "i03", "i07"}, {"i05", "i09"}]


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph = GraphArrays.from_tables(small_tables(1, duplicates=DUPLICATES))
    folder: Path = tmp_path_factory.mktemp("listings")
    return Recommender(artifact_of(folder, graph, small_model(graph, 1)))


def test_histories_count_together() -> None:
    apart, joined = small_tables(1), small_tables(1, duplicates=DUPLICATES)
    purchased = ("user", "purchased", "item")
    head = dict(DUPLICATES)
    counted = {(u, head.get(i, i)) for u, i in apart.edges[purchased].select("source", "target").rows()}
    assert set(joined.edges[purchased].select("source", "target").rows()) == counted
    assert joined.edges[purchased]["count"].sum() == apart.edges[purchased]["count"].sum()
    assert set(joined.edges[("item", "same_as", "item")].select("source", "target").rows()) == set(DUPLICATES)


def test_identity_is_no_reason(recommender: Recommender) -> None:
    assert not [walk for walk in recommender.artifact.model.walks if walk.meta_path.relation == "same_as"]


def test_a_list_shows_each_item_once_and_nothing_met(recommender: Recommender) -> None:
    everybody = recommender.recommend_all(14)
    for user_id in recommender.artifact.user_ids:
        shown = [item.item_id for item in recommender.recommend(user_id, 14).items]
        met = {recommender.artifact.item_ids[num] for num in recommender.seen(user_id)}
        assert everybody.filter(user_id=user_id)["item_id"].to_list() == shown
        for group in GROUPS:
            assert len(group & set(shown)) == (0 if group & met else 1)


def test_the_best_ranked_listing_is_shown(recommender: Recommender) -> None:
    nums = recommender.artifact.item_nums
    for user_id in recommender.artifact.user_ids:
        history = recommender.history(user_id)
        assert history is not None
        scores = recommender.scores(history)
        shown = {item.item_id for item in recommender.recommend(user_id, 14).items}
        for group in GROUPS:
            for item_id in group & shown:
                assert scores[nums[item_id]] >= max(scores[nums[other]] for other in group) or scores[nums[item_id]] <= 0


def test_a_fresh_event_of_one_listing_counts_for_the_item(recommender: Recommender) -> None:
    answers = []
    for item_id in ("i03", "i00"):
        answer = recommender.recommend_history([(item_id, "purchase", 1.0)], 14)
        answers.append([(item.item_id, item.score) for item in answer.items])
        assert not GROUPS[0] & {item.item_id for item in answer.items}
    assert answers[0] == answers[1]
    fresh = [StoredEvent(1, "u0", "i09", "purchase", 60.0)]
    assert not GROUPS[1] & {item.item_id for item in recommender.recommend("u0", 14, fresh=fresh).items}


def test_an_unavailable_listing_leaves_room_for_another(recommender: Recommender) -> None:
    listings, nums = DuplicateGroups.of(recommender.artifact), recommender.artifact.item_nums
    scores = np.linspace(1, 2, recommender.artifact.n_items).astype(np.float32)
    assert set(listings.hidden(scores, None).tolist()) == {nums[i] for i in ("i00", "i03", "i05")}
    scores[nums["i07"]] = -np.inf
    assert set(listings.hidden(scores, None).tolist()) == {nums[i] for i in ("i00", "i07", "i05")}
