from __future__ import annotations

import numpy as np
import torch

from gnn.graph.arrays import GraphArrays
from gnn.model.data import hetero_data, transposed_adjacency
from kg.schema import family
from tests.gnn.small import small_tables


def test_every_scoring_edge_is_there_in_both_directions() -> None:
    graph = GraphArrays.from_tables(small_tables(1))
    data = hetero_data(graph)
    for edge_type, frame in graph.edges.items():
        assert family(edge_type) is not None
        source, relation, target = edge_type
        expected = frame.select("source_num", "target_num").to_numpy().T
        np.testing.assert_array_equal(data[edge_type].edge_index.numpy(), expected)
        np.testing.assert_array_equal(data[(target, f"rev_{relation}", source)].edge_index.numpy(), expected[::-1])


def test_degrees_count_the_edges() -> None:
    graph = GraphArrays.from_tables(small_tables(2))
    data = hetero_data(graph)
    for edge_type in graph.edges:
        adjacency = graph.adjacency(edge_type)
        np.testing.assert_array_equal(data[edge_type].source_degree.numpy(), np.asarray(adjacency.sum(axis=1)).ravel())
        np.testing.assert_array_equal(data[edge_type].target_degree.numpy(), np.asarray(adjacency.sum(axis=0)).ravel())
        np.testing.assert_array_equal(transposed_adjacency(data, edge_type).to_dense().numpy(), adjacency.T.toarray())


def test_item_features_travel_along() -> None:
    graph = GraphArrays.from_tables(small_tables(3))
    features = np.arange(graph.n_items * 2, dtype=np.float64).reshape(-1, 2)
    data = hetero_data(graph, item_features=features)
    assert data["item"].x.dtype == torch.float32
    assert data["item"].num_nodes == graph.n_items
    data.validate(raise_on_error=True)
