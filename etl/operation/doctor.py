"""`reckon doctor`: what is wrong with a machine or a workspace, and how to mend it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil

from etl.pipeline.builds import damaged, stages
from etl.pipeline.locks import holder_of, running, said
from etl.pipeline.stage_list import STAGE_LIST
from etl.stages import ledger_import
from kg.config import Config, GraphConfig, load_config
from kg.errors import ReckonError
from kg.store import Place, backend_of
from kg.workspace import Workspace

_MEMORY, _DISK = 2 * 2**30, 2 * 2**30
_SERVE_PORT = 8000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Which.
        ok: Whether it is as it should be.
        found: What was found.
        fix: What to do about it; empty where nothing need be done.
    """

    what: str
    ok: bool
    state: str
    fix: str = ""


def examine(root: Path) -> list[Finding]:
    """Look at the machine, then at the workspace."""
    findings = [*_machine(root)]
    try:
        workspace = Workspace.open(root)
        config = load_config(workspace.root, os.environ)
    except ReckonError as error:
        return [*findings, Finding("configuration", False, error.message, error.hint)]
    findings.append(Finding("configuration", True, str(workspace.config_file)))
    checks: tuple[Callable[[Workspace, Config], Finding], ...] = (_rights, _lock, _ledger, _graph, _current, _clock)
    return [*findings, *(check(workspace, config) for check in checks)]


def _machine(root: Path) -> Iterator[Finding]:
    right = sys.version_info[:2] == (3, 11)
    yield Finding("python", right, platform.python_version(), "" if right else "install Python 3.11 and run `make install`")
    lacking = []
    for line in requires("reckon") or ():
        name = line.split(";")[0].split("[")[0].strip().split(" ")[0]
        if "extra ==" in line:
            continue
        try:
            version(name)
        except PackageNotFoundError:
            lacking.append(name)
    yield Finding("packages", not lacking, f"missing: {', '.join(lacking)}" if lacking else "all there", "run `make install`" if lacking else "")
    memory = psutil.virtual_memory().available
    enough = memory >= _MEMORY
    yield Finding(
        "memory", enough, f"{memory / 2**30:.1f} GiB available", "" if enough else "a rebuild takes about 2 GiB: stop something, or add memory"
    )
    existing = next(path for path in (root.resolve(), *root.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    room = free >= _DISK
    yield Finding("disk", room, f"{free / 2**30:.1f} GiB free", "" if room else "free some space; `reckon builds prune` removes old builds")
    with closing(socket.socket()) as probe:
        probe.settimeout(0.5)
        taken = probe.connect_ex(("127.0.0.1", _SERVE_PORT)) == 0
    yield Finding("port", True, f"{_SERVE_PORT} is taken: `reckon serve` runs there, or --port names another" if taken else f"{_SERVE_PORT} is free")


def _rights(workspace: Workspace, _: Config) -> Finding:
    folders = [folder for folder in (workspace.root, workspace.builds, workspace.graph) if folder.is_dir()]
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            return Finding("rights", False, f"{folder} cannot be written: {error.strerror}", f"chown -R {os.getuid()} {folder}, or run as its owner")
    loose = [path for path in (workspace.keys, workspace.graph / "password") if path.is_file() and path.stat().st_mode & 0o077]
    if loose:
        return Finding("rights", False, f"others on this machine can read {loose[0]}", f"chmod 600 {loose[0]}")
    return Finding("rights", True, "folders can be written, secrets are ours alone")


def _lock(workspace: Workspace, _: Config) -> Finding:
    shown = holder_of(workspace)
    if not shown:
        return Finding("lock", True, "free")
    if running(workspace):
        return Finding("lock", True, f"held by {said(shown)}")
    return Finding("lock", True, f"left by {said(shown)}, which is dead; the next job takes it over")


def _ledger(workspace: Workspace, config: Config) -> Finding:
    try:
        mark = ledger_import.mark(workspace, config)
    except ReckonError as error:
        return Finding("ledger", False, error.message, error.hint or "see that the database runs and that RECKON__LEDGER__URL is right")
    return Finding("ledger", True, f"answers; {mark.events_seq:,} events")


def _graph(workspace: Workspace, config: Config) -> Finding:
    settings = config.section(GraphConfig)
    backend, place = backend_of(settings), Place(workspace.graph, settings)
    if not backend.runs(place):
        if backend.own:
            return Finding("graph database", True, "does not run; `reckon serve` starts it")
        return Finding("graph database", False, f"nothing listens at {settings.uri}", "start it, or correct RECKON__GRAPH__URI")
    try:
        with closing(backend.joined(place)) as store:
            store.wait(5)
            shown, current = store.build_id(), workspace.current_id()
    except ReckonError as error:
        return Finding("graph database", False, error.message, error.hint)
    if shown != current:
        return Finding("graph database", False, f"shows build {shown}, and published is {current}", "run `reckon graph restore`")
    return Finding("graph database", True, f"shows build {shown}" if shown else "answers; nothing is published")


def _current(workspace: Workspace, _: Config) -> Finding:
    current = workspace.current_id()
    if current is None:
        return Finding("build", False, "nothing is published", "run `reckon rebuild`")
    build = workspace.build(current)
    done = stages(build)
    broken = [name for stage in STAGE_LIST if stage.name in done for name in damaged(build, stage.name)]
    if broken or len(done) < len(STAGE_LIST):
        return Finding("build", False, f"{current}: {broken[0] if broken else 'a stage'} is missing or damaged", "run `reckon rebuild`; it mends it")
    return Finding("build", True, f"{current} is whole")


def _clock(workspace: Workspace, _: Config) -> Finding:
    newest = max((path.stat().st_mtime for path in (workspace.published, workspace.ledger, workspace.config_file) if path.is_file()), default=0.0)
    offset = newest - time.time()
    if offset > 60:
        return Finding("clock", False, f"files are {offset / 60:.0f} minutes from the future: the clock was moved back", "set the clock; use NTP")
    return Finding("clock", True, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


def as_text(findings: list[Finding]) -> str:
    """Return the findings as lines."""
    lines = []
    for each in findings:
        lines.append(f"{'ok  ' if each.ok else 'BAD '} {each.what:15} {each.state}")
        if each.fix:
            lines.append(f"     {'':15} → {each.fix}")
    return "\n".join(lines)
