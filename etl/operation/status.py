"""`reckon status`: what answers, what runs, what comes next, and what is wrong, as plain values, as lines, and as Prometheus metrics."""

from __future__ import annotations

import shutil
import time
from typing import Any

from etl.operation import canary_text
from etl.operation.schedule import next_time
from etl.pipeline.builds import BAD_STATUS, disk_use, draft_id, run_record
from etl.pipeline.canary import BY_HAND, canary_status
from etl.pipeline.locks import running, said
from etl.settings import RebuildConfig
from etl.stages import ledger_import
from kg.config import Config
from kg.errors import LedgerUnavailableError
from kg.files.json_file import read_json
from kg.workspace import Workspace

_LITTLE_ROOM = 0.1
_SKEW_S = 60.0


def status(workspace: Workspace, config: Config) -> dict[str, Any]:
    """Return the state of a workspace; `warnings` says what somebody should look at."""
    settings, now, current = config.section(RebuildConfig), time.time(), workspace.current_id()
    scheduled = read_json(workspace.root / "schedule.json")
    ids = workspace.build_ids()
    last = _last_run(workspace, now)
    disk = shutil.disk_usage(workspace.root)
    waiting = _events_waiting(workspace, config, current)
    state: dict[str, Any] = {
        "build": None if current is None else {"build_id": current, "age_s": round(_age(workspace, current, now), 1)},
        "running": running(workspace),
        "last": {name: last[name] for name in ("build_id", "status", "stage", "error", "reason", "at_s") if last.get(name)},
        "in_progress": draft_id(workspace),
        "next_s": scheduled.get("next_s") if scheduled else next_time(settings, now),
        "scheduled": scheduled,
        "events_waiting": waiting,
        "canary": canary_status(workspace),
        "gates": {}
        if current is None
        else {name: bool(gate["passed"]) for name, gate in run_record(workspace.build(current)).get("gates", {}).items()},
        "builds": {"n": len(ids), "bytes": sum(disk_use(workspace.build(build_id)) for build_id in ids)},
        "disk": {"free": disk.free, "total": disk.total},
    }
    return {**state, "warnings": _warnings(state, settings, now)}


def _last_run(workspace: Workspace, now: float) -> dict[str, Any]:
    """Return the record of the run that ended last; one from the future, as a clock that was moved back leaves it, counts only beside no other."""
    runs = [run_record(workspace.build(build_id)) for build_id in workspace.build_ids()]
    times = [float(run.get("at_s") or 0.0) for run in runs]
    return max(zip(times, runs, strict=True), key=lambda pair: (pair[0] <= now + _SKEW_S, pair[0]), default=(0.0, {}))[1]


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


def _warnings(state: dict[str, Any], settings: RebuildConfig, now: float) -> list[str]:
    warnings = []
    if state["build"] is None:
        warnings.append("no build is published: run `reckon rebuild`")
    elif state["build"]["age_s"] > settings.stale_after_h * 3600:
        warnings.append(f"the published build is {state['build']['age_s'] / 3600:.0f} hours old: see why rebuilds fail (`reckon builds list`)")
    elif state["build"]["age_s"] < -_SKEW_S:
        warnings.append("the published build is from the future: the clock was moved back")
    if state["last"].get("status") in BAD_STATUS:
        warnings.append(f"the last rebuild {state['last']['status']} in {state['last'].get('stage')}: {state['last'].get('reason', '')}")
    if state["canary"].get("state") == "withdrawn" and state["canary"]["reason"] != BY_HAND:
        warnings.append(f"build {state['canary']['build_id']} was tried out and withdrawn: {state['canary']['reason']}")
    if state["events_waiting"] is None:
        warnings.append("the ledger does not answer")
    if state["disk"]["free"] < max(_LITTLE_ROOM * state["disk"]["total"], _largest(state)):
        warnings.append(f"{state['disk']['free'] / 2**30:.1f} GiB of disk are free: `reckon builds prune` removes old builds")
    if state["scheduled"].get("exit_code"):
        warnings.append(f"the last scheduled rebuild ended with {state['scheduled']['exit_code']}")
    if state["scheduled"] and not state["running"] and float(state["scheduled"].get("next_s") or now) < now - 3600:
        warnings.append("the time of the next rebuild has passed: `reckon schedule` does not run")
    return warnings


def _largest(state: dict[str, Any]) -> float:
    """Return about what two more builds need."""
    return 2.0 * float(state["builds"]["bytes"]) / max(int(state["builds"]["n"]), 1)


def as_text(state: dict[str, Any]) -> str:
    """Return the state as lines."""
    build, waiting = state["build"], state["events_waiting"]
    lines = [f"published   {build['build_id']}, {build['age_s'] / 3600:.1f} hours old" if build else "published   nothing"]
    lines.append(f"running     {said(state['running'])}" if state["running"] else "running     nothing")
    if state["last"]:
        lines.append(f"last run    {state['last'].get('build_id')} {state['last'].get('status', '')} {state['last'].get('reason', '')}".rstrip())
    if state["next_s"]:
        lines.append(f"next run    {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(state['next_s']))}")
    lines += canary_text.lines(state["canary"])
    lines.append(f"events      {'the ledger does not answer' if waiting is None else f'{waiting:,} since the published build'}")
    failed = [name for name, passed in state["gates"].items() if not passed]
    lines.append(f"gates       {', '.join(failed)} accepted, not passed" if failed else f"gates       {len(state['gates'])} passed")
    lines.append(
        f"disk        {state['builds']['n']} builds, {state['builds']['bytes'] / 2**20:.0f} MiB; {state['disk']['free'] / 2**30:.1f} GiB free"
    )
    return "\n".join([*lines, *(f"warning     {warning}" for warning in state["warnings"])])


def as_metrics(state: dict[str, Any]) -> str:
    """Return the state in the text format of Prometheus, for the node exporter's textfile collector."""
    values = {
        "reckon_rebuild_build_age_seconds": ("Age of the published build.", state["build"]["age_s"] if state["build"] else None),
        "reckon_rebuild_running": ("Whether a job writes builds.", int(bool(state["running"]))),
        "reckon_rebuild_last_failed": ("Whether the last run failed or was stopped.", int(state["last"].get("status") in BAD_STATUS)),
        "reckon_rebuild_next_timestamp_seconds": ("When the next rebuild is due.", state["next_s"]),
        "reckon_rebuild_events_waiting": ("Events that the published build does not know.", state["events_waiting"]),
        "reckon_rebuild_gates_failed": (
            "Gates of the published build that somebody accepted.",
            sum(not passed for passed in state["gates"].values()),
        ),
        "reckon_rebuild_builds_bytes": ("What all builds take on disk.", state["builds"]["bytes"]),
        "reckon_rebuild_disk_free_bytes": ("What is free there.", state["disk"]["free"]),
        "reckon_rebuild_warnings": ("What somebody should look at.", len(state["warnings"])),
    }
    known = {name: pair for name, pair in values.items() if pair[1] is not None}
    text = "".join(f"# HELP {name} {about}\n# TYPE {name} gauge\n{name} {value}\n" for name, (about, value) in known.items())
    return text + canary_text.metrics(state["canary"])
