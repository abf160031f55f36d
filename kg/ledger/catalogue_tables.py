"""The tables of the catalogue's changes.

catalogue_changes   one row per acknowledged change of an item
live_items          one row per item that was changed: what it is now and what was extracted from it
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Double, Index, String, Table

from kg.ledger.tables import METADATA, SEQ
from kg.validation.ids import MAX_ID_CHARS

CATALOGUE, LIVE = "catalogue", "live_items"
"""Names of the streams of this module in `counters`."""

catalogue_changes = Table(
    "catalogue_changes",
    METADATA,
    Column("seq", SEQ, primary_key=True, autoincrement=False),
    Column("item_id", String(MAX_ID_CHARS), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("received_s", Double, nullable=False),
    Index("catalogue_changes_of_item", "item_id", "seq"),
)

live_items = Table(
    "live_items",
    METADATA,
    Column("item_id", String(MAX_ID_CHARS), primary_key=True),
    Column("seq", SEQ, nullable=False, index=True),
    Column("revision", SEQ, nullable=False, index=True),
    Column("deleted", Boolean, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("in_graph", String(64), nullable=False),
)
