"""The rebuild on a small shop with the real database: it resumes, publishes atomically, rolls back, and survives being killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from etl.live import file_changes
from etl.pipeline import builds, jobs
from kg.embedded import connection
from kg.errors import ArtifactError, NotFoundError
from kg.files.json_file import read_json
from kg.graph.corrections import FactLog
from kg.workspace import Workspace
from tests.etl.jobs import TOML, job_of

# torch-geometric says this of torch when it is imported; nothing of ours can avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def reckon(workspace: Workspace, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "etl", *arguments, "-w", str(workspace.root)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def server_processes(workspace: Workspace) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if any(str(workspace.graph) in part for part in process.info["cmdline"] or ())]


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def stages(workspace: Workspace, build_id: str) -> dict[str, dict[str, Any]]:
    return read_json(workspace.build(build_id) / "stages.json")


@pytest.fixture(scope="module")
def built(built_teas: Workspace) -> Workspace:
    """A workspace with one published build."""
    return built_teas


@pytest.fixture
def workspace(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it that a test may spoil; the database's files are copied while no server runs."""
    shutil.copytree(built.root, tmp_path / "shop", symlinks=True)
    return Workspace.open(tmp_path / "shop")


def test_a_rebuild_writes_every_noun(built: Workspace) -> None:
    current = built.current_id()
    assert current is not None
    folder = built.build(current)
    assert list(builds.stage_records(folder)) == list(builds.STAGES)
    assert all((folder / name).exists() for names in builds.OUTPUTS.values() for name in names)
    assert not list(folder.glob("*.tmp"))
    assert not (built.builds / "draft").exists()
    assert json.loads((folder / "report.json").read_text())["build_id"] == current


def test_an_unchanged_rebuild_does_nothing(built: Workspace) -> None:
    before = built.current_id()
    assert jobs.rebuild(job_of(built)) == (before, False)
    assert built.build_ids() == [before]


def test_changed_settings_reuse_what_does_not_depend_on_them(workspace: Workspace) -> None:
    first = workspace.current_id()
    (workspace.root / "reckon.toml").write_text(TOML.replace("factors = 4", "factors = 5"))
    second, worked = jobs.rebuild(job_of(workspace))
    assert worked
    assert second != first
    reused = {name: record["reused"] for name, record in stages(workspace, second).items()}
    assert reused == {"import": True, "extract": True, "build": False, "train": False, "evaluate": False, "report": False}
    # Back, and back no further.
    assert builds.rollback(workspace) == first == workspace.current_id()
    with pytest.raises(NotFoundError):
        builds.rollback(workspace)
    assert job_of(workspace).restore_graph(first)
    assert not job_of(workspace).restore_graph(first)


def test_changed_files_drop_the_draft(workspace: Workspace) -> None:
    with (workspace.root / "items.csv").open("a") as file:
        file.write("new,A new tea,Brand 1\n")
    draft = job_of(workspace).run("import")
    with (workspace.root / "items.csv").open("a") as file:
        file.write("newer,A newer tea,Brand 1\n")
    again = job_of(workspace).run("import")
    assert again != draft
    assert draft not in workspace.build_ids()


def test_a_corrupt_artifact_is_neither_published_nor_rolled_back_to(workspace: Workspace) -> None:
    first = workspace.current_id()
    assert first is not None
    copy = "20990101T000000-abcdef"
    shutil.copytree(workspace.build(first), workspace.build(copy))
    broken = max((workspace.build(copy) / "artifact").iterdir(), key=lambda path: path.stat().st_size)
    broken.write_bytes(broken.read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactError):
        builds.publish(workspace, copy)
    assert workspace.current_id() == first
    shutil.rmtree(workspace.build(copy))
    shutil.copytree(workspace.build(first), workspace.build(copy))
    builds.publish(workspace, copy)
    assert workspace.current_id() == copy
    (workspace.build(first) / "artifact" / broken.name).write_bytes(b"")
    with pytest.raises(ArtifactError):
        builds.rollback(workspace)
    assert workspace.current_id() == copy


def test_a_history_that_is_ahead_of_current_does_not_mislead_rollback(workspace: Workspace) -> None:
    first = workspace.current_id()
    assert first is not None
    second, third = "20990101T000000-abcdef", "20990102T000000-abcdef"
    shutil.copytree(workspace.build(first), workspace.build(second))
    builds.publish(workspace, second)
    # As a publication leaves it that was killed before its last step.
    history = workspace.builds / "published.json"
    history.write_text(json.dumps({"builds": [*json.loads(history.read_text())["builds"], third]}))
    assert builds.rollback(workspace) == first


def test_training_notices_that_the_graph_is_gone(workspace: Workspace) -> None:
    (workspace.root / "reckon.toml").write_text(TOML.replace("factors = 4", "factors = 6"))
    build_id = job_of(workspace).run("build")
    shutil.rmtree(workspace.graph)
    assert job_of(workspace).run("train") == build_id


def test_a_deleted_graph_is_written_again(workspace: Workspace) -> None:
    shutil.rmtree(workspace.graph)
    build_id, worked = jobs.rebuild(job_of(workspace))
    assert not worked
    with job_of(workspace).graph() as store:
        assert store.build_id() == build_id
        assert store.read().nodes["item"].height == 12


@pytest.mark.parametrize("after", ["import", "build"])
def test_a_killed_rebuild_goes_on_where_it_was(workspace: Workspace, after: str) -> None:
    first = workspace.current_id()
    with (workspace.root / "events.csv").open("a") as file:
        file.write("u1,i11,99\n")
    process = reckon(workspace, "rebuild")
    draft = workspace.builds / "draft"
    wait_until(lambda: process.poll() is not None or (draft.exists() and after in stages(workspace, draft.read_text())))
    assert process.poll() is None
    process.kill()
    process.communicate()
    wait_until(lambda: not server_processes(workspace))
    assert workspace.current_id() == first
    build_id = draft.read_text()
    done = stages(workspace, build_id)
    finished, worked = jobs.rebuild(job_of(workspace))
    assert (finished, worked) == (build_id, True)
    assert {name: record for name, record in stages(workspace, finished).items() if name in done} == done
    assert connection(workspace.graph) is None


def test_recommending_needs_neither_torch_nor_spacy(built: Workspace) -> None:
    code = """
import sys
from etl.cli.app import main
try:
    main()
finally:
    print(sorted({"torch", "spacy", "neo4j", "fastapi"} & set(sys.modules)), file=sys.stderr)
"""
    command = [sys.executable, "-c", code, "recommend", "u1", "-k", "3", "-w", str(built.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.strip().endswith("[]")
    assert " 3. " in done.stdout


def test_everybody_gets_recommendations(built: Workspace, tmp_path: Path) -> None:
    import polars as pl

    process = reckon(built, "recommend", "--all", "-k", "4", "--out", str(tmp_path / "r.parquet"))
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    table = pl.read_parquet(tmp_path / "r.parquet")
    assert table.columns == ["user_id", "item_id", "rank", "score"]
    assert table["user_id"].n_unique() == 10
    assert not (tmp_path / "r.parquet.tmp").exists()


def test_a_graph_without_tables_is_not_restored(built: Workspace) -> None:
    with pytest.raises(NotFoundError):
        job_of(built).restore_graph("20200101T000000-abcdef")


def everything_in_graph(workspace: Workspace) -> list[Any]:
    with job_of(workspace).graph() as store:
        tables = store.read()
    frames: dict[Any, Any] = {**tables.nodes, **tables.edges}
    return sorted(str((name, sorted((k, v) for k, v in row.items() if v is not None))) for name, frame in frames.items() for row in frame.to_dicts())


def test_changes_between_rebuilds_leave_the_graph_of_a_rebuild(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        {"op": "upsert_item", "item_id": "new", "title": "Blue tea 2 kg", "brand": "Brand 1", "price": 2.5},
        {"op": "upsert_item", "item_id": "i3", "title": "Red tea 1 kg"},
        {"op": "delete_item", "item_id": "i4"},
        {"op": "add_interaction", "id": "e1", "user_id": "u1", "item_id": "new", "kind": "view", "time": 99},
        {"op": "delete_interaction", "user_id": "u2", "item_id": "i10"},
        {"op": "delete_item", "item_id": "nobody"},
    ]
    changes = tmp_path / "changes.jsonl"
    changes.write_text("".join(json.dumps(line) + "\n" for line in lines))
    taken = file_changes.store_changes(job_of(workspace), changes)
    assert (taken.appended, taken.known, taken.rejected) == (5, 0, 1)
    assert file_changes.store_changes(job_of(workspace), changes).known == 1
    FactLog(workspace.facts).state("set", "i5", "has_brand", "Brand of Ann", by="ann")
    counts = file_changes.catch_up(job_of(workspace))
    assert counts is not None
    assert counts["nodes"] > 0
    assert file_changes.catch_up(job_of(workspace)) == {"nodes": 0, "edges": 0, "gone_nodes": 0, "gone_edges": 0}
    at_once = everything_in_graph(workspace)
    assert not job_of(workspace).restore_graph(str(workspace.current_id()))
    shutil.rmtree(workspace.graph)
    assert job_of(workspace).restore_graph(str(workspace.current_id()))
    assert everything_in_graph(workspace) == at_once
    job_of(workspace).run("build")
    assert everything_in_graph(workspace) == at_once
    assert file_changes.forget_changes(job_of(workspace)) == 8
    with pytest.raises(NotFoundError):
        file_changes.forget_changes(job_of(workspace))
