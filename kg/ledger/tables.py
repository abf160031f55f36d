"""The tables of events, users and profile edits. Other parts declare theirs in a module of their own, on the same `METADATA`.

counters        one row per stream: its highest number so far. Its row is locked by whoever appends, so numbers are given in the order of commits
                on every database, without gaps, and one look at this table tells a reader whether anything is new.
events          one row per acknowledged event
users           one row per user that declared attributes
profile_edits   one row per user and interest that was edited
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, Index, Integer, MetaData, String, Table

from kg.validation.fields import MAX_VALUE_CHARS
from kg.validation.ids import MAX_ID_CHARS

METADATA = MetaData()
SEQ = BigInteger().with_variant(Integer, "sqlite")
"""Whole numbers of 64 bits; SQLite makes only an INTEGER primary key the row's own number."""

EVENTS, USERS, PROFILES = "events", "users", "profiles"
"""Names of the streams of this module in `counters`."""

counters = Table("counters", METADATA, Column("name", String(63), primary_key=True), Column("value", SEQ, nullable=False))

events = Table(
    "events",
    METADATA,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("event_id", String(200), nullable=False, unique=True),
    Column("user_id", String(MAX_ID_CHARS), nullable=False),
    Column("item_id", String(MAX_ID_CHARS)),
    Column("kind", String(63), nullable=False),
    Column("time", Double, nullable=False),
    Column("quantity", Double, nullable=False),
    Column("value", Double),
    Column("price_cents", BigInteger),
    Column("properties", JSON(none_as_null=True)),
    Column("received_s", Double, nullable=False),
    Index("events_of_user", "user_id", "seq"),
)

users = Table(
    "users",
    METADATA,
    Column("user_id", String(MAX_ID_CHARS), primary_key=True),
    Column("attributes", JSON, nullable=False),
    Column("revision", SEQ, nullable=False),
    Column("received_s", Double, nullable=False),
)

profile_edits = Table(
    "profile_edits",
    METADATA,
    Column("user_id", String(MAX_ID_CHARS), primary_key=True),
    Column("relation", String(63), primary_key=True),
    Column("value", String(MAX_VALUE_CHARS), primary_key=True),
    Column("weight", Double, nullable=False),
    Column("revision", SEQ, nullable=False, index=True),
    Column("received_s", Double, nullable=False),
)
