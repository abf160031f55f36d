"""Items that a shop lists more than once: shown once, counted together.

The build has joined their histories already: its interaction edges lead to one listing of each group, the one that the others are `SAME_AS`. Here
the rest follows: fresh events count towards that listing too, a list shows the best ranked of a group, and what is met is met under every listing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gnn.artifact.artifact import Artifact
from gnn.graph.walks import FloatArray
from kg.graph.build import SAME_AS

IntArray = npt.NDArray[np.int64]
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class DuplicateGroups:
    """The groups of listings of one artifact; items that are listed once are in none.

    Attributes:
        members: item_nums of all groups, in the order of their groups, [n].
        groups: The item_num that stands for the group of each, [n].
    """

    members: IntArray = field(default_factory=lambda: _NONE)
    groups: IntArray = field(default_factory=lambda: _NONE)

    @classmethod
    def of(cls, artifact: Artifact) -> DuplicateGroups:
        """Return the groups of an artifact."""
        edges = artifact.edges.get(SAME_AS)
        if edges is None:
            return cls()
        forward = edges.forward
        listed, heads = np.repeat(np.arange(forward.shape[0]), np.diff(forward.indptr)), np.asarray(forward.indices)
        members = np.concatenate([listed, np.unique(heads)]).astype(np.int64)
        groups = np.concatenate([heads, np.unique(heads)]).astype(np.int64)
        # A shop's own triples may link listings in any way; the first of a pair wins, so that each item is in one group.
        first = np.unique(members, return_index=True)[1]
        order = np.lexsort((members[first], groups[first]))
        return cls(members[first][order], groups[first][order])

    @cached_property
    def most(self) -> int:
        """Most listings of one item: among so many times k items there are k that differ."""
        return int(np.unique(self.groups, return_counts=True)[1].max(initial=1))

    def hidden(self, scores: FloatArray, fallback_scores: FloatArray | None) -> IntArray:
        """Return the listings that a list leaves out: all of a group but the best, by score, then by `fallback_scores`, then the smaller number.

        Args:
            scores: [n_items]; -inf where an item must not be shown.
            fallback_scores: What ranks items that score nothing, [n_items].
        """
        if not len(self.members):
            return _NONE
        own = scores[self.members]
        more = np.zeros_like(own) if fallback_scores is None else np.where(own > 0, 0.0, fallback_scores[self.members])
        order = np.lexsort((self.members, -more, -np.maximum(own, 0.0), ~np.isfinite(own), self.groups))
        repeated = np.zeros(len(order), dtype=bool)
        repeated[1:] = self.groups[order][1:] == self.groups[order][:-1]
        return self.members[order[repeated]]

    def all_duplicates(self, nums: npt.NDArray[np.integer]) -> IntArray:
        """Return these items and all other listings of them."""
        own: IntArray = np.asarray(nums, dtype=np.int64)
        if not len(self.members):
            return own
        groups = self.groups[np.isin(self.members, nums)]
        return np.unique(np.concatenate([own, self.members[np.isin(self.groups, groups)]]))

    def counted(self, item_nums: Mapping[str, int], item_ids: list[str]) -> Mapping[str, int]:
        """Return item id → the item_num whose history an event of it belongs to."""
        if not len(self.members):
            return item_nums
        return {**item_nums, **{item_ids[num]: group for num, group in zip(self.members.tolist(), self.groups.tolist(), strict=True)}}


NONE = DuplicateGroups()
"""No item is listed twice."""
