"""A graph database that a package brings: whether it runs is for it to say, and not for its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.serving.snapshot_server import graph_answers
from kg.config import GraphConfig
from kg.errors import GraphUnavailableError
from kg.store import GraphDatabase, Place
from kg.store.port import BACKENDS
from kg.workspace import Workspace
from tests.small_shop import copy_of, key_of, small_app


class Elsewhere:
    """A database without a port of its own."""

    name = "elsewhere"
    summary = "for this test"
    own = False
    up: bool | Exception = True

    def opened(self, place: Place) -> AbstractContextManager[GraphDatabase]:
        raise GraphUnavailableError("not asked here")

    def joined(self, place: Place) -> GraphDatabase:
        raise GraphUnavailableError("not asked here")

    def address(self, place: Place) -> str:
        return "elsewhere"

    def runs(self, place: Place) -> bool:
        if isinstance(self.up, Exception):
            raise self.up
        return self.up


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    BACKENDS.names()
    backend = Elsewhere()
    BACKENDS.register(backend)
    yield backend
    del BACKENDS._things["elsewhere"]


def test_it_is_asked_whether_it_runs(elsewhere: Elsewhere, tmp_path: Path) -> None:
    settings = GraphConfig(backend="elsewhere")
    assert graph_answers(tmp_path, settings)
    elsewhere.up = False
    assert not graph_answers(tmp_path, settings)
    for error in (GraphUnavailableError("down"), OSError("no route")):
        elsewhere.up = error
        assert not graph_answers(tmp_path, settings)


def test_a_server_with_it_is_not_degraded(elsewhere: Elsewhere, small_shop: Workspace, tmp_path: Path) -> None:
    workspace = copy_of(small_shop, tmp_path / "shop")
    with workspace.config_file.open("a") as file:
        file.write('\n[graph]\nbackend = "elsewhere"\n')
    with TestClient(small_app(workspace, {"follow": False}), headers=key_of(workspace)) as client:
        assert client.get("/health/ready").json()["degraded"] == []
