"""`reckon status`: what answers, what runs, what comes next, and what is wrong, as plain values, as lines, and as Prometheus metrics."""

from __future__ import annotations

import shutil
import time
from typing import Any

from etl.operation.schedule import next_time
from etl.pipeline.builds import BAD_STATUS, disk_use, draft_id, run_record
from etl.pipeline.locks import running, said
from etl.settings import RebuildConfig
from etl.stages import ledger_import
from kg.config import Config
from kg.errors import LedgerUnavailableError
from kg.files.json_file import read_json
from kg.workspace import Workspace

_LITTLE_ROOM = 0.1


def status(workspace: Workspace, config: Config) -> dict[str, Any]:
    """Return the state of a workspace; `warnings` says what somebody should look at."""
    settings, now, current = config.section(RebuildConfig), time.time(), workspace.current_id()
    scheduled = read_json(workspace.root / "schedule.json")
    ids = workspace.build_ids()
    last = run_record(workspace.build(ids[-1])) if ids else {}
    disk = shutil.disk_usage(workspace.root)
    waiting = _events_waiting(workspace, config, current)
    found: dict[str, Any] = {
        "build": None if current is None else {"build_id": current, "age_s": round(_age(workspace, current, now), 1)},
        "running": running(workspace),
        "last": {name: last[name] for name in ("build_id", "status", "stage", "error", "reason", "at_s") if last.get(name)},
        "in_progress": draft_id(workspace),
        "next_s": scheduled.get("next_s") if scheduled else next_time(settings, now),
        "scheduled": scheduled,
        "events_waiting": waiting,
        "gates": {}
        if current is None
        else {name: bool(gate["passed"]) for name, gate in run_record(workspace.build(current)).get("gates", {}).items()},
        "builds": {"n": len(ids), "bytes": sum(disk_use(workspace.build(build_id)) for build_id in ids)},
        "disk": {"free": disk.free, "total": disk.total},
    }
    return {**found, "warnings": _warnings(found, settings, now)}


def _age(workspace: Workspace, build_id: str, now: float) -> float:
    """Return how old a build is: since its run began, which is when it read the shop's files."""
    started = run_record(workspace.build(build_id)).get("started_s")
    return now - float(started if isinstance(started, int | float) else workspace.build(build_id).stat().st_mtime)


def _events_waiting(workspace: Workspace, config: Config, current: str | None) -> int | None:
    """Return how many numbers of the ledger the published build does not know; None where it does not answer."""
    try:
        upto = ledger_import.mark(workspace, config).events_seq
    except LedgerUnavailableError:
        return None
    known = ledger_import.mark_of(workspace.build(current)) if current is not None else None
    return max(upto - max(known.events_seq if known else 0, 0), 0)


def _warnings(found: dict[str, Any], settings: RebuildConfig, now: float) -> list[str]:
    warnings = []
    if found["build"] is None:
        warnings.append("no build is published: run `reckon rebuild`")
    elif found["build"]["age_s"] > settings.stale_after_h * 3600:
        warnings.append(f"the published build is {found['build']['age_s'] / 3600:.0f} hours old: see why rebuilds fail (`reckon builds list`)")
    elif found["build"]["age_s"] < -60:
        warnings.append("the published build is from the future: the clock was moved back")
    if found["last"].get("status") in BAD_STATUS:
        warnings.append(f"the last rebuild {found['last']['status']} in {found['last'].get('stage')}: {found['last'].get('reason', '')}")
    if found["events_waiting"] is None:
        warnings.append("the ledger does not answer")
    if found["disk"]["free"] < max(_LITTLE_ROOM * found["disk"]["total"], _largest(found)):
        warnings.append(f"{found['disk']['free'] / 2**30:.1f} GiB of disk are free: `reckon builds prune` removes old builds")
    if found["scheduled"].get("exit_code"):
        warnings.append(f"the last scheduled rebuild ended with {found['scheduled']['exit_code']}")
    if found["scheduled"] and not found["running"] and float(found["scheduled"].get("next_s") or now) < now - 3600:
        warnings.append("the time of the next rebuild has passed: `reckon schedule` does not run")
    return warnings


def _largest(found: dict[str, Any]) -> float:
    """Return about what two more builds need."""
    return 2.0 * float(found["builds"]["bytes"]) / max(int(found["builds"]["n"]), 1)


def as_text(found: dict[str, Any]) -> str:
    """Return the state as lines."""
    build, waiting = found["build"], found["events_waiting"]
    lines = [f"published   {build['build_id']}, {build['age_s'] / 3600:.1f} hours old" if build else "published   nothing"]
    lines.append(f"running     {said(found['running'])}" if found["running"] else "running     nothing")
    if found["last"]:
        lines.append(f"last run    {found['last'].get('build_id')} {found['last'].get('status', '')} {found['last'].get('reason', '')}".rstrip())
    if found["next_s"]:
        lines.append(f"next run    {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(found['next_s']))}")
    lines.append(f"events      {'the ledger does not answer' if waiting is None else f'{waiting:,} since the published build'}")
    failed = [name for name, passed in found["gates"].items() if not passed]
    lines.append(f"gates       {', '.join(failed)} accepted, not passed" if failed else f"gates       {len(found['gates'])} passed")
    lines.append(
        f"disk        {found['builds']['n']} builds, {found['builds']['bytes'] / 2**20:.0f} MiB; {found['disk']['free'] / 2**30:.1f} GiB free"
    )
    return "\n".join([*lines, *(f"warning     {warning}" for warning in found["warnings"])])


def as_metrics(found: dict[str, Any]) -> str:
    """Return the state in the text format of Prometheus, for the node exporter's textfile collector."""
    values = {
        "reckon_rebuild_build_age_seconds": ("Age of the published build.", found["build"]["age_s"] if found["build"] else None),
        "reckon_rebuild_running": ("Whether a job writes builds.", int(bool(found["running"]))),
        "reckon_rebuild_last_failed": ("Whether the last run failed or was stopped.", int(found["last"].get("status") in BAD_STATUS)),
        "reckon_rebuild_next_timestamp_seconds": ("When the next rebuild is due.", found["next_s"]),
        "reckon_rebuild_events_waiting": ("Events that the published build does not know.", found["events_waiting"]),
        "reckon_rebuild_gates_failed": (
            "Gates of the published build that somebody accepted.",
            sum(not passed for passed in found["gates"].values()),
        ),
        "reckon_rebuild_builds_bytes": ("What all builds take on disk.", found["builds"]["bytes"]),
        "reckon_rebuild_disk_free_bytes": ("What is free there.", found["disk"]["free"]),
        "reckon_rebuild_warnings": ("What somebody should look at.", len(found["warnings"])),
    }
    known = {name: pair for name, pair in values.items() if pair[1] is not None}
    return "".join(f"# HELP {name} {about}\n# TYPE {name} gauge\n{name} {value}\n" for name, (about, value) in known.items())
