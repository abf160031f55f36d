"""Embeddings from texts: items without events take the place that their words give them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray
from gnn.model.scorer import history_weights, neighbour_matrix, score
from gnn.training.fit import item_embeddings, refit
from gnn.training.text_features import MIN_ITEMS, text_map, with_texts
from tests.gnn.oracles import planted_brands, shop
from tests.gnn.small import small_model

CONFIG = ModelConfig(factors=8, smoothing=0.0, regression_items=0)


def topics(n_topics: int = 5, per_topic: int = 8) -> tuple[GraphArrays, FloatArray]:
    """Shoppers stay with one topic, texts tell the topic; the last item of each topic, "…new", has no events and the text of the first."""
    rng = np.random.default_rng(2)
    items = [f"t{topic}i{number}" for topic in range(n_topics) for number in range(per_topic)] + [f"t{topic}new" for topic in range(n_topics)]
    events: list[dict[str, object]] = [
        {"user_id": f"u{user:02}", "item_id": f"t{user % n_topics}i{number}"}
        for user in range(60)
        for number in rng.choice(per_topic, 5, replace=False).tolist()
    ]
    graph, _ = shop(items, events, [])
    means = rng.normal(size=(n_topics, 12))
    texts = {item: means[int(item[1])] + 0.2 * rng.normal(size=12) for item in items}
    texts |= {f"t{topic}new": texts[f"t{topic}i0"] for topic in range(n_topics)}
    return graph.with_texts(items, np.array([texts[item] for item in items], dtype=np.float32)), means.astype(np.float32)


def cosine(a: FloatArray, b: FloatArray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_an_item_without_events_gets_close_to_the_item_with_its_text() -> None:
    graph, _ = topics()
    nums = {item: num for num, item in enumerate(graph.item_ids)}
    told, bare = item_embeddings(graph, CONFIG).target, item_embeddings(replace(graph, text_vectors=None), CONFIG).target
    for topic in range(5):
        new = nums[f"t{topic}new"]
        assert not bare[new].any()
        assert cosine(told[new], told[nums[f"t{topic}i0"]]) > 0.9
        assert cosine(told[new], told[nums[f"t{(topic + 1) % 5}i0"]]) < 0.5
    with_events = [num for item, num in nums.items() if "new" not in item]
    np.testing.assert_array_equal(told[with_events], bare[with_events])


def test_the_score_stays_the_sum_over_the_history() -> None:
    graph, _ = topics()
    config = CONFIG.model_copy(update={"text_share": 0.3})
    factors = item_embeddings(graph, config)
    model = replace(small_model(graph, 1), source_embeddings=factors.source, target_embeddings=factors.target, item_weights=None, weights_gate=0.0)
    history = history_weights(graph, model.history)[:1]
    found = score(history, neighbour_matrix(graph, model), model)[0]
    nums = history.indices.astype(np.int64)
    for item in (0, graph.n_items - 1):
        graph_part = found[item] - model.learned_scores(history)[0, item]
        assert graph_part + history.data @ model.learned_pairs(nums, item) == pytest.approx(found[item], rel=1e-5)


def test_a_share_of_text_moves_items_with_events_too() -> None:
    graph, _ = topics()
    plain, mixed = (item_embeddings(graph, CONFIG.model_copy(update={"text_share": share})).target for share in (0.0, 0.5))
    assert np.abs(plain - mixed).max() > 0.01
    assert cosine(plain[0], mixed[0]) > 0.5


def test_attributes_and_text_share_the_place_of_an_item_without_events() -> None:
    embeddings = np.zeros((60, 2), dtype=np.float32)
    embeddings[:50, 0] = 1.0
    factors = embeddings.copy()
    embeddings[50, 1] = 1.0
    vectors = np.ones((60, 3), dtype=np.float32)
    vectors[52] = 0.0
    mixed = with_texts(embeddings, factors, vectors, known_share=0.0, seed=1)
    assert mixed[50] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert mixed[51] == pytest.approx([1.0, 0.0], abs=1e-3)
    assert not mixed[52].any()


def test_nothing_is_fitted_on_a_few_items_or_without_vectors() -> None:
    embeddings, vectors = np.ones((MIN_ITEMS - 1, 2), dtype=np.float32), np.ones((MIN_ITEMS - 1, 3), dtype=np.float32)
    assert with_texts(embeddings, embeddings, vectors, known_share=1.0, seed=1) is embeddings
    assert with_texts(embeddings, embeddings, None, known_share=1.0, seed=1) is embeddings


def test_a_linear_map_is_found_again_and_noise_is_not() -> None:
    rng = np.random.default_rng(3)
    x, truth = rng.normal(size=(400, 6)).astype(np.float32), rng.normal(size=(6, 4))
    found = text_map(x, (x @ truth + 0.5).astype(np.float32), seed=1)
    assert np.abs(found[:-1] - truth).max() < 0.05
    assert found[-1] == pytest.approx([0.5] * 4, abs=0.05)
    assert np.abs(text_map(x, rng.normal(size=(400, 4)).astype(np.float32), seed=1)[:-1]).max() < 0.2


def test_vectors_follow_their_ids_and_survive_a_refit() -> None:
    graph, interactions, _ = planted_brands(4)
    told = graph.with_texts([*reversed(graph.item_ids), "gone"], np.arange(graph.n_items + 1, dtype=np.float32)[:, None])
    assert told.text_vectors is not None
    assert told.text_vectors[:, 0].tolist() == list(range(graph.n_items - 1, -1, -1))
    assert told.with_interactions(interactions).text_vectors is told.text_vectors
    model = refit(told, interactions, small_model(graph, 1), CONFIG)
    new = [item for item, events in enumerate(told.popularity) if not events]
    assert np.any(model.target_embeddings[new], axis=1).all()
