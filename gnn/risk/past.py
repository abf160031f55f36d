"""What earlier rows say about each row, per entity: whole-number sums, so that the answer does not depend on how a file is cut.

All rows are in the order of time. "Earlier" is strictly earlier: rows of equal time see the same past, and neither themselves nor each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def codes(*columns: Ints) -> Ints:
    """Number the combinations of columns."""
    code = columns[0]
    for column in columns[1:]:
        code = np.unique(code * (int(column.max()) + 1) + column, return_inverse=True)[1].astype(np.int64)
    return code


class Past:
    """The earlier rows of each row that share its key.

    Args:
        code: Key of each row, whole numbers from 0. Shape [n].
        before: How many rows are earlier than each row and known to it. Shape [n].
        only: Rows that count; all where left out. Shape [n].
    """

    def __init__(self, code: Ints, before: Ints, only: npt.NDArray[np.bool_] | None = None) -> None:
        n = len(code)
        self._code, self._n = code * n, n
        place = self._code + np.arange(n)
        counted = np.arange(n) if only is None else np.flatnonzero(only)
        self._rows = counted[np.argsort(place[counted], kind="stable")]
        self._places = place[self._rows]
        self.start = np.searchsorted(self._places, self._code)
        self.end = np.searchsorted(self._places, self._code + before)

    @property
    def count(self) -> Ints:
        """How many earlier rows."""
        return self.end - self.start

    def since(self, low: Ints) -> Ints:
        """Return where the earlier rows from position `low` on begin."""
        return np.minimum(np.searchsorted(self._places, self._code + low), self.end)

    def total(self, values: Ints, first: Ints | None = None) -> Ints:
        """Add up the values of the earlier rows, from `first` on where given."""
        sums = np.concatenate([[0], np.cumsum(values[self._rows], dtype=np.int64)])
        return np.asarray(sums[self.end] - sums[self.start if first is None else first])

    def latest(self, k: int = 1) -> Ints:
        """Return the k-th latest earlier row; -1 where there is none."""
        rows = np.full(self._n, -1)
        has = self.count >= k
        rows[has] = self._rows[self.end[has] - k]
        return rows

    def rows_of(self, row: int) -> Ints:
        """Return the earlier rows of one row, in the order of time."""
        return np.asarray(self._rows[self.start[row] : self.end[row]])

    def earliest(self) -> Ints:
        """Return the first earlier row; -1 where there is none."""
        rows = np.full(self._n, -1)
        has = self.count > 0
        rows[has] = self._rows[self.start[has]]
        return rows

    def largest(self, values: Ints) -> Ints:
        """Return the largest value of the earlier rows; -1 where there is none. Values are from 0 up."""
        span = int(values.max(initial=0)) + 1
        group = np.searchsorted(np.unique(self._code), self._code)[self._rows]
        peaks = np.maximum.accumulate(group * span + values[self._rows]) - group * span
        result = np.full(self._n, -1, dtype=np.int64)
        has = self.count > 0
        result[has] = peaks[self.end[has] - 1]
        return result

    def firsts(self) -> Ints:
        """Return 1 for the first row of each key, 0 for the others."""
        is_first = np.zeros(self._n, dtype=np.int64)
        keys = self._places // self._n
        is_first[self._rows[np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]]] = 1
        return is_first
