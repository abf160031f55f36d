"""What the learned parts are split with, as files of an artifact (`gnn.model.copurchases`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gnn.artifact.stored_arrays import mapped
from gnn.model.copurchases import CoPurchases
from gnn.types import IntArray
from kg.schema import EdgeType

_ARRAYS = ("through", "taken", "given", "met", "support")


def write_copurchases(folder: Path, copurchases: CoPurchases | None) -> str | None:
    """Write the arrays, and return which interaction they are of; None where there are none."""
    if copurchases is None:
        return None
    for name in _ARRAYS:
        np.save(folder / f"copurchases_{name}.npy", np.ascontiguousarray(getattr(copurchases, name)))
    return "/".join(copurchases.edge_type)


def read_copurchases(folder: Path, edge_type: str | None, first: Mapping[EdgeType, IntArray]) -> CoPurchases | None:
    """Read what `write_copurchases` wrote.

    Args:
        folder: Of the artifact.
        edge_type: What it returned.
        first: Where the edges of each item begin, per edge type, [n_items + 1].
    """
    if edge_type is None:
        return None
    source, relation, target = edge_type.split("/")
    arrays = {name: mapped(folder / f"copurchases_{name}.npy") for name in _ARRAYS}
    return CoPurchases((source, relation, target), first=first[source, relation, target], **arrays)
