"""One graph database with the analysts' small shop for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.embedded import EmbeddedGraph
from kg.store import GraphStore
from kg.workspace import Workspace
from tests.conftest import write_shop
from tests.kg.store.analyst_shop import BUILD, analyst_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    workspace = Workspace.open(write_shop(tmp_path_factory.mktemp("analyst") / "shop"))
    with EmbeddedGraph(workspace.graph, heap_mb=512) as connection, GraphStore(connection) as store:
        store.wait(60)
        store.load(analyst_shop(), BUILD)
        yield workspace.root
