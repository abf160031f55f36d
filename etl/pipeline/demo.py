"""`make demo`: the whole path on real data, ending with an explained recommendation over HTTP."""

from __future__ import annotations

import http
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.markup import escape
from rich.table import Table

from etl import printing
from etl.console import Console
from etl.pipeline import builds, jobs
from etl.pipeline.locks import locked
from etl.pipeline.runs import MemoryWatch
from kg import processes
from kg.config import load_config
from kg.embedded import Connection, connection
from kg.errors import UnavailableError
from kg.workspace import Workspace

HOUSEHOLD = "1"
_K, _EXPLAINED = 10, 3
"""How many items each list has, and how many of them are explained."""

_SHOWN_SHARE = 0.0005
_READY_S = 60
_GRAPH_WAIT_S = 60


def run_demo(folder: Path, *, port: int, stop: bool) -> None:
    """Make the demo workspace, rebuild it as far as needed, serve it, ask it, and stay until Ctrl-C.

    Args:
        folder: The workspace.
        port: Port of the API on 127.0.0.1.
        stop: Return after the printed answer.
    """
    console = Console()
    if not (folder / "reckon.toml").exists():
        _reckon("init", str(folder), "--template", "demo")
    workspace = Workspace.open(folder)
    _rebuild(workspace, console)
    port = _free_port(port, console)
    key_file = _key_file(workspace)
    with (workspace.root / "serve.log").open("wb") as log:
        # On loopback the demo's API docs may be looked at without a key, as the ending invites to.
        os.environ.setdefault("RECKON__SERVE__PUBLIC_DOCS", "true")
        command = processes.reckon("serve", "-w", str(workspace.root), "--port", str(port))
        server = processes.spawn(command, log=log)
    try:
        with MemoryWatch(workspace) as memory:
            console.note("starting the API and the graph database")
            _wait_ready(server, port, workspace)
            _print_answer(console, _answer(workspace, port, key_file, "buy_again"), _answer(workspace, port, key_file, "personal"))
            _print_ending(console, workspace, port, key_file, memory.peak_mib())
        if not stop:
            _open_console(console, port)
            console.note("serving until Ctrl-C")
            _wait_until_ended(server, workspace)
    except KeyboardInterrupt:
        console.note("stopping")
    finally:
        processes.stop(server)


def _rebuild(workspace: Workspace, console: Console) -> None:
    job = jobs.Job(workspace, load_config(workspace.root, os.environ), console)
    with locked(workspace):
        build_id, worked = jobs.rebuild(job)
    if not worked:
        console.note(f"nothing changed since build {build_id}: nothing to build")
    rejected = builds.n_rejected(workspace.build(build_id))
    if rejected:
        console.note(f"{rejected:,} rows of the data were rejected, and not used; {workspace.rejects} says why")


def _free_port(wanted: int, console: Console) -> int:
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free = int(probe.getsockname()[1])
            if free != wanted:
                console.note(f"port {wanted} is taken; the API gets {free}")
            return free
    raise UnavailableError("no port is free on 127.0.0.1", hint="end what listens there, or name one with --port")


def _reckon(*arguments: str) -> str:
    done = subprocess.run(processes.reckon(*arguments), capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise UnavailableError(f"reckon {' '.join(arguments[:2])} failed: {done.stderr.strip()}", hint="correct what it names and run the demo again")
    return done.stdout.strip()


def _key_file(workspace: Workspace, name: str = "demo", scope: str = "recommend:read") -> Path:
    path = workspace.root / f"{name}.key"
    if not path.exists():
        key = _reckon("keys", "create", "-w", str(workspace.root), "--scope", scope, "--name", name)
        temporary = path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        temporary.replace(path)
    return path


def _answer(workspace: Workspace, port: int, key_file: Path, strategy: str) -> dict[str, Any]:
    try:
        return _recommendations(port, key_file.read_text().strip(), strategy)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.UNAUTHORIZED:
            raise UnavailableError(f"the API answered {error.code} {error.reason}", hint=f"read {workspace.root / 'serve.log'}") from None
    # The workspace's keys were deleted or the demo's was revoked since: it gets new ones.
    key_file.unlink()
    (workspace.root / "console.key").unlink(missing_ok=True)
    return _recommendations(port, _key_file(workspace).read_text().strip(), strategy)


def _wait_until_ended(server: subprocess.Popen[bytes], workspace: Workspace) -> None:
    # Polars puts a handler of its own in front of Python's, which restarts system calls: Ctrl-C would not end this wait.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = server.wait()
    raise UnavailableError(f"the API ended with exit code {code}", hint=f"read {workspace.root / 'serve.log'}; run the demo again")


def _wait_ready(server: subprocess.Popen[bytes], port: int, workspace: Workspace) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise UnavailableError("the API did not become ready", hint=f"read {workspace.root / 'serve.log'}; is port {port} taken?")


def _recommendations(port: int, key: str, strategy: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/v1/users/{quote(HOUSEHOLD, safe='')}/recommendations?k={_K}&strategy={strategy}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own loopback address
        answer: dict[str, Any] = json.load(response)
    return answer


def _print_answer(console: Console, again: dict[str, Any], new: dict[str, Any]) -> None:
    """Print what the household buys again beside what is new to it, then why, item by item."""
    console.out.print(f"\n[bold]Household {again['user_id']}[/] (build {again['build_id']})\n")
    console.out.print(_side_by_side(again["items"], new["items"]))
    for heading, answer in (("Buy again", again), ("New to this household", new)):
        console.out.print(f"\n[bold]{heading}: why[/]")
        for item in answer["items"][:_EXPLAINED]:
            _print_item(console, item)


def _side_by_side(again: list[dict[str, Any]], new: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("", justify="right")
    table.add_column("Buy again")
    table.add_column("New to this household")
    for rank, (one, other) in enumerate(zip_longest(again, new), start=1):
        table.add_row(str(rank), *(escape(item["title"]) if item else "" for item in (one, other)))
    return table


def _print_item(console: Console, item: dict[str, Any]) -> None:
    console.out.print(f"\n[bold]{item['rank']:>2}. {escape(item['title'])}[/]  [dim]item {item['item_id']}  score {item['score']:.4f}[/]")
    for reason in item["reasons"][:4]:
        console.out.print(f"    {reason['share']:6.1%}  {reason['sentence']}", markup=False)
    rest = item["remainder"] + sum(reason["share"] for reason in item["reasons"][4:])
    if abs(rest) >= _SHOWN_SHARE:
        console.out.print(f"    {rest:6.1%}  everything else", markup=False)
    paths = [path for reason in item["reasons"] for path in reason.get("paths", [])[:1]]
    if paths:
        best = max(paths, key=lambda path: float(path["share"]))
        console.out.print("    " + printing.draw(best["nodes"], best["edges"]), markup=False, style="dim")


def _graph(workspace: Workspace) -> Connection | None:
    """Return how the graph database is reached; the API answers a while before it does."""
    until = time.monotonic() + _GRAPH_WAIT_S
    while (graph := connection(workspace.graph)) is None and time.monotonic() < until:
        time.sleep(0.2)
    return graph


def _print_ending(console: Console, workspace: Workspace, port: int, key_file: Path, serving_mib: float) -> None:
    current = workspace.current_id()
    if current is not None:
        console.out.print()
        console.stages(builds.stage_records(workspace.build(current)))
    console.out.print(f"serving: API and graph database together {serving_mib:,.0f} MiB")
    graph = _graph(workspace)
    # Who runs the demo may see and change everything of it: rules and builds take admin.
    shown, for_console = _shown(key_file), _shown(_key_file(workspace, "console", "admin"))
    base = f"http://127.0.0.1:{port}"
    lines = [
        f"API docs   {base}/docs  press Authorize there and paste the key of {shown}",
        f"health     {base}/health/ready",
        f"graph      {graph.uri if graph else 'not running'}  user root  database reckon  password in {workspace.graph / 'password'}",
        f'try        curl -s -H "Authorization: Bearer $(cat {shown})" "{base}/v1/users/{HOUSEHOLD}/recommendations?k=3"',
        f"console    {base}/console  sign in with the key of {for_console}",
    ]
    console.out.print("\n".join(["", *lines]), markup=False)


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _open_console(console: Console, port: int) -> None:
    """Open the console where a person with a desktop looks on; elsewhere the printed address is enough."""
    has_desktop = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if console.out.is_terminal and has_desktop:
        webbrowser.open(f"http://127.0.0.1:{port}/console")
