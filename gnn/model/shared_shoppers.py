"""The shoppers who met items of a history and some other items: what all paths item ← shopper → item between them add up to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from gnn.model.scorer import csr_entries
from gnn.types import BoolArray, IntArray, Values


class SharedShoppers:
    """Those shoppers, as two matrices.

    Args:
        begins: Where paths begin: the shoppers of each item, [items, shoppers].
        ends: Where they end, the same or less.
        nums: The history items.
        items: The items that paths lead to.
        walked: Which shoppers paths go through, [shoppers].
    """

    def __init__(self, begins: sp.csr_matrix, ends: sp.csr_matrix, nums: IntArray, items: IntArray, walked: BoolArray) -> None:
        self.n_items, self.n_history = len(items), len(nums)
        self._of_item, users, self.ends_at = csr_entries(ends, items)
        open_ = walked[users]
        self._of_item, users, self.ends_at = self._of_item[open_], users[open_], self.ends_at[open_]
        numbers = np.zeros(len(walked), dtype=np.int32)
        numbers[users] = 1
        self.users: IntArray = np.flatnonzero(numbers)
        numbers[self.users] = np.arange(1, len(self.users) + 1, dtype=np.int32)
        self._rows = numbers[users] - 1
        positions, users, begins_at = csr_entries(begins, nums)
        columns = numbers[users]
        shared = columns > 0
        self.begins_at = begins_at[shared]
        self._indptr = np.concatenate([[0], np.cumsum(np.bincount(positions[shared], minlength=len(nums)))])
        self._columns = columns[shared] - 1

    def sums(self, begins: npt.NDArray[np.floating] | None = None, ends: npt.NDArray[np.floating] | None = None) -> Values:
        """Add up a product over the paths from each history item to each item.

        Args:
            begins: A factor of each first edge, in the order of the whole matrix; None for ones.
            ends: The same of each last edge.

        Shapes:
            → [n items, n history items].
        """
        first = self._between(None if begins is None else begins[self.begins_at])
        return np.asarray((first @ self._met(None if ends is None else ends[self.ends_at])).T)

    def through(self, factor: npt.NDArray[np.floating]) -> Values:
        """Add up a factor of the shoppers over the same paths.

        Args:
            factor: [n shoppers of the whole matrix].

        Shapes:
            → [n items, n history items].
        """
        weighted = self._met(None) * factor[self.users].astype(np.float64)[:, None]
        return np.asarray((self._between(None) @ weighted).T)

    def distinct(self, pairs: BoolArray) -> IntArray:
        """Count the shoppers on the paths of some pairs.

        Args:
            pairs: Which history items lead to which item, [n items, n history items].

        Shapes:
            → [n items].
        """
        reached = self._between(None).T @ pairs.T.astype(np.float64)  # [n shoppers, n items]
        return np.asarray(((reached > 0) & (self._met(None) > 0)).sum(axis=0), dtype=np.int64)

    def _between(self, data: npt.NDArray[np.floating] | None) -> sp.csr_matrix:
        values = np.ones(len(self._columns)) if data is None else data.astype(np.float64)
        return sp.csr_matrix((values, self._columns, self._indptr), shape=(self.n_history, len(self.users)))

    def _met(self, data: npt.NDArray[np.floating] | None) -> Values:
        met = np.zeros((len(self.users), self.n_items))
        met[self._rows, self._of_item] = 1.0 if data is None else data
        return met
