from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import step_matrices
from gnn.model.data import hetero_data, step_edge_type, transposed_adjacency
from gnn.model.path_sum import PathSum, SumStep, inverse_softplus, smoothed
from gnn.model.scorer import PathModel, history_weights, neighbour_matrix, score
from kg.schema import Step
from tests.gnn.oracles import shop
from tests.gnn.small import small_model, small_tables, with_hubs


def network_of(graph: GraphArrays, model: PathModel) -> PathSum:
    return PathSum(graph, model.walks, model.source_embeddings, model.target_embeddings, model.learned_gate, model.item_weights, model.weights_gate)


@given(seed=st.integers(0, 10_000), max_degree=st.sampled_from([1, 2, 3, 1_000]), fanout=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_pytorch_geometric_and_the_served_scorer_agree(seed: int, max_degree: int, fanout: int) -> None:
    graph = GraphArrays.from_tables(small_tables(seed))
    model = with_hubs(small_model(graph, seed), max_degree, fanout)
    history = history_weights(graph, model.history)
    with torch.no_grad():
        ours = network_of(graph, model)(torch.from_numpy(history.toarray())).numpy()
    np.testing.assert_allclose(ours, score(history, neighbour_matrix(graph, model), model), atol=1e-5)


def test_messages_one_by_one_equal_the_sparse_product() -> None:
    graph = GraphArrays.from_tables(small_tables(1))
    data, step = hetero_data(graph), SumStep()
    for edge_type in data.edge_types:
        x = torch.randn(data[edge_type[0]].num_nodes, 3, generator=torch.Generator().manual_seed(1))
        n_targets = data[edge_type[2]].num_nodes
        torch.testing.assert_close(step(x, data[edge_type].edge_index, n_targets), step(x, transposed_adjacency(data, edge_type), n_targets))


def test_every_score_is_the_sum_over_history_items() -> None:
    graph = GraphArrays.from_tables(small_tables(2))
    network = network_of(graph, small_model(graph, 2))
    history = torch.rand(1, graph.n_items, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        alone = network(torch.diag(history[0]))  # one history item a row
        torch.testing.assert_close(alone.sum(dim=0), network(history)[0])


@pytest.mark.parametrize(("max_degree", "fanout"), [(1_000, 1), (2, 300), (2, 2), (1, 1)])
def test_a_walk_is_its_matrix(max_degree: int, fanout: int) -> None:
    graph = GraphArrays.from_tables(small_tables(3))
    network = network_of(graph, with_hubs(small_model(graph, 3), max_degree, fanout))
    for number, walk in enumerate(network.walks):
        product = step_matrices(graph, walk).weighted[0]
        for matrix in step_matrices(graph, walk).weighted[1:]:
            product = product @ matrix
        with torch.no_grad():
            carried = network.carry(number, torch.eye(graph.n_items)).numpy().T
        np.testing.assert_allclose(carried, product.toarray(), atol=1e-5)


def test_gradients_reach_gates_exponents_and_embeddings() -> None:
    graph = GraphArrays.from_tables(small_tables(4))
    model = small_model(graph, 4)
    network = network_of(graph, model)
    history = torch.from_numpy(history_weights(graph, model.history).toarray())
    network(history).logsumexp(dim=1).sum().backward()
    for parameter in (network.raw_gates, network.exponents, network.source, network.target, network.raw_learned_gate):
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().sum() > 0


def test_path_model_carries_everything_learned() -> None:
    graph = GraphArrays.from_tables(small_tables(5))
    model = small_model(graph, 5)
    back = network_of(graph, model).path_model(model.history, neighbours=model.neighbours)
    assert [walk.meta_path for walk in back.walks] == [walk.meta_path for walk in model.walks]
    np.testing.assert_allclose([walk.gate for walk in back.walks], [walk.gate for walk in model.walks], rtol=1e-5)
    np.testing.assert_allclose([walk.end_exponent for walk in back.walks], [walk.end_exponent for walk in model.walks], rtol=1e-5)
    np.testing.assert_array_equal(back.source_embeddings, model.source_embeddings)


@given(value=st.floats(1e-6, 1e4))
def test_gates_survive_the_softplus(value: float) -> None:
    assert torch.nn.functional.softplus(inverse_softplus([value]))[0].item() == pytest.approx(value, rel=1e-3)


def test_smoothing_gives_an_unknown_item_the_mean_of_its_brand() -> None:
    graph, _ = shop(["a", "b", "c", "d"], [], [("a", "has_brand", "x"), ("b", "has_brand", "x"), ("c", "has_brand", "x"), ("d", "has_brand", "y")])
    embeddings = np.array([[1, 0], [0, 1], [0, 0], [3, 3]], dtype=np.float32)
    result, _ = smoothed(graph, embeddings, 0.5, max_degree=100)
    np.testing.assert_allclose(result[2], [0.5, 0.5])
    np.testing.assert_allclose(result[0], 0.5 * embeddings[0] + 0.5 * np.array([0.5, 0.5]))
    np.testing.assert_allclose(result[3], embeddings[3])


def test_a_hub_smooths_less_than_other_values() -> None:
    """Of item a's two brands one has four items, twice as many as count in full."""
    facts = [*((item, "has_brand", "hub") for item in "abcd"), ("a", "has_brand", "x"), ("e", "has_brand", "x"), ("b", "has_color", "red")]
    graph, _ = shop(list("abcde"), [], facts)
    embeddings = np.array([[0, 0], [2, 0], [0, 2], [2, 2], [0, 5]], dtype=np.float32)
    result, _ = smoothed(graph, embeddings, 0.5, max_degree=2)
    hub, x = embeddings[1:4].mean(axis=0), embeddings[4]
    np.testing.assert_allclose(result[0], (0.5 * hub + x) / 1.5, rtol=1e-6)
    np.testing.assert_allclose(result[2], 0.5 * embeddings[2] + 0.5 * hub, rtol=1e-6)


def test_reversed_steps_lead_back() -> None:
    assert step_edge_type(Step(("item", "has_brand", "brand"), reverse=True)) == ("brand", "rev_has_brand", "item")
