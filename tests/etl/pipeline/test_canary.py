"""Trying a build out by the commands: begun, compared, promoted by hand and by itself, withdrawn, and never cleared away meanwhile."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from etl.cli.app import app
from etl.live.follow import ItemFollower
from etl.pipeline import builds
from kg.canary import state
from kg.canary.measurements import Measurements, Seen
from kg.config import load_config
from kg.files.json_file import write_json
from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, copy_of

NEW, LATER = "20270102T000000-abc123", "20270103T000000-abc123"
NOWHERE = {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}


@pytest.fixture
def workspace(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """Three builds, the first published, the last in progress."""
    workspace = copy_of(small_shop, tmp_path / "shop")
    for build_id in (NEW, LATER):
        shutil.copytree(workspace.build(BUILD_ID), workspace.build(build_id))
        manifest = workspace.build(build_id) / "artifact" / "manifest.json"
        manifest.write_text(manifest.read_text().replace(BUILD_ID, build_id))
    write_json(workspace.published, {"builds": [BUILD_ID]})
    (workspace.builds / "draft").write_text(LATER)
    return workspace


@pytest.fixture
def run(workspace: Workspace) -> Callable[..., tuple[int, str]]:
    """Run a command in the workspace."""

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*arguments, "-w", str(workspace.root)], env=NOWHERE)
        return done.exit_code if done.exception is None else getattr(done.exception, "exit_code", done.exit_code), done.output + str(
            done.exception or ""
        )

    return run


def status(run: Callable[..., tuple[int, str]]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("status", "--json")[1].partition("\n}")[0] + "\n}")
    return found


def measured(workspace: Workspace, lists: int, errors: int = 0) -> None:
    """Measure lists of one user of each arm, and errors of the canary."""
    canary, seen = state.running(workspace), Seen()
    assert canary is not None
    for arm in ("canary", "control"):
        for _ in range(lists):
            seen.list_served(arm, f"user of {arm}", ["1"], 0.003, time.time())
    for _ in range(errors):
        seen.failed("canary")
    Measurements(workspace.canary).add(canary, seen)


def test_it_is_begun_compared_and_withdrawn(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    assert run("publish", NEW, "--canary", "10%") == (
        0,
        f"build {NEW} answers 10.0% of the users; `reckon status` compares, `reckon publish --promote` ends it\n",
    )
    measured(workspace, 3, errors=1)
    found = status(run)["canary"]
    assert (found["build_id"], found["published"], found["state"], found["share"]) == (NEW, BUILD_ID, "running", 0.1)
    assert (found["canary"]["lists"], found["canary"]["errors"], found["control"]["lists"], found["control"]["errors"]) == (3, 1, 3, 0)
    text = run("status")[1]
    assert f"build {NEW} answers 10.0% of the users beside {BUILD_ID}" in text
    assert "canary    3 lists for 1 users, 1 failed (25.00%), 95 % in at most 5 ms" in text
    metrics = run("status", "--metrics")[1]
    assert 'reckon_canary_lists{arm="control"} 3' in metrics
    assert "reckon_canary_running 1" in metrics
    assert run("publish", LATER, "--canary", "0.5")[0] == 7
    assert run("publish", "--withdraw") == (0, f"withdrawn {NEW}; build {BUILD_ID} answers everybody\n")
    assert workspace.current_id() == BUILD_ID
    assert "withdrawn: by hand" in run("status")[1]
    assert run("publish", "--withdraw")[0] == run("publish", "--promote")[0] == 5


def test_it_is_promoted(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    assert run("publish", "--canary", "25%")[0] == 0
    running = state.running(workspace)
    assert running is not None
    assert (running.build_id, running.promote_after_s) == (LATER, None)
    # The next rebuild begins another one.
    assert builds.draft_id(workspace) is None
    code, output = run("publish", "--promote")
    assert (code, output.splitlines()[-1]) == (0, f"published {LATER}")
    assert workspace.current_id() == LATER
    assert builds.published(workspace) == [BUILD_ID, LATER]
    ended = state.latest(workspace)
    assert ended is not None
    assert ended.state == "promoted"
    # Back to where it was, with the way that leads back from any publication.
    assert builds.rollback(workspace) == BUILD_ID
    assert state.running(workspace) is None


def test_the_reader_of_changes_promotes_it_when_its_time_has_come(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    assert run("publish", NEW, "--canary", "50%", "--promote-after", "0.0001")[0] == 0
    follower = ItemFollower(workspace, load_config(workspace.root, NOWHERE))
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            follower.step()
        assert state.running(workspace) is not None, "it was promoted before it was tried out"
        measured(workspace, 100)
        until = time.monotonic() + 120
        while workspace.current_id() != NEW:
            assert time.monotonic() < until
            follower.step()
            time.sleep(0.05)
    finally:
        follower.close()
    assert [found.state for found in [state.latest(workspace)] if found is not None] == ["promoted"]


def test_what_ends_it_by_itself_is_a_warning(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    assert run("publish", NEW, "--canary", "10%")[0] == 0
    assert not any("tried out" in warning for warning in status(run)["warnings"])
    builds.publish(workspace, LATER)
    assert f"build {NEW} was tried out and withdrawn: build {LATER} was published" in status(run)["warnings"]


def test_it_is_not_cleared_away(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    assert run("publish", NEW, "--canary", "10%")[0] == 0
    builds.prune(workspace, 1)
    builds.remove_abandoned(workspace)
    assert NEW in workspace.build_ids()
    assert run("publish", "--withdraw")[0] == 0
    (workspace.builds / "draft").unlink()
    builds.remove_abandoned(workspace)
    assert workspace.build_ids() == [BUILD_ID]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--canary", "0%"], 3),
        (["--canary", "half"], 3),
        (["--canary", "10%", "--promote"], 3),
        (["--promote", "--withdraw"], 3),
        ([NEW, "--promote"], 3),
        (["--promote-after", "2"], 3),
        ([BUILD_ID, "--canary", "10%"], 7),
        (["20280101T000000-abc123", "--canary", "10%"], 5),
    ],
)
def test_what_makes_no_sense_is_refused(workspace: Workspace, run: Callable[..., tuple[int, str]], arguments: list[str], code: int) -> None:
    assert run("publish", *arguments)[0] == code
    assert state.latest(workspace) is None
    assert workspace.current_id() == BUILD_ID


def test_a_damaged_build_is_not_tried_out(workspace: Workspace, run: Callable[..., tuple[int, str]]) -> None:
    broken = max((workspace.build(NEW) / "artifact").iterdir(), key=lambda path: path.stat().st_size)
    broken.write_bytes(broken.read_bytes()[:-1] + b"?")
    assert run("publish", NEW, "--canary", "10%")[0] == 11
    assert state.latest(workspace) is None
