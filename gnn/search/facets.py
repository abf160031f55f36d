"""Counts of values: within a relation any chosen value counts, across relations all must hold.

The values of a relation are counted as if nothing of that relation were chosen, so that a choice does not hide its alternatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import largest
from gnn.recommend.filters import ArtifactColumns
from gnn.search.request import MAX_FACET_VALUES, MAX_FACETS, Facet
from gnn.types import BoolArray, IntArray
from kg.errors import InputError

PRICE = "price_cents"


def check_facets(names: Sequence[str], chosen: Mapping[str, Sequence[str]], columns: ArtifactColumns) -> None:
    """See that facets exist and are not too many.

    Raises:
        InputError: They are not, or are.
    """
    wanted = [*names, *chosen]
    if len(wanted) > MAX_FACETS:
        raise InputError(f"{len(wanted):,} facets were asked for", hint=f"ask for at most {MAX_FACETS}")
    for name in wanted:
        if name not in columns.relations and not (name == PRICE and name not in chosen):
            raise InputError(f"there is no facet {name[:80]!r}", hint=f"facets are price_cents and {', '.join(columns.relations) or 'none'}")
    for name, values in chosen.items():
        if len(values) > MAX_FACET_VALUES:
            raise InputError(f"{len(values):,} values of {name} were chosen", hint=f"choose at most {MAX_FACET_VALUES}")


def chosen_masks(chosen: Mapping[str, Sequence[str]], columns: ArtifactColumns) -> dict[str, BoolArray]:
    """Return for each relation which items have one of the chosen values, [n_items]."""
    return {name: columns.related(name, list(values)) for name, values in chosen.items() if values}


def count(names: Sequence[str], docs: IntArray, masks: Mapping[str, BoolArray], artifact: Artifact) -> tuple[Facet, ...]:
    """Count values.

    Args:
        names: The facets.
        docs: The items found, before anything is chosen.
        masks: For each relation that something was chosen of, which items have it.
        artifact: The items' relations.
    """
    return tuple(_facet(name, _others(name, docs, masks), artifact) for name in names)


def _others(name: str, docs: IntArray, masks: Mapping[str, BoolArray]) -> IntArray:
    kept = np.ones(len(docs), dtype=bool)
    for relation, mask in masks.items():
        if relation != name:
            kept &= mask[docs]
    return docs[kept]


def _facet(name: str, docs: IntArray, artifact: Artifact) -> Facet:
    if name == PRICE:
        prices = artifact.price_cents[docs]
        prices = prices[np.isfinite(prices)]
        return Facet(name, (), float(prices.min()), float(prices.max())) if len(prices) else Facet(name)
    counted: list[tuple[str, int]] = []
    for edge_type, edges in artifact.edges.items():
        source, relation, target = edge_type
        if source != "item" or relation != name or not len(docs):
            continue
        values = _targets(edges.forward.indptr, edges.forward.indices, docs)
        numbers, times = np.unique(values, return_counts=True)
        best = largest(times.astype(np.float64), None, MAX_FACET_VALUES)
        counted += [(artifact.node_key(target, int(numbers[place])), int(times[place])) for place in best]
    return Facet(name, tuple(sorted(counted, key=lambda one: (-one[1], one[0]))[:MAX_FACET_VALUES]))


def _targets(indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], docs: IntArray) -> npt.NDArray[np.int64]:
    """Return the columns of many rows, one after the other."""
    starts, lengths = indptr[docs].astype(np.int64), (indptr[docs + 1] - indptr[docs]).astype(np.int64)
    offsets = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return np.asarray(indices[np.arange(int(lengths.sum())) + offsets], dtype=np.int64)
