"""From one state of a shop to the next: what changes, corrections and decisions about duplicates make of its knowledge and of its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from kg import schema
from kg.catalog.changes import Change, apply_changes
from kg.graph.build import triple_facts
from kg.graph.corrections import Fact
from kg.graph.delta import GraphDelta, Knowledge, delta_of, touched
from kg.resolve.items.blocking import code_keys
from kg.resolve.items.duplicates import Pairs, changed_duplicates, find_duplicates
from kg.resolve.items.matcher import ItemMatcher
from kg.resolve.merges import Resolution
from kg.resolve.values.merge import merge_values
from kg.tables import Catalog

ReadChanged = Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame, Sequence[str]], tuple[pl.DataFrame, Sequence[str]]]
"""(facts before, items before, items after, ids that differ) → (facts after, ids whose facts were read again):
`kg.extract.incremental.changed_facts`."""


@dataclass(frozen=True)
class Resolver:
    """How values and items that are one are found.

    Attributes:
        values: Merge surfaces of one value.
        items: Link items that are listed twice.
        matcher: A trained matcher; None uses rules alone.
        threshold: Lowest score of a link.
        values_apart: `relation` and `surface` of values that a person keeps apart.
        items_apart: Pairs of items that a person keeps apart.
    """

    values: bool = True
    items: bool = True
    matcher: ItemMatcher | None = None
    threshold: float = 0.9
    values_apart: pl.DataFrame | None = None
    items_apart: Pairs = field(default_factory=frozenset)

    def resolve(self, catalog: Catalog, attributes: pl.DataFrame, keys: pl.DataFrame, build_id: str) -> Resolution:
        """Find the values and the items of a whole shop that are one; `keys` are the `kg.resolve.items.blocking.code_keys` of its items."""
        duplicates = Resolution().duplicates
        if self.items:
            duplicates = find_duplicates(catalog.items, self.matcher, self.threshold, apart=self.items_apart, keys=keys)
        return Resolution(self._merges(catalog, attributes, build_id), duplicates)

    def resolve_changed(
        self, before: Resolution, keys: pl.DataFrame, catalog: Catalog, attributes: pl.DataFrame, changed: Sequence[str], build_id: str
    ) -> tuple[Resolution, pl.DataFrame]:
        """Find the same as `resolve` after a change.

        Args:
            before: What was found before.
            keys: `kg.resolve.items.blocking.code_keys` of the items before.
            catalog: The catalogue after.
            attributes: All facts after.
            changed: Items that differ, came or went.
            build_id: Recorded in the merge log.

        Returns:
            What is found, and the keys after.
        """
        merges = self._merges(catalog, attributes, build_id)
        near = sorted({*changed, *(item_id for pair in self.items_apart for item_id in pair)})
        if self.items and self.matcher is None:
            duplicates, keys = changed_duplicates(catalog.items, keys, before.duplicates, near, self.threshold, apart=self.items_apart)
            return Resolution(merges, duplicates), keys
        # What a trained matcher compares depends on how rare every word is, so nothing less than a new search finds the same.
        keys = code_keys(catalog.items)
        return replace(self.resolve(catalog, attributes, keys, build_id), merges=merges), keys

    def _merges(self, catalog: Catalog, attributes: pl.DataFrame, build_id: str) -> pl.DataFrame:
        if not self.values:
            return Resolution().merges
        # A term is what titles say, word by word: two of them are never one.
        attributes = attributes.filter(pl.col("relation") != schema.MENTIONS)
        stated = pl.concat([attributes.select("item_id", "relation", "value", "extractor"), triple_facts(catalog.triples)])
        stated = stated.filter(pl.col("relation") != schema.COMPATIBLE_WITH)
        return merge_values(stated, build_id=build_id, undone=self.values_apart)


@dataclass(frozen=True)
class State:
    """A state of a shop, and what is needed to find the next one quickly.

    Attributes:
        knowledge: What its graph follows from.
        keys: `kg.resolve.items.blocking.code_keys` of its items.
    """

    knowledge: Knowledge
    keys: pl.DataFrame

    @classmethod
    def of(cls, catalog: Catalog, attributes: pl.DataFrame, resolver: Resolver, facts: Sequence[Fact] = (), *, build_id: str = "") -> State:
        """Return the state of a whole shop from its tables and the facts extracted from them."""
        keys = code_keys(catalog.items)
        return cls(Knowledge(catalog, attributes, resolver.resolve(catalog, attributes, keys, build_id), tuple(facts)), keys)


def advance(
    state: State, changes: Sequence[Change], facts: Sequence[Fact], resolver: Resolver, read: ReadChanged, *, build_id: str = ""
) -> tuple[State, GraphDelta]:
    """Return the state after some changes, and what changes in the graph.

    Args:
        state: The state before.
        changes: Changes since.
        facts: All corrections that hold now.
        resolver: As for a whole shop.
        read: Reads the facts of changed items.
        build_id: Recorded in the merge log.
    """
    old = state.knowledge
    item_ids, events = touched(old.catalog, changes)
    catalog = apply_changes(old.catalog, changes)
    attributes, again = read(old.attributes, old.catalog.items, catalog.items, item_ids) if item_ids else (old.attributes, [])
    resolution, keys = resolver.resolve_changed(old.resolution, state.keys, catalog, attributes, item_ids, build_id)
    new = Knowledge(catalog, attributes, resolution, tuple(facts))
    return State(new, keys), delta_of(old, new, {*item_ids, *again}, events)
