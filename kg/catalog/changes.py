"""A catalogue after changes of items and events: the one place where a rebuild, and the graph between two rebuilds, apply them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from kg.catalog.item_changes import overlaid
from kg.catalog.records import ItemChange, StoredEvent
from kg.tables import INTERACTION_COLUMNS, Catalog

Change = ItemChange | StoredEvent
_LISTS = pl.List(pl.String())


def apply_changes(catalog: Catalog, changes: Sequence[Change]) -> Catalog:
    """Return the catalogue after these changes.

    Changes that no longer make sense are passed over: an event of an item that is gone, a deletion of what is not there.
    """
    if not changes:
        return catalog
    events = _ChangedEventTable(set(catalog.items["item_id"]))
    for change in changes:
        events.apply(change)
    of_items = [change for change in changes if isinstance(change, ItemChange) and change.operation != "delete_events"]
    items = overlaid(catalog.items, of_items)
    names = {name for change in of_items for name in change.fields.get("attributes") or ()}
    items = items.with_columns(pl.lit([], dtype=_LISTS).alias(name) for name in sorted(names - set(items.columns)))
    gone = sorted(events.deleted_items)
    ends = {"head": "head_type", "tail": "tail_type"}
    triples = catalog.triples.filter(*(~((pl.col(kind) == "item") & pl.col(end).is_in(gone)) for end, kind in ends.items()))
    return replace(catalog, items=items, interactions=events.table(catalog.interactions), triples=triples)


def without_events(events: pl.DataFrame, deletions: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return events without those that match a deletion: column → value, `events_seq` the last number of the ledger that it is about.

    Args:
        events: `kg.tables.INTERACTION_COLUMNS`; those of the ledger with their `seq`.
        deletions: What `delete_events` says, with the `item_id`.
    """
    parts: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for deletion in deletions:
        parts.setdefault(tuple(sorted(deletion.keys() & INTERACTION_COLUMNS.keys())), []).append(deletion)
    types = {**INTERACTION_COLUMNS, "events_seq": pl.Int64()}
    for columns, rows in parts.items():
        wanted = pl.DataFrame([{"events_seq": None, **row} for row in rows], schema={name: types[name] for name in (*columns, "events_seq")})
        # Of equal deletions the last one is about the most events.
        wanted = wanted.group_by(columns).agg(pl.col("events_seq").max())
        if "seq" not in events.columns:
            events = events.join(wanted, on=list(columns), how="anti", maintain_order="left")
            continue
        matched = events.join(wanted, on=list(columns), how="left", maintain_order="left")
        events = matched.filter((pl.col("seq") > pl.col("events_seq")).fill_null(True)).drop("events_seq")
    return events


def deletions_of(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return what the deletions of events among changes say."""
    deletions = (change for change in changes if isinstance(change, ItemChange) and change.operation == "delete_events")
    return [{**change.fields, "item_id": change.item_id} for change in deletions]


class _ChangedEventTable:
    """The events of a catalogue while changes are applied, one after another."""

    def __init__(self, item_ids: set[str]) -> None:
        self._known = item_ids
        self._added: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._deleted: list[dict[str, Any]] = []
        self.deleted_items: set[str] = set()

    def apply(self, change: Change) -> None:
        if isinstance(change, StoredEvent):
            self._add(change)
        elif change.operation == "delete":
            self._known.discard(change.item_id)
            self.deleted_items.add(change.item_id)
            for pair in [pair for pair in self._added if pair[1] == change.item_id]:
                del self._added[pair]
        elif change.operation == "delete_events":
            (wanted,) = deletions_of([change])
            self._deleted.append(wanted)
            pair, named = (wanted["user_id"], change.item_id), [name for name in wanted if name in INTERACTION_COLUMNS]
            rows = self._added.get(pair, [])
            self._added[pair] = [row for row in rows if any(row[name] != wanted[name] for name in named)]
        elif change.operation in ("put", "upsert"):
            self._known.add(change.item_id)

    def _add(self, event: StoredEvent) -> None:
        if event.item_id is None or event.item_id not in self._known:
            return
        row = {name: getattr(event, name) for name in INTERACTION_COLUMNS if name != "rating"}
        row["rating"] = event.value if event.kind == "rating" else None
        self._added.setdefault((event.user_id, event.item_id), []).append(row)

    def table(self, before: pl.DataFrame) -> pl.DataFrame:
        """Return the events as they are now."""
        kept = without_events(before.filter(~pl.col("item_id").is_in(sorted(self.deleted_items))), self._deleted)
        added = [row for rows in self._added.values() for row in rows]
        return pl.concat([kept, pl.DataFrame(added, schema=dict(INTERACTION_COLUMNS))])
