"""Search over the small shop of electronics, built once."""

from __future__ import annotations

import pytest

from gnn.search.engine import SearchEngine
from tests.gnn.search.shop import engine_of


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SearchEngine:
    """The engine; nothing changes it."""
    return engine_of(tmp_path_factory.mktemp("electronics"))
