"""The items that are searched: those of a build, with items that changed since in their place and new ones after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gnn.search.fields import ItemText
from gnn.search.index import Floats, Rows, SearchIndex, beginning
from gnn.search.kinds import Kind
from gnn.types import BoolArray, IntArray

_PREFIXED = 8


@dataclass(frozen=True)
class Corpus:
    """An index, and a small one of what changed since.

    Attributes:
        base: The build's.
        n_items: Positions: those of the build, and those of new items.
        live: Of changed and new items; None where there are none.
        positions: Where those stand, [live items].
        stale: Items of the build that the live index has, or that nobody finds any more, [n_base].
    """

    base: SearchIndex
    n_items: int
    live: SearchIndex | None = None
    positions: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    stale: BoolArray | None = None

    @classmethod
    def of(cls, base: SearchIndex, n_items: int = 0, changed: Sequence[tuple[int, ItemText]] = (), gone: Sequence[int] = ()) -> Corpus:
        """Put an index and what changed since together.

        Args:
            base: The build's.
            n_items: Positions; those of the build where unset.
            changed: Position and texts of each changed or new item.
            gone: Positions of deleted items.
        """
        if not changed and not len(gone):
            return cls(base, max(n_items, base.n_docs))
        positions = np.asarray([position for position, _ in changed], dtype=np.int64)
        stale = np.zeros(max(n_items, base.n_docs), dtype=bool)
        stale[positions] = True
        stale[list(gone)] = True
        live = SearchIndex.build([text for _, text in changed], base.statistics)
        return cls(base, len(stale), live, positions, stale[: base.n_docs])

    def addends(self, term: str) -> tuple[IntArray, Floats]:
        """Return the items that have a term and what it adds to the text score of each."""
        docs, values = self._rows(term, "addends")
        return docs, values.astype(np.float32, copy=False)

    def heads(self, term: str) -> tuple[IntArray, list[Kind]]:
        """Return the items whose kind a term heads, and that kind; an item may stand there more than once."""
        return self._kinds(term, "heads")

    def inner(self, term: str) -> IntArray:
        """Return the items whose kind a term stands within, before the head."""
        return self._rows(term, "inner")[0]

    def place(self, doc: int) -> tuple[SearchIndex, int] | None:
        """Return the index that has an item, and the item's number there; None where neither has it."""
        if self.live is not None:
            found = np.flatnonzero(self.positions == doc)
            if len(found):
                return self.live, int(found[0])
        return (self.base, int(doc)) if doc < self.base.n_docs else None

    def title(self, doc: int) -> str:
        """Return an item's title."""
        found = self.place(doc)
        return "" if found is None else found[0].text(found[1], "title")

    def code(self, code: str) -> list[int]:
        """Return the items that a code names."""
        found = [int(self.positions[self.live.codes[code]])] if self.live is not None and code in self.live.codes else []
        base = self.base.codes.get(code)
        return found + ([base] if base is not None and not self._is_stale(base) else [])

    def codes_beginning(self, code: str, limit: int = 20) -> list[int]:
        """Return items one of whose codes begins so."""
        found = [doc for name in beginning(self.base.sorted_codes, code, limit) for doc in self.code(name)]
        return list(dict.fromkeys(found))

    def terms_beginning(self, prefix: str) -> Sequence[str]:
        """Return the terms that begin so, the most frequent first."""
        return self.base.beginning_with(prefix, _PREFIXED)

    def _is_stale(self, doc: int) -> bool:
        return self.stale is not None and bool(self.stale[doc])

    def _rows(self, term: str, which: str) -> tuple[IntArray, npt.NDArray[np.float32] | npt.NDArray[np.int32]]:
        found, values = _of(self.base, term, which)
        docs = found.astype(np.int64)
        if self.stale is None:
            return docs, values
        kept = ~self.stale[docs]
        docs, values = docs[kept], values[kept]
        if self.live is None:
            return docs, values
        live_docs, live_values = _of(self.live, term, which)
        joined: npt.NDArray[np.float32] = np.concatenate([values, live_values]).astype(np.float32)
        return np.concatenate([docs, self.positions[live_docs]]), joined

    def _kinds(self, term: str, which: str) -> tuple[IntArray, list[Kind]]:
        docs, numbers = _of(self.base, term, which)
        kinds = [self.base.kinds[number] for number in numbers.tolist()]
        found = docs.astype(np.int64)
        if self.stale is not None:
            kept = ~self.stale[found]
            found, kinds = found[kept], [kind for kind, keep in zip(kinds, kept.tolist(), strict=True) if keep]
        if self.live is not None:
            live_docs, live_numbers = _of(self.live, term, which)
            found = np.concatenate([found, self.positions[live_docs]])
            kinds += [self.live.kinds[number] for number in live_numbers.tolist()]
        return found, kinds


def _of(index: SearchIndex, term: str, which: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32] | npt.NDArray[np.int32]]:
    rows: Rows = getattr(index, which)
    number = index.numbers.get(term)
    if number is None:
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    return rows.of(number)
