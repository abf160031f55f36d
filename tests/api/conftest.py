"""The small shop served in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.small_shop import Asking, copy_of, small_app


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the small shop for one test."""
    return copy_of(small_shop, tmp_path / "shop")


@pytest.fixture
def asking(workspace: Workspace) -> Iterator[Asking]:
    """Serve the workspace with the given settings of [serve]: `asking(max_body_bytes=2048).get(…)`."""
    with ExitStack() as stack:
        yield lambda **serve: stack.enter_context(TestClient(small_app(workspace, serve), raise_server_exceptions=False))
