"""Which items are of one kind: those that share the most specific category of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from gnn.artifact.artifact import Artifact
from gnn.explain.contributions import Contributions
from gnn.explain.groups import Group
from gnn.explain.kinds.base import Scope
from gnn.types import BoolArray

_SAYS_THE_KIND = ("has_category", "has_product_type", "has_type")
"""Relations whose values are kinds of items."""
_BROAD = 1_000
"""A category of more items says little of what they have in common."""
_Value = tuple[int, int]
"""Which relation, and the number of its value."""


class ItemsOfAKind:
    """Compares items by their categories.

    Args:
        artifact: Whose items they are.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._edges = [edges for edge_type, edges in sorted(artifact.edges.items()) if edge_type[0] == "item" and edge_type[1] in _SAYS_THE_KIND]
        self._categories = cache(self._categories_of)

    def alike(self, item: int, other: int, scope: Scope) -> bool:
        """Say whether two items are near enough: for "kind" one has the most specific category of the other, for "category" they share one."""
        (own, of_own), (theirs, of_theirs) = self._categories(item), self._categories(other)
        if scope == "kind":
            return own in of_theirs or theirs in of_own
        return not of_own or not of_theirs or bool(of_own.keys() & of_theirs.keys() - self._broad(of_own))

    @staticmethod
    def _broad(categories: Mapping[_Value, int]) -> set[_Value]:
        return {value for value, size in categories.items() if size > _BROAD}

    def within(self, group: Group, scope: Scope, item: int, history: Sequence[int]) -> Group | None:
        """Return what of a group may be a reason for an item, or None where nothing may.

        Args:
            group: The addends.
            scope: Where their value may be a reason.
            item: item_num.
            history: item_nums of the history.
        """
        if scope == "anywhere":
            return group
        if scope == "nowhere" or group.counts is not None:
            return None
        positions = np.unique(group.part.positions).tolist()
        near = [position for position in positions if self.alike(item, history[position], scope)]
        if len(near) == len(positions):
            return group
        return _part(group, np.isin(group.part.positions, near)) if near else None

    def _categories_of(self, item: int) -> tuple[_Value | None, Mapping[_Value, int]]:
        """Return the rarest category of an item that another one has, and how many items each of its categories has."""
        counts: dict[_Value, int] = {}
        for which, edges in enumerate(self._edges):
            forward, starts = edges.forward, edges.reverse.indptr
            for value in forward.indices[forward.indptr[item] : forward.indptr[item + 1]].tolist():
                counts[which, value] = int(starts[value + 1] - starts[value])
        shared = [(size, value) for value, size in counts.items() if size > 1]
        return (min(shared)[1] if shared else None), counts


def _part(group: Group, kept: BoolArray) -> Group:
    part = group.part
    addends = Contributions(part.walk, part.positions[kept], part.middles[kept], part.values[kept])
    return Group(addends, group.value, float(addends.values.sum()))
