"""What a night may bring: files and settings that change meanwhile, a second rebuild, a clock moved back, an empty day, a folder without rights.

Kills, a database that is down, damaged files, a full disk and rejected rows have tests of their own beside this one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.console import Console
from etl.operation.status import status
from etl.pipeline import builds, jobs
from etl.pipeline.locks import locked
from etl.published import published_recommender
from kg.errors import GateError, LockedError
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace
from tests.etl.jobs import job_of

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

NOWHERE = {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}
"""No graph database: it is not what is tested here, and its start takes longer than all else."""
FUTURE = "20990101T000000-abcdef"


class Watching(Console):
    """Does something when a stage begins."""

    def __init__(self, at: str, do: Callable[[], None]) -> None:
        super().__init__()
        self._at, self._do = at, do

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if name == self._at:
            self._do()
        with super().stage(name):
            yield


@pytest.fixture
def workspace(built_teas: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(built_teas.root, tmp_path / "shop", symlinks=True)
    return Workspace.open(tmp_path / "shop")


def add_event(workspace: Workspace, line: str) -> None:
    with (workspace.root / "events.csv").open("a") as file:
        file.write(line + "\n")


def events_of(workspace: Workspace) -> set[tuple[str, str]]:
    table = pl.read_parquet(workspace.build(str(workspace.current_id())) / "catalog" / "interactions.parquet")
    return set(table.select("user_id", "item_id").iter_rows())


def rebuilt(workspace: Workspace, console: Console | None = None) -> tuple[str, bool]:
    job = job_of(workspace, **NOWHERE)
    job.console = console or job.console
    with locked(workspace):
        return jobs.rebuild(job)


@pytest.mark.parametrize("stage", ["import", "train", "report"])
def test_a_source_that_changes_meanwhile_is_taken_in_by_the_next_run(workspace: Workspace, stage: str) -> None:
    add_event(workspace, "u1,i11,99")
    first, worked = rebuilt(workspace, Watching(stage, lambda: add_event(workspace, "u2,i5,99")))
    assert worked
    known = events_of(workspace)
    assert ("u1", "i11") in known
    assert stage == "import" or ("u2", "i5") not in known
    second, worked = rebuilt(workspace)
    assert worked
    assert second != first
    assert {("u1", "i11"), ("u2", "i5")} <= events_of(workspace)
    assert rebuilt(workspace) == (second, False)


def test_settings_that_change_meanwhile_hold_from_the_next_run_on(workspace: Workspace) -> None:
    def change() -> None:
        text = workspace.config_file.read_text()
        workspace.config_file.write_text(text.replace("factors = 4", "factors = 5"))

    add_event(workspace, "u1,i11,99")
    first, _ = rebuilt(workspace, Watching("train", change))
    assert builds.stages(workspace.build(first))["train"]["parts"]["[model]"]["factors"] == 4
    second, worked = rebuilt(workspace)
    assert worked
    assert builds.stages(workspace.build(second))["train"]["parts"]["[model]"]["factors"] == 5


def test_a_second_rebuild_is_refused_and_disturbs_nothing(workspace: Workspace) -> None:
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(LockedError) as error:
            rebuilt(workspace)
        refused.append(error.value.message)

    add_event(workspace, "u1,i11,99")
    build_id, worked = rebuilt(workspace, Watching("train", again))
    assert worked
    assert workspace.current_id() == build_id
    assert f"process {os.getpid()}" in refused[0]


def test_a_clock_that_was_moved_back_misleads_nobody(workspace: Workspace) -> None:
    first = str(workspace.current_id())
    # The published build is from the future now: that is what a clock that was moved back makes of it.
    shutil.copytree(workspace.build(first), workspace.build(FUTURE))
    manifest = workspace.build(FUTURE) / "artifact" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(first, FUTURE))
    record = {**builds.run_record(workspace.build(FUTURE)), "build_id": FUTURE, "started_s": 4_070_908_800.0, "at_s": 4_070_908_900.0}
    write_json(workspace.build(FUTURE) / builds.RUN, record)
    builds.publish(workspace, FUTURE)
    assert any("clock was moved back" in warning for warning in status(workspace, job_of(workspace, **NOWHERE).config)["warnings"])
    add_event(workspace, "u1,i11,99")
    build_id, worked = rebuilt(workspace)
    assert worked
    assert build_id < FUTURE
    assert workspace.current_id() == build_id
    state = status(workspace, job_of(workspace, **NOWHERE).config)
    assert state["last"]["build_id"] == build_id
    assert not any("clock" in warning for warning in state["warnings"])
    # The way back leads to what was published before, whatever its name says, and neither of the two is cleared away.
    assert builds.prune(workspace, 2) == [first]
    assert builds.rollback(workspace) == FUTURE


def test_an_empty_day_is_no_reason_to_publish_an_empty_shop(workspace: Workspace) -> None:
    first, before = workspace.current_id(), lists(workspace)
    (workspace.root / "events.csv").write_text("user,item,n\n")
    with pytest.raises(GateError, match=r"row_counts: events\.csv has 0 rows, in the published build it had 50"):
        rebuilt(workspace)
    assert workspace.current_id() == first
    assert lists(workspace) == before


def lists(workspace: Workspace) -> list[dict[str, Any]]:
    return published_recommender(workspace).recommend_all(5).sort("user_id", "rank").to_dicts()


@pytest.mark.skipif(sys.platform != "linux", reason="rights are taken away by prctl")
def test_a_folder_that_nobody_may_write_to_is_named(workspace: Workspace) -> None:
    first, before = workspace.current_id(), lists(workspace)
    add_event(workspace, "u1,i11,99")
    folders = [workspace.builds, workspace.build(str(first)), workspace.root]
    for folder in folders:
        folder.chmod(0o555)
    try:
        command = [sys.executable, "-W", "ignore", "-m", "etl", "rebuild", "-w", str(workspace.root)]
        environment = {**os.environ, **NOWHERE}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False, preexec_fn=without_privileges)
        assert lists(workspace) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 71, done.stderr
    assert str(workspace.root) in done.stderr
    assert "Traceback" not in done.stderr
    assert workspace.current_id() == first
    assert rebuilt(workspace)[1]


def without_privileges() -> None:
    """Take away what lets root write where nobody may; others never had it."""
    for capability in (1, 2, 3):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def test_a_stage_whose_files_were_damaged_runs_again(workspace: Workspace) -> None:
    add_event(workspace, "u1,i11,99")
    draft = workspace.build(job_of(workspace, **NOWHERE).run("build"))
    (draft / "resolution" / "facts.json").write_text("{")
    build_id, _ = rebuilt(workspace)
    assert build_id == draft.name
    assert read_json(workspace.build(build_id) / "resolution" / "facts.json") != {}
