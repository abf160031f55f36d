"""Interests that a shopper edited or hid, and what becomes of a list by it.

    c_uj ← c_uj · Π_{edits whose value item j has} weight,   before the history is brought to length 1

A weight of 0 hides the value: what the shopper did with its items counts nothing, so no path starts from them, and its items are not shown. Every
score is a sum over history items, so the shares of an answer stay exact; the answer names each edit and how many items it took out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from kg.catalog.records import InterestEdit
from kg.schema import family

MAX_EDITS = 200


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """What an edit did.

    Attributes:
        relation: "has_brand", …
        value: Which value.
        weight: Factor on what it contributes.
        n_history: Items of the history that it weighs.
        n_hidden: Items of the catalogue that it takes out of lists.
    """

    relation: str
    value: str
    weight: float
    n_history: int
    n_hidden: int


@dataclass(frozen=True)
class Edits:
    """The edits of one shopper over one build.

    Attributes:
        factors: What each item's weight in the history is multiplied with, [n_items]; empty where nothing is edited.
        hidden: item_nums that are not shown.
        values: (edit, item_nums that have its value), in order.
    """

    factors: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.int64]
    values: tuple[tuple[InterestEdit, npt.NDArray[np.int64]], ...] = ()

    def of_items(self, nums: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the factor of each of these items."""
        return self.factors[nums] if len(self.factors) else np.ones(len(nums))

    def applied(self, met: npt.NDArray[np.int64]) -> tuple[AppliedEdit, ...]:
        """Say what each edit did to a shopper who met these items."""
        return tuple(
            AppliedEdit(edit.relation, edit.value, edit.weight, int(np.isin(items, met).sum()), 0 if edit.weight else len(items))
            for edit, items in self.values
        )


NO_EDITS = Edits(np.zeros(0), np.zeros(0, dtype=np.int64))


def edits_over(artifact: Artifact, edits: Sequence[InterestEdit]) -> Edits:
    """Work out what edits mean for the items of a build.

    Args:
        artifact: The build, with what changed since.
        edits: Of one shopper; a value that the build does not know changes nothing.
    """
    if not edits:
        return NO_EDITS
    factors = np.ones(artifact.n_items)
    values = []
    for edit in edits:
        items = items_with(artifact, edit.relation, edit.value)
        factors[items] *= edit.weight
        values.append((edit, items))
    return Edits(factors, np.flatnonzero(factors == 0), tuple(values))


def items_with(artifact: Artifact, relation: str, value: str) -> npt.NDArray[np.int64]:
    """Return the item_nums that have a value; none where the build does not know it."""
    parts = [np.zeros(0, dtype=np.int64)]
    for edge_type, edges in artifact.edges.items():
        if edge_type[1] == relation and family(edge_type) == "attribute":
            try:
                num = artifact.node_keys[edge_type[2]].index(value)
            except ValueError:
                continue
            parts.append(edges.reverse.indices[edges.reverse.indptr[num] : edges.reverse.indptr[num + 1]].astype(np.int64))
    return np.unique(np.concatenate(parts))
