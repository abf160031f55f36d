"""What a rebuild would do, and why: each stage's inputs, settings and code beside those that it was last done with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from etl.pipeline.builds import damaged, stages
from etl.pipeline.stage_list import STAGE_LIST
from kg.workspace import Workspace

Parts = Mapping[str, Mapping[str, Any]]
"""stage → name of an input → what identifies it: plain values for settings, a digest for everything else."""


@dataclass(frozen=True)
class Planned:
    """One stage of a rebuild.

    Attributes:
        stage: Which.
        runs: Whether it would run.
        why: What changed, or that nothing did.
    """

    stage: str
    runs: bool
    why: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def recorded(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a stage as its record keeps them: settings as they are, all else as a digest."""
    return {name: value if name.startswith("[") else _digest(value) for name, value in parts.items()}


def plan(workspace: Workspace, build_id: str | None, prints: Mapping[str, str], parts: Parts, again: Collection[str] = ()) -> list[Planned]:
    """Return what would run.

    Args:
        workspace: Whose builds.
        build_id: The build to compare with: the one in progress, else the published one.
        prints: stage → fingerprint.
        parts: stage → its inputs.
        again: Stages that are to run whatever changed.
    """
    planned: list[Planned] = []
    done = {} if build_id is None else stages(workspace.build(build_id))
    for stage in STAGE_LIST:
        why: list[str] = []
        before = next((each.stage for each in reversed(planned) if each.runs), "")
        if stage.name in again:
            why.append("asked for")
        if stage.name not in done:
            why.append("it was not done yet")
        elif done[stage.name].get("fingerprint") != prints[stage.name]:
            why += _changed(done[stage.name].get("parts", {}), recorded(parts[stage.name]))
            if not why and not before:
                why.append("its code changed")
        elif build_id is not None:
            why += [f"{name} is missing or damaged" for name in damaged(workspace.build(build_id), stage.name)]
        if before and not why:
            why.append(f"{before} runs before it")
        planned.append(Planned(stage.name, bool(why), tuple(why) or ("nothing changed",)))
    return planned


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the inputs that differ, and of settings the keys."""
    why: list[str] = []
    for name, value in now.items():
        old = before.get(name)
        if old == value or name not in before:
            continue
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            keys = sorted(key for key in {*value, *old} if value.get(key) != old.get(key))
            why += [f"{name} {key}: {_short(old.get(key))} → {_short(value.get(key))}" for key in keys]
        else:
            why.append(f"{name} changed")
    return why


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
