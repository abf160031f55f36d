"""What a shop's own data say about two values: do items carry both, and do they occur with the same other attributes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

STRUCTURED = "catalog"
"""Extractor of facts that come from the shop's own structured fields."""

_FREQUENT = 5
"""A value that so many items state is there on purpose."""
_MAX_STRANGER_CONTEXT = 0.1
"""Two frequent values whose other attributes agree less than this are two things of one name."""


@dataclass(frozen=True)
class ShopFacts:
    """All facts of a shop as matrices over distinct attributes, numbered in the order of (relation, value).

    Attributes:
        span: Relation → its attributes' first number and the number after its last.
        values: Value of each attribute.
        incidence: Which item has which attribute, 0/1. Shape [n_attributes, n_items].
        stated: Which item states it in a structured field, 0/1. Shape [n_attributes, n_items].
        weight: How much an attribute says about an item that has it. Shape [n_attributes].
        by_item: `incidence`, transposed. Shape [n_items, n_attributes].
    """

    span: dict[str, tuple[int, int]]
    values: list[str]
    incidence: sparse.csr_matrix
    stated: sparse.csr_matrix
    weight: NDArray[np.float64]
    by_item: sparse.csr_matrix

    @classmethod
    def of(cls, attributes: pl.DataFrame) -> ShopFacts:
        """Count facts: item_id, relation, value and extractor; the order of the rows does not matter."""
        names = attributes.select("relation", "value").unique().sort("relation", "value").with_row_index("attribute_num")
        items = attributes.select("item_id").unique().sort("item_id").with_row_index("item_num")
        facts = attributes.join(names, on=["relation", "value"]).join(items, on="item_id")
        shape = (names.height, items.height)
        incidence = _incidence(facts, shape)
        counts = np.diff(incidence.indptr)
        spans = names.group_by("relation").agg(start=pl.col("attribute_num").min(), end=pl.col("attribute_num").max() + 1)
        return cls(
            {relation: (start, end) for relation, start, end in spans.sort("relation").iter_rows()},
            names["value"].to_list(),
            incidence,
            _incidence(facts.filter(pl.col("extractor") == STRUCTURED), shape),
            # An attribute that every item has says nothing, one that few have says much.
            np.log((items.height + 1) / np.maximum(counts, 1)),
            incidence.T.tocsr(),
        )


def _incidence(facts: pl.DataFrame, shape: tuple[int, int]) -> sparse.csr_matrix:
    rows, columns = facts["attribute_num"].to_numpy(), facts["item_num"].to_numpy()
    matrix = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    matrix.data[:] = 1.0
    return matrix


class RelationEvidence:
    """What the facts say about the values of one relation, numbered from 0 in the order of the alphabet.

    Args:
        facts: All facts of the shop.
        relation: One of its relations.
    """

    def __init__(self, facts: ShopFacts, relation: str) -> None:
        self._facts = facts
        self._start, self._end = facts.span[relation]
        self._contexts: dict[int, sparse.csr_matrix] = {}
        self.values = facts.values[self._start : self._end]
        self.items = np.diff(facts.incidence.indptr)[self._start : self._end].astype(np.int64)
        self.structured = np.diff(facts.stated.indptr)[self._start : self._end].astype(np.int64)

    def distinct(self, a: int, b: int) -> bool:
        """Say whether the shop shows two values as different.

        They are, if one item states both, or if both are frequent and occur with different other attributes.
        """
        stated = self._facts.stated
        if len(np.intersect1d(stated[[a + self._start]].indices, stated[[b + self._start]].indices)):
            return True
        if min(self.structured[a], self.structured[b]) < _FREQUENT:
            return False
        shared = self.shared_context(a, b)
        return shared is not None and shared < _MAX_STRANGER_CONTEXT

    def shared_context(self, a: int, b: int) -> float | None:
        """Return the cosine of the two values' other attributes, or None where one has none."""
        one, two = self._context(a), self._context(b)
        norm = float(np.sqrt(one.multiply(one).sum() * two.multiply(two).sum()))
        return float(one.multiply(two).sum()) / norm if norm else None

    def _context(self, number: int) -> sparse.csr_matrix:
        if number not in self._contexts:
            row = sparse.csr_matrix(self._facts.incidence[[number + self._start]] @ self._facts.by_item)
            own = (row.indices >= self._start) & (row.indices < self._end)
            row.data = np.where(own, 0.0, row.data * self._facts.weight[row.indices])
            self._contexts[number] = row
        return self._contexts[number]
