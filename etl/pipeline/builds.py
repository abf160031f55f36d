"""The builds of a workspace: what each stage left and noted, which build is current, and the way back."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etl.pipeline.stage_list import PUBLISHABLE, STAGE_LIST
from kg.canary import state as canary
from kg.errors import GateError, NotFoundError, ReckonError
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace

STAGES = tuple(stage.name for stage in STAGE_LIST)
OUTPUTS = {stage.name: tuple(stage.outputs) for stage in STAGE_LIST}
OPTIONAL = {stage.name: tuple(stage.optional) for stage in STAGE_LIST}
"""What a stage writes only where the configuration asks for it."""


RUN = "run.json"
"""What became of the run that made a build: `status` is running, stopped, failed or finished; a failed one names the stage and the reason."""
BAD_STATUS = ("failed", "stopped")


def check_publishable(workspace: Workspace, build_id: str) -> None:
    """See that a build can be published.

    Raises:
        NotFoundError: There is no such build.
        ArtifactError: Its artifact is missing or corrupt.
    """
    from gnn.artifact.artifact import load_artifact

    if not workspace.build(build_id).is_dir():
        raise NotFoundError(f"there is no build {build_id}", hint="`reckon builds` lists them")
    load_artifact(workspace.build(build_id) / "artifact")


def publish(workspace: Workspace, build_id: str) -> None:
    """Make a build current, atomically; `etl.pipeline.graph_database` does this together with the graph database.

    Raises:
        NotFoundError: There is no such build.
        ArtifactError: Its artifact is missing or corrupt; `current` stays as it was.
    """
    check_publishable(workspace, build_id)
    history = published(workspace)
    if history[-1:] != [build_id]:
        # Noted first: killed in between, the history names a build that is not current, which a rollback passes over.
        write_json(workspace.published, {"builds": [*history, build_id]})
    _point(workspace, build_id)
    canary.published(workspace, build_id)
    draft = workspace.builds / "draft"
    if draft.exists() and draft.read_text().strip() == build_id:
        draft.unlink()


def rollback(workspace: Workspace) -> str:
    """Make the build current that was published before, and return its id.

    Raises:
        NotFoundError: There is none.
        ArtifactError: It is corrupt; `current` stays as it was.
    """
    from gnn.artifact.artifact import load_artifact

    earlier = _before_current(workspace)
    if not earlier:
        raise NotFoundError("no build was published before the current one", hint="`reckon builds` lists them")
    previous = earlier[-1]
    load_artifact(workspace.build(previous) / "artifact")
    _point(workspace, previous)
    canary.published(workspace, previous)
    write_json(workspace.published, {"builds": earlier})
    return previous


def stage_records(build: Path) -> dict[str, dict[str, Any]]:
    """Return what each stage of a build took, in order."""
    done = stages(build)
    return {stage: done[stage] for stage in STAGES if stage in done}


def n_rejected(build: Path) -> int:
    """Return how many rows the import of a build rejected."""
    return int(stages(build).get("import", {}).get("counts", {}).get("rejected", 0))


def _point(workspace: Workspace, build_id: str) -> None:
    temporary = workspace.builds / f"current.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(build_id)
    temporary.replace(workspace.current)


def published(workspace: Workspace) -> list[str]:
    """Return the builds that were published, in order."""
    return workspace.published_ids()


def stages(build: Path) -> dict[str, dict[str, Any]]:
    """Return what was noted of the stages of a build that are done."""
    return read_json(build / "stages.json")


def is_done(build: Path, stage: str, fingerprint: str) -> bool:
    """Say whether a stage was done with this fingerprint, and everything that it wrote is there as it was written."""
    record = stages(build).get(stage, {})
    return record.get("fingerprint") == fingerprint and not damaged(build, stage)


def damaged(build: Path, stage: str) -> list[str]:
    """Return the files of a stage that are missing, or are not what was written; those of stages without checksums only where missing."""
    missing = [name for name in OUTPUTS[stage] if not (build / name).exists()]
    noted: dict[str, str] = stages(build).get(stage, {}).get("sha256", {})
    return missing + [name for name, digest in noted.items() if _digest(build / name) != digest]


def checksums(build: Path, stage: str) -> dict[str, str]:
    """Return the checksum of every file that a stage wrote, by its path in the build."""
    digests: dict[str, str] = {}
    for name in (*OUTPUTS[stage], *OPTIONAL.get(stage, ())):
        path = build / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        digests |= {file.relative_to(build).as_posix(): _digest(file) for file in files if file.is_file()}
    return digests


def run_record(build: Path) -> dict[str, Any]:
    """Return what became of the run that made a build."""
    return read_json(build / RUN)


def begin_run(build: Path, started: Mapping[str, Any]) -> None:
    """Note who makes a build, of what, and since when; a run that goes on with a build keeps what the first one noted beside it.

    Args:
        build: Its folder.
        started: What is known at the start: `parent`, `settings`, `versions`, `by`, `accepted`, `started_s`.
    """
    record = run_record(build)
    accepted = {**record.get("accepted", {}), **started.get("accepted", {})}
    runs = [*record.get("runs", []), {name: started[name] for name in ("by", "started_s") if name in started}]
    write_json(build / RUN, {**record, **started, "parent": record.get("parent", started.get("parent")), "accepted": accepted, "runs": runs[-20:]})


def note_run(build: Path, status: str, stage: str = "", error: BaseException | None = None) -> None:
    """Note what became of the run that makes a build.

    Args:
        build: Its folder.
        status: See `RUN`.
        stage: Where it failed or stopped.
        error: Why.
    """
    gates = {name: gate for done in stages(build).values() for name, gate in done.get("counts", {}).get("gates", {}).items()}
    gates |= error.gates if isinstance(error, GateError) else {}
    record = {name: value for name, value in run_record(build).items() if name not in ("error", "reason", "gates")}
    record |= {"build_id": build.name, "status": status, "stage": stage, "at_s": round(time.time(), 3), **({"gates": gates} if gates else {})}
    if error is not None:
        message = error.message if isinstance(error, ReckonError) else str(error)
        record |= {"error": type(error).__name__, "reason": (message.strip().splitlines() or [type(error).__name__])[0][:500]}
    write_json(build / RUN, record)


def about(build: Path) -> dict[str, Any]:
    """Return what the graph database keeps of a build: its stages with what they took and counted, and its gates."""
    kept = ("seconds", "peak_mib", "counts")
    done = {name: {key: noted[key] for key in kept if key in noted} for name, noted in stage_records(build).items()}
    run = run_record(build)
    return {"stages": done, **{name: run[name] for name in ("parent", "versions", "gates", "accepted", "started_s") if name in run}}


def prune(workspace: Workspace, keep: int) -> list[str]:
    """Remove old builds, the oldest first, and return their ids.

    The current build, the one that a rollback leads to, the one in progress and one that is tried out always stay.

    Args:
        workspace: Whose builds.
        keep: How many builds stay, these included.
    """
    stay = {workspace.current_id(), draft_id(workspace), *_tried_out(workspace), *_before_current(workspace)[-1:]}
    ids = workspace.build_ids()
    old = [build_id for build_id in ids if build_id not in stay][: max(0, len(ids) - keep)]
    for build_id in old:
        _remove(workspace, build_id)
    return old


def remove_abandoned(workspace: Workspace) -> list[str]:
    """Remove builds that were never finished and that no run goes on with, and return their ids."""
    stay = {workspace.current_id(), draft_id(workspace), *_tried_out(workspace), *published(workspace)}
    left = [build_id for build_id in workspace.build_ids() if build_id not in stay and PUBLISHABLE not in stages(workspace.build(build_id))]
    for build_id in left:
        _remove(workspace, build_id)
    for leftover in workspace.builds.glob("*.tmp"):
        leftover.unlink(missing_ok=True)
    for half in workspace.builds.glob("*.gone"):
        shutil.rmtree(half, ignore_errors=True)
    return left


def draft_id(workspace: Workspace) -> str | None:
    """Return the build in progress, or None."""
    try:
        return (workspace.builds / "draft").read_text().strip()
    except FileNotFoundError:
        return None


def _tried_out(workspace: Workspace) -> list[str]:
    running = canary.running(workspace)
    return [] if running is None else [running.build_id]


def disk_use(build: Path) -> int:
    """Return the bytes of a build's files; those that builds share count for each."""
    return sum(path.stat().st_size for path in build.rglob("*") if path.is_file())


def _before_current(workspace: Workspace) -> list[str]:
    """Return the builds that were published before the current one and are still there, in order."""
    current, history = workspace.current_id(), published(workspace)
    while history and history[-1] != current:
        history.pop()
    return [build_id for build_id in history[:-1] if build_id != current and workspace.build(build_id).is_dir()]


def _remove(workspace: Workspace, build_id: str) -> None:
    """Remove a build: renamed first, so that nobody finds half of it."""
    gone = workspace.builds / f"{build_id}.gone"
    shutil.rmtree(gone, ignore_errors=True)
    workspace.build(build_id).rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
