"""The graph of an artifact as files: nodes, edges, and where walks go on to behind hubs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gnn.artifact.stored_arrays import write_csr
from gnn.graph.arrays import GraphArrays
from gnn.graph.hubs import has_hubs
from gnn.graph.walks import going_on, oriented
from gnn.model.scorer import PathModel
from kg.schema import EdgeType

PROPERTIES = ("count", "first_time", "last_time", "rating")
"""Properties of interactions that are stored, in the order of the forward edges."""


def write_nodes(folder: Path, graph: GraphArrays) -> None:
    """Write the ids of all nodes, and what is shown of them."""
    pl.DataFrame({"item_id": list(graph.item_ids), "title": list(graph.titles)}).write_ipc(folder / "items.arrow")
    pl.DataFrame({"user_id": list(graph.keys.get("user", ()))}, schema={"user_id": pl.String}).write_ipc(folder / "users.arrow")
    for node_type, keys in graph.keys.items():
        if node_type not in ("item", "user"):
            shown = [graph.shown.get(node_type, {}).get(key, key) for key in keys]
            columns = {"key": pl.String, "shown": pl.String}
            pl.DataFrame({"key": list(keys), "shown": shown}, schema=columns).write_ipc(folder / f"nodes_{node_type}.arrow")


def write_edges(folder: Path, n: int, graph: GraphArrays, edge_type: EdgeType) -> None:
    """Write the edges of one type, both ways round."""
    forward = graph.adjacency(edge_type)
    write_csr(folder, f"edges_{n}_forward", forward)
    write_csr(folder, f"edges_{n}_reverse", forward.T.tocsr())
    frame = graph.edges[edge_type]
    for name in PROPERTIES:
        if edge_type[0] == "user" and edge_type[2] == "item" and name in frame.columns:
            values = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            np.save(folder / f"edges_{n}_{name}.npy", values)


def write_hubs(folder: Path, graph: GraphArrays, model: PathModel, edge_types: list[EdgeType]) -> list[dict[str, Any]]:
    """Write where walks go on to by the steps in which there are hubs, and return which these are."""
    walked = {(step, walk.max_degree, walk.hub_fanout): walk for walk in model.walks for step in walk.meta_path.steps[1:]}
    hubs: list[dict[str, Any]] = []
    for (step, max_degree, fanout), walk in walked.items():
        degree = graph.edges[step.edge_type]["target_num" if step.reverse else "source_num"].value_counts()["count"].to_numpy()
        if not has_hubs(degree, max_degree=max_degree, fanout=fanout):
            continue
        forward = going_on(oriented(graph, step), step, walk, graph.popularity)
        write_csr(folder, f"onward_{len(hubs)}_forward", forward)
        write_csr(folder, f"onward_{len(hubs)}_reverse", forward.T.tocsr())
        hubs.append({"edge_type": edge_types.index(step.edge_type), "reverse": step.reverse, "max_degree": max_degree, "hub_fanout": fanout})
    return hubs
