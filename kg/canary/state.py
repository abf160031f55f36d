"""Which build is tried out on which users: `builds/canary.json`, read by every worker, so that it holds after a restart.

A user is of one arm for as long as a canary lasts, by a hash of the user's id and the build's. As many users as the canary has are its control group:
their lists come from the published build, and are measured in the same way.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from kg.errors import ConflictError, InputError, NotFoundError
from kg.files.json_file import read_json, write_json
from kg.workspace import Workspace

Arm = Literal["canary", "control", ""]
"""Whose lists a user gets: the canary's, the published build's and measured, or the published build's."""
_FILE = "canary.json"


@dataclass(frozen=True, slots=True)
class Canary:
    """A canary, running or ended.

    Attributes:
        build_id: The build that is tried out.
        published: The published build beside it; once another one is published, the canary is over.
        share: Which part of the users it answers, above 0 and at most 1.
        since_s: When it began, Unix seconds.
        window_s: How long after a list an event counts as its effect.
        max_errors: By how much the canary's share of failed lists may exceed the control group's before it is withdrawn.
        promote_after_s: After how long it is promoted by itself; None leaves that to a person.
        state: "running", "promoted" or "withdrawn".
        reason: Why it ended.
        ended_s: When it ended; None while it runs.
    """

    build_id: str
    published: str
    share: float
    since_s: float
    window_s: float = 1800.0
    max_errors: float = 0.01
    promote_after_s: float | None = None
    state: Literal["running", "promoted", "withdrawn"] = "running"
    reason: str = ""
    ended_s: float | None = None

    @property
    def canary_id(self) -> str:
        """What its measurements are kept under: the same build may be tried out twice."""
        return f"{self.build_id}@{self.since_s:.3f}"

    def arm(self, user_id: str) -> Arm:
        """Return whose lists a user gets.

        >>> canary = Canary("20260101T000000-000001", "20260101T000000-000000", share=0.1, since_s=0)
        >>> [canary.arm(user_id) for user_id in ("u9", "u22", "u1")]
        ['canary', 'control', '']
        """
        place = int.from_bytes(hashlib.sha256(f"{self.build_id}\0{user_id}".encode()).digest()[:8]) / 2**64
        return "canary" if place < self.share else "control" if place < 2 * self.share else ""


def share_of(text: str) -> float:
    """Read a share: "10%", or a number up to 1.

    >>> share_of("10%"), share_of("0.25")
    (0.1, 0.25)

    Raises:
        InputError: It is none, or not above 0 and at most 1.
    """
    number = text.strip()
    try:
        share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise InputError(f"{text[:40]!r} is not a share of the users", hint="write it as 10%, or as a number above 0 and at most 1")
    return share


def latest(workspace: Workspace) -> Canary | None:
    """Return the canary that runs, or the last one that ended; one that another publication has ended counts as withdrawn."""
    stored = _read(workspace.builds / _FILE)
    if stored is None or stored.state != "running":
        return stored
    current = workspace.current_id()
    if current == stored.published:
        return stored
    # The publication was killed before it noted this.
    if current == stored.build_id:
        return replace(stored, state="promoted", reason="its build was published")
    return replace(stored, state="withdrawn", reason=f"build {current} was published")


def running(workspace: Workspace) -> Canary | None:
    """Return the canary that runs."""
    stored = latest(workspace)
    return stored if stored is not None and stored.state == "running" else None


def begin(workspace: Workspace, canary: Canary) -> None:
    """Have workers answer a share of the users from a build.

    Raises:
        ConflictError: Another canary runs, or it is the published build.
        NotFoundError: No build is published beside which it could be tried out.
    """
    with _lock(workspace):
        current, other = workspace.current_id(), running(workspace)
        if current is None:
            raise NotFoundError("no build is published that a canary could be compared with", hint="`reckon publish` without --canary")
        if canary.build_id == current:
            raise ConflictError(f"build {current} is the published one", hint="name another: `reckon builds list`")
        if other is not None:
            raise ConflictError(f"build {other.build_id} is tried out already", hint="`reckon publish --promote` or `--withdraw` ends that")
        _write(workspace, replace(canary, published=current))


def end(workspace: Workspace, canary_id: str, state: Literal["promoted", "withdrawn"], reason: str) -> bool:
    """Note that a canary ended; say whether it ran until now, so that of several workers one alone has ended it."""
    with _lock(workspace):
        stored = _read(workspace.builds / _FILE)
        if stored is None or stored.canary_id != canary_id or stored.state != "running":
            return False
        _write(workspace, replace(stored, state=state, reason=reason, ended_s=time.time()))
        return True


def published(workspace: Workspace, build_id: str) -> None:
    """Note that a build was published: a canary that ran is over."""
    stored = _read(workspace.builds / _FILE)
    if stored is not None and stored.state == "running" and build_id != stored.published:
        promoted = build_id == stored.build_id
        end(
            workspace,
            stored.canary_id,
            "promoted" if promoted else "withdrawn",
            "its build was published" if promoted else f"build {build_id} was published",
        )


def _read(path: Path) -> Canary | None:
    try:
        return Canary(**read_json(path))
    except TypeError:
        return None


def _write(workspace: Workspace, canary: Canary) -> None:
    values: dict[str, Any] = asdict(canary)
    write_json(workspace.builds / _FILE, values)


def _lock(workspace: Workspace) -> FileLock:
    return FileLock(workspace.builds / ".canary.lock")
