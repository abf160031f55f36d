"""A ledger on every database that is there: SQLite always, PostgreSQL where RECKON_TEST_POSTGRES_URL names one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from kg.ledger.database import Database
from kg.ledger.settings import LedgerConfig


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Empty for the workspace's own file; a schema of its own on PostgreSQL, dropped afterwards."""
    if request.param == "sqlite":
        yield ""
        return
    url = os.environ.get("RECKON_TEST_POSTGRES_URL")
    if not url:
        pytest.skip("no PostgreSQL: RECKON_TEST_POSTGRES_URL is not set")
    schema, engine = f"ledger_{secrets.token_hex(6)}", sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.schema.CreateSchema(schema))
    yield sqlalchemy.make_url(url).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.schema.DropSchema(schema, cascade=True))
    engine.dispose()


@pytest.fixture
def database(ledger_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "ledger.db", LedgerConfig(url=ledger_url))
    yield opened
    opened.close()
