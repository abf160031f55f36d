"""A ledger on every database that is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from kg.ledger.database import Database
from kg.ledger.settings import LedgerConfig
from tests.ledgers import DATABASES, ledger_url_of


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The `[ledger] url`."""
    with ledger_url_of(request.param) as url:
        yield url


@pytest.fixture
def database(ledger_url: str, tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "ledger.db", LedgerConfig(url=SecretStr(ledger_url)))
    yield opened
    opened.close()
