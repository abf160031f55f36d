"""Addends in groups: those that become one reason, for all items of a list at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gnn.explain.contributions import Contributions, PathContributions
from gnn.explain.kinds.base import kind_of
from gnn.types import IntArray

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """The addends of one item that become one reason: all of a meta-path, or those through one shared value.

    Attributes:
        part: The addends.
        value: The shared value's number, or -1.
        total: Their sum.
        counts: How many paths each addend stands for; None where it is one.
        n_shoppers: How many other shoppers the paths go through, where they are added up.
    """

    part: Contributions
    value: int
    total: float
    counts: IntArray | None = None
    n_shoppers: int = 0


@dataclass(frozen=True)
class Groups:
    """All groups of several items, those of each item largest first.

    Attributes:
        contributions: The addends by meta-path, in the order of their groups.
        places: Which item each group is for, ascending.
        totals: Its sum.
        walks: Its meta-path, as a place in `contributions`.
        values: Its shared value, or -1.
        first: Where its addends begin.
        end: Where they end.
    """

    contributions: Sequence[PathContributions]
    places: IntArray
    totals: FloatArray
    walks: IntArray
    values: IntArray
    first: IntArray
    end: IntArray

    @classmethod
    def of(cls, contributions: Sequence[PathContributions]) -> Groups:
        """Group addends."""
        parts: list[PathContributions] = []
        columns: list[list[npt.NDArray[np.generic]]] = [[np.zeros(0, dtype=np.int64)] * 6]
        for part in sorted((part for part in contributions if len(part.values)), key=lambda part: part.walk.meta_path.name):
            part, starts, values = _grouped(part)
            sums = np.add.reduceat(part.values, starts)
            columns.append([part.places[starts], sums, np.full(len(starts), len(parts)), values, starts, np.append(starts[1:], len(part.values))])
            parts.append(part)
        places, totals, walks, values, first, end = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.lexsort((values, walks, -totals, places))
        return cls(parts, places[order], totals[order].astype(np.float64), walks[order], values[order], first[order], end[order])

    def of_item(self, place: int) -> range:
        """Return which groups are of an item, largest first."""
        return range(*np.searchsorted(self.places, [place, place + 1]).tolist())

    def group(self, number: int) -> Group:
        """Return one group."""
        part, inside = self.contributions[self.walks[number]], slice(int(self.first[number]), int(self.end[number]))
        addends = Contributions(part.walk, part.positions[inside], part.middles[inside], part.values[inside])
        group = Group(addends, int(self.values[number]), float(self.totals[number]))
        if part.counts is None or part.n_users is None:
            return group
        return replace(group, counts=part.counts[inside], n_shoppers=int(part.n_users[self.places[number]]))


def _grouped(part: PathContributions) -> tuple[PathContributions, IntArray, IntArray]:
    """Return addends in the order of their groups, where each group begins, and its value."""
    if not kind_of(part.walk.meta_path).by_value:
        starts = np.flatnonzero(np.diff(part.places, prepend=-1))
        return part, starts, np.full(len(starts), -1)
    order = np.lexsort((part.middles[:, 0], part.places))
    part = PathContributions(part.walk, part.places[order], part.positions[order], part.middles[order], part.values[order])
    values = part.middles[:, 0]
    starts = np.flatnonzero(np.diff(part.places, prepend=-1) | np.diff(values, prepend=-1))
    return part, starts, values[starts]
