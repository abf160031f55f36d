"""The items that are searched: those of a build, with items that changed since in their place and new ones after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gnn.search.fields import ItemText
from gnn.search.index import Floats, Lists, SearchIndex, beginning
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
        docs, values = _addends(self.base, term)
        if self.stale is None:
            return docs, values
        kept = ~self.stale[docs]
        docs, values = docs[kept], values[kept]
        if self.live is None:
            return docs, values
        live_docs, live_values = _addends(self.live, term)
        return np.concatenate([docs, self.positions[live_docs]]), np.concatenate([values, live_values])

    def heads(self, term: str) -> IntArray:
        """Return the items whose kind a term heads."""
        return self._listed(term, lambda index: index.heads)

    def inner(self, term: str) -> IntArray:
        """Return the items whose kind a term stands within, before the head."""
        return self._listed(term, lambda index: index.inner)

    def place(self, doc: int) -> tuple[SearchIndex, int] | None:
        """Return the index that has an item, and the item's number there; None where neither has it."""
        if self.live is not None:
            matches = np.flatnonzero(self.positions == doc)
            if len(matches):
                return self.live, int(matches[0])
        return (self.base, int(doc)) if doc < self.base.n_docs else None

    def title(self, doc: int) -> str:
        """Return an item's title."""
        matches = self.place(doc)
        return "" if matches is None else matches[0].text(matches[1], "title")

    def code(self, code: str) -> list[int]:
        """Return the items that a code names."""
        matches = [int(self.positions[self.live.codes[code]])] if self.live is not None and code in self.live.codes else []
        base = self.base.codes.get(code)
        return matches + ([base] if base is not None and not self._is_stale(base) else [])

    def codes_beginning(self, code: str, limit: int = 20) -> list[int]:
        """Return items one of whose codes begins so."""
        matches = [doc for name in beginning(self.base.sorted_codes, code, limit) for doc in self.code(name)]
        return list(dict.fromkeys(matches))

    def terms_beginning(self, prefix: str) -> Sequence[str]:
        """Return the terms that begin so, the most frequent first."""
        return self.base.beginning_with(prefix, _PREFIXED)

    def _is_stale(self, doc: int) -> bool:
        return self.stale is not None and bool(self.stale[doc])

    def _listed(self, term: str, lists: Callable[[SearchIndex], Lists]) -> IntArray:
        docs = _docs(self.base, term, lists)
        if self.stale is not None:
            docs = docs[~self.stale[docs]]
        return docs if self.live is None else np.concatenate([docs, self.positions[_docs(self.live, term, lists)]])


def _docs(index: SearchIndex, term: str, lists: Callable[[SearchIndex], Lists]) -> IntArray:
    number = index.numbers.get(term)
    if number is None:
        return np.zeros(0, dtype=np.int64)
    matches = lists(index)
    return matches.docs[matches.part(number)].astype(np.int64)


def _addends(index: SearchIndex, term: str) -> tuple[IntArray, Floats]:
    number = index.numbers.get(term)
    if number is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    part = index.items.part(number)
    return index.items.docs[part].astype(np.int64), index.addends[part]
