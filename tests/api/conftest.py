"""The small shop served in the test's own process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.small_shop import Asking, published_small_shop, small_app


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The published small shop; do not change it, copy it."""
    return published_small_shop(tmp_path_factory)


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the small shop for one test."""
    return Workspace.open(shutil.copytree(small_shop.root, tmp_path / "shop", symlinks=True))


@pytest.fixture
def asking(workspace: Workspace) -> Iterator[Asking]:
    """Serve the workspace with the given settings of [serve]: `asking(max_body_bytes=2048).get(…)`."""
    with ExitStack() as stack:
        yield lambda **serve: stack.enter_context(TestClient(small_app(workspace, serve), raise_server_exceptions=False))
