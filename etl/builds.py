"""The builds of a workspace: what each stage left and noted, which build is current, and the way back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from etl.runs import read_json, write_json
from kg.errors import NotFoundError
from kg.workspace import Workspace

STAGES = ("import", "extract", "build", "train", "evaluate")
OUTPUTS = {
    "import": ("catalog", "rejects.jsonl", "flagged.parquet", "import.json", "import.md"),
    "extract": ("attributes.parquet",),
    "build": ("graph.json", "resolution", "hygiene.json", "hygiene.md"),
    "train": ("model", "artifact", "training.json"),
    "evaluate": ("report.json", "report.md", "report.html", "model-card.md"),
}
OPTIONAL = {"extract": ("inferred.parquet", "learned.parquet", "text_vectors.npy")}
"""What a stage writes only where the configuration asks for it."""


def publish(workspace: Workspace, build_id: str) -> None:
    """Make a build current, atomically.

    Raises:
        NotFoundError: There is no such build.
        ArtifactError: Its artifact is missing or corrupt; `current` stays as it was.
    """
    from gnn.artifact import load_artifact

    if not workspace.build(build_id).is_dir():
        raise NotFoundError(f"there is no build {build_id}", hint="`reckon builds` lists them")
    load_artifact(workspace.build(build_id) / "artifact")
    history = published(workspace)
    if history[-1:] != [build_id]:
        # Noted first: killed in between, the history names a build that is not current, which a rollback passes over.
        write_json(workspace.builds / "published.json", {"builds": [*history, build_id]})
    _point(workspace, build_id)
    draft = workspace.builds / "draft"
    if draft.exists() and draft.read_text().strip() == build_id:
        draft.unlink()


def rollback(workspace: Workspace) -> str:
    """Make the build current that was published before, and return its id.

    Raises:
        NotFoundError: There is none.
        ArtifactError: It is corrupt; `current` stays as it was.
    """
    from gnn.artifact import load_artifact

    current, history = workspace.current_id(), published(workspace)
    while history and history[-1] != current:
        history.pop()
    earlier = [build_id for build_id in history[:-1] if build_id != current]
    if not earlier:
        raise NotFoundError("no build was published before the current one", hint="`reckon builds` lists them")
    previous = earlier[-1]
    load_artifact(workspace.build(previous) / "artifact")
    _point(workspace, previous)
    write_json(workspace.builds / "published.json", {"builds": earlier})
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
    return [str(build_id) for build_id in read_json(workspace.builds / "published.json").get("builds", [])]


def stages(build: Path) -> dict[str, dict[str, Any]]:
    """Return what was noted of the stages of a build that are done."""
    return read_json(build / "stages.json")


def is_done(build: Path, stage: str, fingerprint: str) -> bool:
    """Say whether a stage was done with this fingerprint and everything that it wrote is there."""
    return stages(build).get(stage, {}).get("fingerprint") == fingerprint and all((build / name).exists() for name in OUTPUTS[stage])
