"""What a rating says counts wherever an event counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.events.interactions import Interactions
from gnn.model.scorer import history_weights
from gnn.ratings import RatingWeights
from gnn.recommend.query import RecQuery
from gnn.recommend.recommender import Recommender
from gnn.training.fit import fit
from kg.catalog.records import StoredEvent
from kg.errors import InputError
from kg.validation.ratings import RatingScale
from tests.gnn.oracles import shop

T0 = 1.7e9
ITEMS = [f"i{n}" for n in range(8)]


def events_of(scale: tuple[float, float] = (1, 5)) -> list[dict[str, object]]:
    """Two circles of taste: even users love even items and hate odd ones."""
    low, high = scale
    return [
        {"user_id": f"u{u}", "item_id": f"i{i}", "kind": "rating", "time": T0 + 1_000.0 * u + i, "rating": high if (u + i) % 2 == 0 else low}
        for u in range(10)
        for i in range(8)
        if (u * 3 + i) % 8 > 2
    ]


@pytest.fixture(scope="module", params=[(1.0, 5.0), (-5.0, -1.0), (0.0, 100.0)], ids=str)
def recommender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    graph, events = shop(ITEMS, events_of(request.param), [(f"i{n}", "has_brand", f"b{n % 2}") for n in range(8)])
    model = fit(graph, events, ModelConfig(factors=4)).model
    folder = tmp_path_factory.mktemp("ratings") / "artifact"
    return Recommender(load_artifact(save_artifact(folder, graph, model, build_id="20240101T000000-abcdef")))


def test_three_ratings_of_one_item_give_three_answers(recommender: Recommender) -> None:
    weights = recommender.artifact.model.history.ratings
    assert weights is not None
    answers = []
    for value in (weights.lowest, None, weights.highest):
        live = recommender.recommend("new", fresh=[StoredEvent(1, "new", "i0", "rating", T0, value=value)])
        ad_hoc = recommender.recommend_history([("i0", "rating", T0, value)])
        assert [(i.item_id, i.score) for i in live.items] == [(i.item_id, i.score) for i in ad_hoc.items]
        assert "i0" not in [item.item_id for item in live.items]
        answers.append(live)
    low, none, high = answers
    assert low.strategy == "popular"
    assert high.items[0].score > none.items[0].score > 0
    for answer in answers:
        for item in answer.items:
            assert sum(reason.share for reason in item.reasons) + item.remainder == pytest.approx(1, abs=1e-6)


def test_what_is_like_a_hated_item_is_not_recommended_for_it(recommender: Recommender) -> None:
    for user in ("u0", "u1"):
        history = recommender.history(user)
        assert history is not None
        assert {int(recommender.artifact.item_ids[num][1:]) % 2 for num in history.nums} == {int(user[1:]) % 2}


def test_weights_of_one_and_of_all_are_equal(recommender: Recommender) -> None:
    rows = recommender.users.histories().toarray()
    for user, user_id in enumerate(recommender.artifact.user_ids):
        own = np.zeros(recommender.artifact.n_items)
        history = recommender.history(user_id)
        if history is not None:
            own[history.nums] = history.weights
        np.testing.assert_allclose(rows[user], own, atol=1e-6)


def test_popularity_and_trends_count_high_ratings_alone(recommender: Recommender) -> None:
    high = [event for event in events_of() if event["rating"] == 5]
    for num, item_id in enumerate(recommender.artifact.item_ids):
        assert recommender.artifact.popularity[num] == sum(event["item_id"] == item_id for event in high)
    assert len(recommender.artifact.meetings.times) == len(high)


def test_sentences_say_the_rating(recommender: Recommender) -> None:
    weights = recommender.artifact.model.history.ratings
    assert weights is not None
    answer = recommender.recommend_history([("i0", "rating", T0, weights.highest)])
    sentences = [reason.sentence for item in answer.items for reason in item.reasons]
    said = {5.0: "which you rated 5 of 5", -1.0: "which you rated -1", 100.0: "which you rated 100 of 100"}[weights.highest]
    assert any(said in sentence for sentence in sentences)
    assert any("gave high ratings to both this and" in sentence for sentence in sentences)
    assert not any("liked" in sentence for sentence in sentences)


def test_a_rating_outside_the_scale_is_refused_with_the_bounds(recommender: Recommender) -> None:
    scale = recommender.rating_scale
    assert scale is not None
    for value in (-1e6, 1e6, float("nan"), float("inf")):
        with pytest.raises(InputError, match=str(scale)):
            recommender.ad_hoc([("i0", "rating", None, value)])


def test_a_low_rating_takes_back_what_a_purchase_says(tmp_path: Path) -> None:
    events = [*events_of(), *({"user_id": f"u{u}", "item_id": "i1", "kind": "purchase", "time": T0} for u in range(10))]
    graph, interactions = shop(ITEMS, events, [])
    model = fit(graph, interactions, ModelConfig(factors=0)).model
    recommender = Recommender(load_artifact(save_artifact(tmp_path / "a", graph, model, build_id="20240101T000000-abcdef")))
    with_low = recommender.recommend("x", fresh=[StoredEvent(1, "x", "i1", "purchase", T0), StoredEvent(2, "x", "i1", "rating", T0 + 1, value=1.0)])
    assert with_low.strategy == "popular"
    weights, rows = recommender.users.histories(), history_weights(graph, model.history)
    np.testing.assert_allclose(weights.toarray(), rows.toarray(), atol=1e-6)


def test_ratings_without_values_change_nothing() -> None:
    with_none = [{**event, "rating": None} for event in events_of()]
    graph, _ = shop(ITEMS, with_none, [])
    assert RatingWeights.of(graph.edges) is None
    assert len(Interactions.of(graph).times) == len(with_none)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 5, 4, -1_000_000], (1, 5)),
        ([1, 1, 1, 5], (1, 5)),
        ([0, 1, 1, 0], (0, 1)),
        ([7, 9, 3], (1, 10)),
        ([-5, -3, -1], (-5, 5)),
        ([88, 12, 45], (0, 100)),
        ([1_500, 2_400], (1_500, 2_400)),
        ([3], (1, 5)),
    ],
)
def test_scales_are_learned(values: list[float], scale: tuple[float, float]) -> None:
    found = RatingScale.learned(np.asarray(values, dtype=np.float64))
    assert (found.lowest, found.highest) == scale


def test_a_mean_is_drawn_towards_the_shops() -> None:
    weights = RatingWeights(4.0, 1.0, 5.0, (1.0, 5.0))
    alone = weights.factors(np.array([3.0]))
    # A user who gives 3 to everything means more by it than one who gave it once.
    assert weights.factors(np.full(50, 3.0))[0] > alone[0]
    assert weights.factors(np.array([1.0, np.nan, 5.0])).tolist() == pytest.approx([0, 1, 1 + (5 - 26 / 7) / 2])


def test_a_low_rating_is_no_success_to_be_found(recommender: Recommender) -> None:
    answer = recommender.answer(recommender.users.user("u0"), RecQuery(k=8))
    hated = {event["item_id"] for event in events_of() if event["user_id"] == "u0" and event["rating"] == 1}
    assert hated
    assert not hated & {item.item_id for item in answer.items}
