"""A published build that is damaged: an earlier sound one answers, and the server says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, copy_of, key_of, small_app

LIST = "/v1/users/u/recommendations?k=2"
LATER = ("20260102T000000-abc123", "20260103T000000-abc123", "20260104T000000-abc123")


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """Four builds, of which the newest was never published and the one before it is current."""
    workspace = copy_of(small_shop, tmp_path / "shop")
    for build_id in LATER:
        shutil.copytree(workspace.build(BUILD_ID), workspace.build(build_id))
        manifest = workspace.build(build_id) / "artifact" / "manifest.json"
        manifest.write_text(manifest.read_text().replace(BUILD_ID, build_id))
    workspace.published.write_text(json.dumps({"builds": [BUILD_ID, *LATER[:2]]}))
    point(workspace, LATER[1])
    return workspace


def point(workspace: Workspace, build_id: str) -> None:
    temporary = workspace.builds / "next"
    temporary.symlink_to(build_id)
    temporary.replace(workspace.current)


def damage(workspace: Workspace, build_id: str) -> None:
    path = workspace.build(build_id) / "artifact" / "available.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")


@pytest.mark.parametrize(("damaged", "answers"), [(LATER[1:2], LATER[0]), (LATER[:2], BUILD_ID)], ids=["the current", "and the one before"])
def test_after_a_restart_the_newest_sound_build_answers(workspace: Workspace, damaged: tuple[str, ...], answers: str) -> None:
    for build_id in damaged:
        damage(workspace, build_id)
    with TestClient(small_app(workspace)) as client:
        ready = client.get("/health/ready").json()
        assert ready["status"] == "ready"
        assert "build" in ready["degraded"]
        assert any(LATER[1] in reason and answers in reason for reason in ready["reasons"])
        answer = client.get(LIST, headers=key_of(workspace)).json()
        assert answer["build_id"] == answers
        assert "build" in answer["degraded"]


def test_a_build_that_is_gone_counts_as_damaged(workspace: Workspace) -> None:
    shutil.rmtree(workspace.build(LATER[1]))
    with TestClient(small_app(workspace)) as client:
        assert client.get(LIST, headers=key_of(workspace)).json()["build_id"] == LATER[0]


def test_the_next_sound_build_ends_it(workspace: Workspace) -> None:
    damage(workspace, LATER[1])
    app = small_app(workspace)
    with TestClient(app) as client:
        assert client.get("/health/ready").json()["build_id"] == LATER[0]
        point(workspace, LATER[2])
        app.state.serving._refresh()
        ready = client.get("/health/ready").json()
        assert (ready["build_id"], "build" in ready["degraded"]) == (LATER[2], False)


def test_without_any_sound_build_nothing_answers(workspace: Workspace) -> None:
    for build_id in (BUILD_ID, *LATER):
        damage(workspace, build_id)
    with TestClient(small_app(workspace), raise_server_exceptions=False) as client:
        assert client.get("/health/ready").status_code == 503
        assert client.get(LIST, headers=key_of(workspace)).status_code == 503
