"""Quantities of a query against the facts of the graph: "17 inch" finds what has a screen of 43.2 cm."""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.search.query.understanding import Requested
from gnn.types import IntArray

_VALUE = re.compile(r"(\d+(?:\.\d+)?) (\S.*)")
_TOLERANCE = 0.02


class QuantityFacts:
    """Which items have which quantity.

    Args:
        artifact: The items' relations.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact

    def __call__(self, requested: Requested) -> IntArray:
        """Return the items that have a quantity, to two hundredths of it."""
        matches = [self._items(relation, value) for relation, value in requested.values]
        return np.unique(np.concatenate(matches)) if matches else np.zeros(0, dtype=np.int64)

    @cached_property
    def _nodes(self) -> dict[str, dict[str, list[tuple[str, float, int]]]]:
        """Relation → unit → (node type, number, node)."""
        matches: dict[str, dict[str, list[tuple[str, float, int]]]] = {}
        for source, relation, target in self._artifact.edges:
            if source == "item" and target in self._artifact.node_keys:
                for num, key in enumerate(self._artifact.node_keys[target]):
                    match = _VALUE.fullmatch(key)
                    if match is not None:
                        matches.setdefault(relation, {}).setdefault(match[2], []).append((target, float(match[1]), num))
        return matches

    def _items(self, relation: str, value: str) -> IntArray:
        match = _VALUE.fullmatch(value)
        if match is None:
            return np.zeros(0, dtype=np.int64)
        number, rows = float(match[1]), []
        for target, other, num in self._nodes.get(relation, {}).get(match[2], ()):
            if abs(other - number) <= _TOLERANCE * number:
                reverse = self._artifact.edges["item", relation, target].reverse
                rows.append(np.asarray(reverse.indices[reverse.indptr[num] : reverse.indptr[num + 1]], dtype=np.int64))
        return np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
