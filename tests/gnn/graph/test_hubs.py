"""Nodes that very many share: they count less, lead on to their first neighbours, and stay exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.explain.contributions import WalkArrays
from gnn.explain.explainer import Explainer
from gnn.graph.arrays import GraphArrays
from gnn.graph.hubs import onward
from gnn.graph.walks import WalkWeights, middle_factor
from gnn.model.history import History, HistoryWeights
from gnn.model.scorer import PathModel, neighbour_matrix
from gnn.recommend.recommender import Recommender
from kg.schema import meta_paths
from tests.gnn.model.test_scoring_laws import artifact_of
from tests.gnn.oracles import shop
from tests.gnn.small import small_model, small_tables, with_hubs

CATEGORY = ("item", "has_category", "category")


def everything_in_one_category(n_items: int) -> GraphArrays:
    """Items 0, 1, … of one category; item n was bought by n shoppers."""
    items = [f"i{n:02}" for n in range(n_items)]
    bought = [{"user_id": f"u{u:02}", "item_id": item} for n, item in enumerate(items) for u in range(n)]
    return shop(items, bought, [(item, "has_category", "all") for item in items])[0]


def category_walk(graph: GraphArrays, max_degree: int, fanout: int) -> PathModel:
    """A model of nothing but the paths over categories."""
    path = next(path for path in meta_paths(graph.edges) if path.steps[0].edge_type == CATEGORY)
    none = np.zeros((graph.n_items, 0), dtype=np.float32)
    return PathModel((WalkWeights(path, 1.0, max_degree=max_degree, hub_fanout=fanout),), HistoryWeights(), none, none, 0.0)


@given(exponent=st.floats(0, 2), max_degree=st.integers(2, 500))
def test_the_factor_has_no_step_at_the_limit_and_falls_beyond(exponent: float, max_degree: int) -> None:
    path = next(iter(meta_paths([CATEGORY])))
    degree = np.arange(1, 2_000, dtype=np.float32)
    factor = middle_factor(degree, WalkWeights(path, 1.0, middle_exponent=exponent, max_degree=max_degree))
    below = degree <= max_degree
    np.testing.assert_allclose(factor[below], degree[below] ** np.float32(-exponent), rtol=1e-5)
    assert (factor > 0).all()
    assert (np.diff(factor[~below]) < 0).all()
    assert factor[max_degree] / factor[max_degree - 1] == pytest.approx((max_degree / (max_degree + 1)) ** (1 + exponent), rel=1e-4)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 1_000),
    max_degree=st.integers(1, 8),
    fanout=st.integers(1, 8),
    items=st.booleans(),
)
def test_a_hub_leads_on_to_its_first_neighbours(seed: int, max_degree: int, fanout: int, items: bool) -> None:
    rng = np.random.default_rng(seed)
    matrix = sp.random(9, 12, 0.5, format="csr", dtype=np.float32, random_state=seed)
    matrix.data[:] = 1
    popularity = rng.integers(0, 4, 12).astype(np.float32)
    found = onward(matrix, max_degree=max_degree, fanout=fanout, popularity=popularity if items else None)
    dense = matrix.toarray()
    key = -popularity if items else dense.sum(axis=0)
    for row, got in zip(dense, found.toarray(), strict=True):
        expected = sorted(np.flatnonzero(row).tolist(), key=lambda num: (key[num], num))
        if len(expected) > max_degree:
            expected = expected[:fanout]
        assert sorted(expected) == np.flatnonzero(got).tolist()
    assert (found is matrix) == (found.nnz == matrix.nnz)


def test_all_items_lead_over_a_value_of_all_to_the_most_popular() -> None:
    graph = everything_in_one_category(20)
    found = neighbour_matrix(graph, category_walk(graph, max_degree=5, fanout=3)).toarray()
    assert {tuple(np.flatnonzero(row).tolist()) for row in found[:17]} == {(17, 18, 19)}
    assert np.flatnonzero(found[18]).tolist() == [17, 19]
    # One value each, so nothing counts but the category: 1 · (5/20) · 20^-1 · 1.
    assert found[0, 19] == pytest.approx(5 / 20 / 20)


def test_a_path_over_a_hub_is_told_and_falls_away_with_its_edge(tmp_path: Path) -> None:
    graph = everything_in_one_category(20)
    artifact = artifact_of(tmp_path, graph, category_walk(graph, max_degree=5, fanout=3))
    history = History(np.array([0, 4]), np.array([0.6, 0.8]), ["purchased"] * 2)
    explainer = Explainer(artifact)
    told = explainer.explain(history, 19)
    assert told.score == pytest.approx(1.4 * 5 / 20 / 20)
    assert [path.nodes[2].key for reason in told.reasons for path in reason.paths] == [{"value": "all"}] * 2
    assert sum(reason.share for reason in told.reasons) == pytest.approx(1, abs=1e-6)
    assert explainer.through_edge(history, 19, CATEGORY, 4, 0) == pytest.approx(0.8 * 5 / 20 / 20)
    assert explainer.through_edge(history, 19, CATEGORY, 19, 0) == pytest.approx(told.score)
    assert explainer.explain(history, 16).score == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), max_degree=st.sampled_from([1, 2, 3]), fanout=st.integers(1, 5))
def test_carried_paths_are_the_enumerated_ones(tmp_path_factory: pytest.TempPathFactory, seed: int, max_degree: int, fanout: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    artifact = artifact_of(tmp_path_factory.mktemp("a"), graph, with_hubs(small_model(graph, seed), max_degree, fanout))
    history = History(np.arange(0, graph.n_items, 3), np.linspace(0.1, 1, len(range(0, graph.n_items, 3))), ["purchased"] * 5)
    items, everything = np.arange(graph.n_items), np.ones((graph.n_items, len(history.nums)), dtype=bool)
    for walk in artifact.model.walks:
        arrays = WalkArrays(artifact, walk, many=0)
        found = arrays.among(history, everything, items)
        totals = np.bincount(found.places, weights=found.values, minlength=graph.n_items)
        if len(walk.meta_path.steps) < 3:
            np.testing.assert_allclose(arrays.propagated(history), totals, rtol=1e-5, atol=1e-9)
        if arrays.adds_up(history):
            together = arrays.together(history, everything, items)
            np.testing.assert_allclose(np.bincount(together.places, weights=together.values, minlength=graph.n_items), totals, rtol=1e-5, atol=1e-9)
            np.testing.assert_array_equal(together.n_paths(graph.n_items), found.n_paths(graph.n_items))


def test_an_artifact_keeps_cut_edges_only_where_there_are_hubs(tmp_path: Path) -> None:
    graph = GraphArrays.from_tables(small_tables(0))
    model = small_model(graph, 0)
    without = artifact_of(tmp_path, graph, model)
    assert not without.hubs
    assert not list(without.folder.glob("onward_*"))
    (tmp_path / "hubs").mkdir()
    cut = artifact_of(tmp_path / "hubs", graph, with_hubs(model, 2, 2))
    assert cut.hubs
    for (step, _, fanout), (forward, reverse) in cut.hubs.items():
        whole, _ = cut.oriented(step)
        assert (np.diff(forward.indptr) == np.where(np.diff(whole.indptr) > 2, fanout, np.diff(whole.indptr))).all()
        assert not (forward != forward.multiply(whole)).nnz
        assert not (reverse != forward.T).nnz
    whole_scores, cut_scores = (Recommender(one).scores(History(np.array([1]), np.ones(1), ["purchased"])) for one in (without, cut))
    assert not np.allclose(whole_scores, cut_scores)


def test_more_room_than_neighbours_leaves_the_weights_alone_to_fall(tmp_path: Path) -> None:
    """With a fan-out that no node reaches, hubs lose weight and no path."""
    graph = GraphArrays.from_tables(small_tables(1))
    model = small_model(graph, 1)
    both = [neighbour_matrix(graph, replace(one, neighbours=1_000)) for one in (model, with_hubs(model, 2, 1_000))]
    assert both[0].nnz == both[1].nnz
    assert not (both[1] > both[0]).nnz
    assert both[1].sum() < both[0].sum()
