"""The small shop's console, served once per file; each test is a browser of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.keys.key_store import KeyStore
from kg.workspace import Workspace
from tests.console_visits import sign_in
from tests.small_shop import copy_of, small_app


@dataclass(frozen=True)
class Served:
    """A workspace and the application that answers from it."""

    workspace: Workspace
    app: FastAPI

    def browser(self, *scopes: str) -> TestClient:
        """Return a browser without scripts; signed in where scopes are named."""
        client = TestClient(self.app, raise_server_exceptions=False)
        if scopes:
            assert sign_in(client, self.key(*scopes)).status_code == 303
        return client

    def key(self, *scopes: str) -> str:
        """Return a new key."""
        return KeyStore(self.workspace.keys).create(scopes or ["admin"], name="ann")


@pytest.fixture(scope="module")
def served(small_shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The served shop of a file; tests leave it as it was."""
    workspace = copy_of(small_shop, tmp_path_factory.mktemp("console") / "shop")
    app = small_app(workspace)
    with TestClient(app):
        yield Served(workspace, app)


@pytest.fixture
def admin(served: Served) -> TestClient:
    """A browser that an administrator signed in with."""
    return served.browser("admin")


@pytest.fixture
def asking(served: Served) -> Callable[[], TestClient]:
    """Gives browsers that nobody has signed in with."""
    return served.browser


@pytest.fixture
def workspace(served: Served) -> Workspace:
    """The served workspace."""
    return served.workspace
