"""Events: appended once each, numbered in the order of their commits, read back by number or by user."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import ARRAY, Connection, Row, String, any_, case, func, insert, literal, select, text, update

from kg.catalog.records import StoredEvent
from kg.ledger.database import Database, last_number, take_number
from kg.ledger.tables import EVENTS, counters, events

Status = Literal["accepted", "duplicate", "conflict"]
_LOOKUP = 500
_POSTGRES_TYPES = {
    **dict.fromkeys(("event_id", "user_id", "item_id", "kind"), "text"),
    **dict.fromkeys(("time", "quantity", "value", "received_s"), "double precision"),
    **dict.fromkeys(("seq", "price_cents"), "bigint"),
    "properties": "json",
}
_POSTGRES_INSERT = text(
    f"INSERT INTO events ({', '.join(_POSTGRES_TYPES)}) "  # noqa: S608 — of the names above alone
    f"SELECT * FROM unnest({', '.join(f'CAST(:{name} AS {of}[])' for name, of in _POSTGRES_TYPES.items())})"
)
log = structlog.get_logger("ledger")
_FRESH = (events.c.seq, events.c.user_id, events.c.item_id, events.c.kind, events.c.time, events.c.quantity, events.c.value, events.c.price_cents)


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one event.

    Attributes:
        status: accepted; duplicate: the same was acknowledged before; conflict: its event_id belongs to another event.
        seq: Its number, or that of the event which has its event_id.
    """

    status: Status
    seq: int


class EventStore:
    """The events of a ledger.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, new: Sequence[StoredEvent]) -> list[Appended]:
        """Append events in one transaction; they are durable when this returns.

        Args:
            new: Events in order; one whose event_id is stored, or came earlier in the list, is not stored again.

        Returns:
            What became of each, in the same order.

        Raises:
            LedgerUnavailableError: The database does not answer. Nothing was stored, unless the connection broke during the commit; sending the
                events again tells.
        """
        if not new:
            return []
        with self._database.writing() as connection:
            # Locked before looking for duplicates: nobody else can store one of these between the look and the insert.
            next_seq = last_number(connection, EVENTS, lock=True) + 1
            known = _stored(connection, [event.event_id for event in new])
            outcomes: list[Appended] = []
            rows: list[dict[str, Any]] = []
            received = time.time()
            for event in new:
                earlier = known.get(event.event_id)
                if earlier is not None:
                    seq, identity = earlier
                    outcomes.append(Appended("duplicate" if identity == _identity(event) else "conflict", seq))
                    continue
                seq = next_seq + len(rows)
                known[event.event_id] = (seq, _identity(event))
                rows.append(_row(event, seq, received))
                outcomes.append(Appended("accepted", seq))
            if rows:
                _insert(connection, rows)
                connection.execute(update(counters).where(counters.c.name == EVENTS).values(value=next_seq + len(rows) - 1))
        return outcomes

    def last_seq(self) -> int:
        """Return the number of the last event; 0 when there is none."""
        with self._database.reading() as connection:
            return last_number(connection, EVENTS)

    def raise_to(self, seq: int) -> int:
        """Have numbers of new events begin above `seq`, where the ledger stands below it, and return the number that is last then."""
        last = self.last_seq()
        if last >= seq:
            return last
        with self._database.writing() as connection:
            last = last_number(connection, EVENTS, lock=True)
            if last < seq:
                take_number(connection, EVENTS, seq - last)
                log.warning("the ledger is younger than the build", last_seq=last, build_seq=seq)
        return max(last, seq)

    def users_between(self, above: int, upto: int) -> set[str]:
        """Return who has events with above < seq ≤ upto."""
        query = select(events.c.user_id).where(events.c.seq > above, events.c.seq <= upto).distinct()
        with self._database.reading() as connection:
            return set(connection.scalars(query))

    def after(self, seq: int, limit: int) -> tuple[list[StoredEvent], float]:
        """Return the events after a number, in order, and when the last of them was acknowledged (Unix seconds; now where there is none)."""
        query = select(*_FRESH, events.c.received_s).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [StoredEvent(*row[:-1]) for row in rows], rows[-1][-1] if rows else time.time()

    def received_after(self, seq: int, limit: int) -> list[StoredEvent]:
        """Return whole events after a number, in order, with the times of their acknowledgement."""
        query = select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        with self._database.reading() as connection:
            return [_stored_event(row) for row in connection.execute(query)]

    def of_user_after(self, user_id: str, seq: int, limit: int) -> list[StoredEvent]:
        """Return the latest events of a user after a number, in order."""
        query = select(*_FRESH).where(events.c.user_id == user_id, events.c.seq > seq).order_by(events.c.seq.desc()).limit(limit)
        with self._database.reading() as connection:
            return [StoredEvent(*row) for row in reversed(connection.execute(query).all())]

    def of_user(self, user_id: str, *, before: int | None = None, limit: int = 100) -> list[StoredEvent]:
        """Return the events of a user, the latest first.

        Args:
            user_id: Who.
            before: Only events with a smaller number.
            limit: How many.
        """
        query = select(events).where(events.c.user_id == user_id, *([events.c.seq < before] if before is not None else []))
        with self._database.reading() as connection:
            return [_stored_event(row) for row in connection.execute(query.order_by(events.c.seq.desc()).limit(limit))]

    def interactions(self, upto: int, *, size: int = 50_000) -> Iterator[list[tuple[Any, ...]]]:
        """Yield (seq, user_id, item_id, kind, time, quantity, rating, price_cents) of all events up to a number, in order and in parts."""
        rating = case((events.c.kind == "rating", events.c.value))
        columns = (events.c.seq, events.c.user_id, events.c.item_id, events.c.kind, events.c.time, events.c.quantity, rating, events.c.price_cents)
        last = 0
        while last < upto:
            query = select(*columns).where(events.c.seq > last, events.c.seq <= upto).order_by(events.c.seq).limit(size)
            with self._database.reading() as connection:
                part = [tuple(row) for row in connection.execute(query)]
            if not part:
                return
            last = part[-1][0]
            yield part

    def kinds(self) -> dict[str, int]:
        """Return how many events there are of each kind, the most frequent first."""
        query = select(events.c.kind, func.count()).group_by(events.c.kind).order_by(func.count().desc(), events.c.kind)
        with self._database.reading() as connection:
            return {kind: int(count) for kind, count in connection.execute(query)}

    def received_by_hour(self, first: int, n_hours: int) -> list[int]:
        """Return how many events were acknowledged in each hour from one on.

        Events are numbered as they come, so the first of them is looked for by halves, and those before it are never read.

        Args:
            first: The first hour, in hours of Unix time.
            n_hours: How many hours.
        """
        since, received = first * 3600.0, events.c.received_s
        with self._database.reading() as connection:
            below, upto = 0, last_number(connection, EVENTS)
            while below < upto:
                middle = (below + upto + 1) // 2
                at = connection.scalar(select(received).where(events.c.seq >= middle).order_by(events.c.seq).limit(1))
                below, upto = (middle, upto) if at is not None and at < since else (below, middle - 1)
            starts = [since + 3600.0 * hour for hour in range(n_hours)]
            counts = [func.sum(case(((received >= start) & (received < start + 3600.0), 1), else_=0)) for start in starts]
            row = connection.execute(select(*counts).where(events.c.seq > below)).one()
            return [int(count or 0) for count in row]

    def last_received_s(self) -> float | None:
        """Return when the last event was acknowledged, Unix seconds."""
        with self._database.reading() as connection:
            return connection.scalar(select(events.c.received_s).order_by(events.c.seq.desc()).limit(1))

    def scan(self, upto: int, *, after: int = 0, size: int = 50_000) -> Iterator[list[StoredEvent]]:
        """Yield the events after a number up to another, in order and in parts, each read in a transaction of its own."""
        last = after
        while last < upto:
            query = select(events).where(events.c.seq > last, events.c.seq <= upto).order_by(events.c.seq).limit(size)
            with self._database.reading() as connection:
                part = [_stored_event(row) for row in connection.execute(query)]
            if not part:
                return
            last = part[-1].seq
            yield part


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name != "postgresql":
        connection.execute(insert(events), rows)
        return
    # One statement with one array per column: psycopg would send a statement per row.
    columns = {name: [row[name] for row in rows] for name in _POSTGRES_TYPES}
    columns["properties"] = [None if value is None else json.dumps(value) for value in columns["properties"]]
    connection.execute(_POSTGRES_INSERT, columns)


def _stored(connection: Connection, event_ids: Sequence[str]) -> dict[str, tuple[int, tuple[str, str | None, str]]]:
    """Return number and identity of those that are stored already."""
    stored: dict[str, tuple[int, tuple[str, str | None, str]]] = {}
    for start in range(0, len(event_ids), _LOOKUP):
        part = event_ids[start : start + _LOOKUP]
        # One array on PostgreSQL: a list of parameters would be another statement, to be planned anew, for every length.
        postgres = connection.dialect.name == "postgresql"
        among = events.c.event_id == any_(literal(part, ARRAY(String))) if postgres else events.c.event_id.in_(part)
        query = select(events.c.event_id, events.c.seq, events.c.user_id, events.c.item_id, events.c.kind).where(among)
        stored |= {event_id: (seq, (user_id, item_id, kind)) for event_id, seq, user_id, item_id, kind in connection.execute(query)}
    return stored


def _identity(event: StoredEvent) -> tuple[str, str | None, str]:
    """Return what two sendings of one event have in common; a time may have been filled in when it arrived."""
    return event.user_id, event.item_id, event.kind


def _row(event: StoredEvent, seq: int, received: float) -> dict[str, Any]:
    return {
        "seq": seq,
        "event_id": event.event_id,
        "user_id": event.user_id,
        "item_id": event.item_id,
        "kind": event.kind,
        "time": event.time,
        "quantity": event.quantity,
        "value": event.value,
        "price_cents": event.price_cents,
        "properties": None if event.properties is None else dict(event.properties),
        "received_s": received,
    }


def _stored_event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(**row._mapping)
