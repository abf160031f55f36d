"""A ledger on every database that is there: SQLite always, PostgreSQL where RECKON_TEST_POSTGRES_URL names one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy

from kg.catalog.records import StoredEvent

DATABASES = ("sqlite", "postgresql")


@contextmanager
def ledger_url_of(database: str) -> Iterator[str]:
    """Give an URL: empty for the workspace's own file; a schema of its own on PostgreSQL, dropped afterwards."""
    if database == "sqlite":
        yield ""
        return
    url = os.environ.get("RECKON_TEST_POSTGRES_URL")
    if not url:
        pytest.skip("no PostgreSQL: RECKON_TEST_POSTGRES_URL is not set")
    schema, engine = f"ledger_{secrets.token_hex(6)}", sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(schema))
    try:
        yield sqlalchemy.make_url(url).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.schema.DropSchema(schema, cascade=True))
        engine.dispose()


def sent_event(
    event_id: str,
    user_id: str,
    item_id: str | None,
    kind: str,
    time: float,
    quantity: float = 1.0,
    value: float | None = None,
    price_cents: int | None = None,
    properties: dict[str, Any] | None = None,
) -> StoredEvent:
    """Return an event that has not been appended yet, its members in the order of an event over REST."""
    return StoredEvent(0, user_id, item_id, kind, time, quantity, value, price_cents, event_id, properties)
