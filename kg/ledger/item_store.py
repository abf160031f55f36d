"""The catalogue's changes, and what became of the changed items: appended once each, numbered in the order of their commits."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from kg.catalog.records import Fields, ItemChange, Operation
from kg.ledger.catalogue_tables import CATALOGUE, LIVE, catalogue_changes, live_items
from kg.ledger.database import Database, last_number, take_number

_PART = 500
NOT_IN_GRAPH = ""
"""The value of `in_graph` where the graph database has not got the item as it is now."""


@dataclass(frozen=True, slots=True)
class LiveRow:
    """An item that was changed, as it is now.

    Attributes:
        item_id: Which item.
        seq: The last change that it contains.
        deleted: There is no such item any more.
        fields: What the shop says of it.
        facts: What was extracted, one dict per fact: `relation`, `node_type`, `value` and its evidence.
        in_graph: The build in the graph database when the item was written there; NOT_IN_GRAPH while it is not.
        revision: Number of this row in its stream.
    """

    item_id: str
    seq: int
    deleted: bool
    fields: Fields
    facts: Sequence[dict[str, Any]]
    in_graph: str = NOT_IN_GRAPH
    revision: int = 0


class ItemStore:
    """The catalogue's changes in a ledger.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, new: Sequence[tuple[str, Operation, Fields]]) -> list[int]:
        """Append changes (item_id, operation, fields) in one transaction, and return their numbers; they are durable when this returns.

        Raises:
            LedgerUnavailableError: The database does not answer. Nothing was stored.
        """
        if not new:
            return []
        with self._database.writing() as connection:
            first, received = take_number(connection, CATALOGUE, len(new)), time.time()
            rows = [
                {"seq": seq, "item_id": item_id, "operation": operation, "fields": dict(fields), "received_s": received}
                for seq, (item_id, operation, fields) in enumerate(new, start=first)
            ]
            connection.execute(insert(catalogue_changes), rows)
        return list(range(first, first + len(new)))

    def last_seq(self) -> int:
        """Return the number of the last change; 0 when there is none."""
        with self._database.reading() as connection:
            return last_number(connection, CATALOGUE)

    def after(self, seq: int, limit: int) -> list[ItemChange]:
        """Return the changes after a number, in order."""
        return self._changes(catalogue_changes.c.seq > seq, limit)

    def between(self, seq: int, upto: int) -> list[ItemChange]:
        """Return all changes after a number up to another, in order."""
        return self._changes((catalogue_changes.c.seq > seq) & (catalogue_changes.c.seq <= upto))

    def of_items(self, item_ids: Collection[str], after: int) -> list[ItemChange]:
        """Return the changes of some items after a number, in order."""
        ids, changes = sorted(item_ids), []
        for start in range(0, len(ids), _PART):
            changes += self._changes(catalogue_changes.c.item_id.in_(ids[start : start + _PART]) & (catalogue_changes.c.seq > after))
        return sorted(changes, key=lambda change: change.seq)

    def put_live(self, rows: Sequence[LiveRow]) -> None:
        """Store what changed items are now, in place of what they were."""
        if not rows:
            return
        with self._database.writing() as connection:
            first = take_number(connection, LIVE, len(rows))
            for start in range(0, len(rows), _PART):
                part = rows[start : start + _PART]
                connection.execute(delete(live_items).where(live_items.c.item_id.in_([row.item_id for row in part])))
                connection.execute(
                    insert(live_items),
                    [
                        {
                            "item_id": row.item_id,
                            "seq": row.seq,
                            "revision": n,
                            "deleted": row.deleted,
                            "fields": dict(row.fields),
                            "facts": list(row.facts),
                            "in_graph": row.in_graph,
                        }
                        for n, row in enumerate(part, start=first + start)
                    ],
                )

    def live_upto(self) -> int:
        """Return the number of the last change that has become a live item; changes are taken in order."""
        with self._database.reading() as connection:
            return int(connection.execute(select(func.max(live_items.c.seq))).scalar_one_or_none() or 0)

    def live_after(self, revision: int) -> list[LiveRow]:
        """Return the live items after a number of their stream, in its order."""
        return self._live(live_items.c.revision > revision)

    def live_since(self, seq: int) -> list[LiveRow]:
        """Return the items that were changed after a change."""
        return self._live(live_items.c.seq > seq)

    def live(self, item_id: str) -> LiveRow | None:
        """Return one changed item, or None."""
        return next(iter(self._live(live_items.c.item_id == item_id)), None)

    def not_in_graph(self, build_id: str, seq: int) -> list[LiveRow]:
        """Return the items changed after a change that the graph database, which holds a build, has not got as they are now."""
        return self._live((live_items.c.in_graph != build_id) & (live_items.c.seq > seq))

    def mark_in_graph(self, rows: Sequence[LiveRow], build_id: str) -> None:
        """Note that the graph database, which holds a build, has these items; not those that were changed again meanwhile."""
        with self._database.writing() as connection:
            for row in rows:
                same = (live_items.c.item_id == row.item_id) & (live_items.c.seq == row.seq)
                connection.execute(update(live_items).where(same).values(in_graph=build_id))

    def forget_graph(self) -> None:
        """Note that the graph database has none of the changed items as they are now."""
        with self._database.writing() as connection:
            connection.execute(update(live_items).where(live_items.c.in_graph != NOT_IN_GRAPH).values(in_graph=NOT_IN_GRAPH))

    def _changes(self, condition: ColumnElement[bool], limit: int | None = None) -> list[ItemChange]:
        query = select(catalogue_changes).where(condition).order_by(catalogue_changes.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [ItemChange(row.seq, row.item_id, row.operation, row.fields, row.received_s) for row in connection.execute(query)]

    def _live(self, condition: ColumnElement[bool]) -> list[LiveRow]:
        query = select(live_items).where(condition).order_by(live_items.c.revision)
        with self._database.reading() as connection:
            return [_live_row(row) for row in connection.execute(query)]


def _live_row(row: Row[Any]) -> LiveRow:
    return LiveRow(row.item_id, row.seq, row.deleted, row.fields, row.facts, row.in_graph, row.revision)
