"""Which items of a build a business rule is about, and the values that it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.recommend.rules.kinds.base import RuleFields, ValueLookup

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Matching = Callable[[Mapping[str, object]], BoolArray]
"""From a filter to whether it takes each item, [n_items]."""
_BRAND, _CATEGORY = "has_brand", "has_category"
_NO_VALUES: Mapping[int, tuple[int, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ValuesOf:
    """Values of items, read from the edges of a build when they are asked for.

    Attributes:
        indptr: Of the edges item → value.
        indices: The same.
        counted: Values that count, or None for all.
        items: Items that count, [n_items], or None for all.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    counted: frozenset[int] | None
    items: BoolArray | None

    def get(self, num: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return the counted values of an item."""
        if num >= len(self.indptr) - 1 or (self.items is not None and not self.items[num]):
            return default
        values = self.indices[self.indptr[num] : self.indptr[num + 1]].tolist()
        return tuple(values if self.counted is None else (value for value in values if value in self.counted))


class Selection:
    """The items of a build, as rules name them.

    Args:
        artifact: The build, with what changed since.
        matching: What filters take.
    """

    def __init__(self, artifact: Artifact, matching: Matching) -> None:
        self._artifact, self._matching = artifact, matching

    def selected(self, rule: RuleFields) -> IntArray:
        """Return the item_nums that a rule is about, ascending: those it lists, and those that fulfil all else that it demands."""
        return np.flatnonzero(self._mask(rule.items, rule.categories, rule.brands, rule.where)).astype(np.int64)

    def listed(self, rule: RuleFields) -> IntArray:
        """Return the item_nums that a rule lists one by one, in its order; those that the build lacks are left out."""
        return self._nums(rule.items)

    def values(self, rule: RuleFields) -> ValueLookup:
        """Return the values of the relation `per` that a rule counts: those it names, or all, of the items that it is about otherwise."""
        edge_type = next((each for each in self._artifact.edges if each[1] == rule.per), None)
        if edge_type is None:
            return _NO_VALUES
        edges = self._artifact.edges[edge_type].forward
        named = rule.brands if rule.per == _BRAND else rule.categories
        counted = frozenset(self._value_nums(edge_type[2], named)) if named else None
        categories, brands = (rule.categories, ()) if rule.per == _BRAND else ((), rule.brands)
        narrowed = bool(rule.items or categories or brands or rule.where is not None)
        return ValuesOf(edges.indptr, edges.indices, counted, self._mask(rule.items, categories, brands, rule.where) if narrowed else None)

    def met(self, wanted: Mapping[str, object] | None, item_ids: Sequence[str]) -> BoolArray | None:
        """Return the items of which a user of a segment has met one, [n_items]; None where the segment names none.

        Args:
            wanted: A filter.
            item_ids: Further items.
        """
        if wanted is None and not item_ids:
            return None
        met = np.zeros(self._artifact.n_items, dtype=bool) if wanted is None else self._matching(wanted).copy()
        met[self._nums(item_ids)] = True
        return met

    def _mask(self, item_ids: Sequence[str], categories: Sequence[str], brands: Sequence[str], where: Mapping[str, object] | None) -> BoolArray:
        """Return which items are meant, [n_items]; all, where nothing is named."""
        chosen = np.ones(self._artifact.n_items, dtype=bool)
        narrowed = False
        for relation, values in ((_CATEGORY, categories), (_BRAND, brands)):
            if values:
                chosen &= self._with_value(relation, values)
                narrowed = True
        if where is not None:
            chosen &= self._matching(where)
            narrowed = True
        if item_ids:
            chosen = chosen if narrowed else np.zeros(self._artifact.n_items, dtype=bool)
            chosen[self._nums(item_ids)] = True
        return chosen

    def _with_value(self, relation: str, values: Sequence[str]) -> BoolArray:
        chosen = np.zeros(self._artifact.n_items, dtype=bool)
        for edge_type, edges in self._artifact.edges.items():
            if edge_type[1] == relation:
                for value in self._value_nums(edge_type[2], values):
                    chosen[edges.reverse.indices[edges.reverse.indptr[value] : edges.reverse.indptr[value + 1]]] = True
        return chosen

    def _value_nums(self, node_type: str, values: Sequence[str]) -> list[int]:
        """Return the numbers of values, written as the graph has them or in other letter case; what the build lacks has none."""
        wanted = {value.casefold() for value in values}
        return [n for n, key in enumerate(self._artifact.node_keys.get(node_type, ())) if key.casefold() in wanted]

    def _nums(self, item_ids: Sequence[str]) -> IntArray:
        """Return the positions of items; those that the build lacks have none."""
        known = self._artifact.item_nums
        return np.asarray([known[item_id] for item_id in item_ids if item_id in known], dtype=np.int64)
