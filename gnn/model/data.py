"""`HeteroData` from graph arrays: the graph as PyTorch Geometric sees it."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from gnn.graph.arrays import GraphArrays
from kg.schema import EdgeType, Step, family

REVERSE = "rev_"


def step_edge_type(step: Step) -> EdgeType:
    """Return the edge type under which `hetero_data` keeps the edges of a step, which lead from its start to its end."""
    source, relation, target = step.edge_type
    return (target, f"{REVERSE}{relation}", source) if step.reverse else step.edge_type


def hetero_data(graph: GraphArrays, *, item_features: np.ndarray | None = None) -> HeteroData:
    """Turn the edges that play a part in the score into PyTorch Geometric's form, in both directions.

    Shapes:
        data[type].num_nodes; data["item"].x [n_items, f] where features are given; per edge type `edge_index` [2, E] int64 (row 0 sources) and
        per node `source_degree` [n_source], `target_degree` [n_target] float32. Reversed edges have the relation "rev_<relation>".
    """
    data = HeteroData()
    for node_type, keys in graph.keys.items():
        data[node_type].num_nodes = len(keys)
    if item_features is not None:
        data["item"].x = torch.from_numpy(np.ascontiguousarray(item_features, dtype=np.float32))
    for edge_type in graph.edges:
        if family(edge_type) is None:
            continue
        source, relation, target = edge_type
        edge_index = torch.from_numpy(graph.edges[edge_type].select("source_num", "target_num").to_numpy().T.copy())  # [2, E]
        out_degree = torch.bincount(edge_index[0], minlength=len(graph.keys[source])).float()
        in_degree = torch.bincount(edge_index[1], minlength=len(graph.keys[target])).float()
        _add(data, edge_type, edge_index, out_degree, in_degree)
        _add(data, (target, f"{REVERSE}{relation}", source), edge_index.flip(0), in_degree, out_degree)
    return data


def _add(data: HeteroData, edge_type: EdgeType, edge_index: Tensor, source_degree: Tensor, target_degree: Tensor) -> None:
    store = data[edge_type]
    store.edge_index, store.source_degree, store.target_degree = edge_index, source_degree, target_degree


def sparse_tensor(matrix: sp.spmatrix) -> Tensor:
    """Return a scipy matrix as a torch CSR tensor, which `MessagePassing` multiplies without writing out one message per edge."""
    rows = sp.csr_matrix(matrix, dtype=np.float32)
    rows.sort_indices()
    with warnings.catch_warnings():
        # torch calls its CSR layout a beta and says so once per process; the products used here are covered by our tests.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(rows.indptr.astype(np.int64)), torch.from_numpy(rows.indices.astype(np.int64)), torch.from_numpy(rows.data), rows.shape
        )


def transposed_adjacency(data: HeteroData, edge_type: EdgeType) -> Tensor:
    """Return the edges of a type as the `adj_t` that `MessagePassing` takes.

    Shapes:
        [n target nodes, n source nodes], CSR of ones.
    """
    source, _, target = edge_type
    sources, targets = data[edge_type].edge_index.numpy()
    shape = (data[target].num_nodes, data[source].num_nodes)
    return sparse_tensor(sp.csr_matrix((np.ones(len(sources), dtype=np.float32), (targets, sources)), shape=shape))
