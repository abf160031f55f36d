"""A server whose supervisor is killed leaves nothing behind, whenever that happens: no worker, no reader of changed items, no graph database."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from api.app import WORKSPACE_VARIABLE
from kg.workspace import Workspace
from tests.free_port import free_port
from tests.small_shop import copy_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = int(os.environ.get("RECKON_TEST_KILLS", "20"))
LATEST_S = 4.0
GONE_WITHIN_S = 60.0


def left(workspace: Workspace) -> list[psutil.Process]:
    """Return the processes that a server of this workspace started and that are still there."""
    found, own = [], str(workspace.root)
    for process in psutil.process_iter():
        try:
            started_by_us = process.environ().get(WORKSPACE_VARIABLE) == own or any(own in part for part in process.cmdline())
            if started_by_us and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_killed_supervisor_leaves_no_orphan(small_shop: Workspace, tmp_path: Path) -> None:
    workspace, rng = copy_of(small_shop, tmp_path / "shop"), random.Random(1)
    for kill in range(KILLS):
        # Every other server has a graph database of its own beside it.
        uri = {} if kill % 2 else {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}
        command = [sys.executable, "-m", "etl", "serve", "-w", str(workspace.root), "--port", str(free_port()), "--workers", "2"]
        with subprocess.Popen(command, env={**os.environ, **uri}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            # Half of them within the second in which the children come to be.
            children, deadline = psutil.Process(server.pid), time.monotonic() + LATEST_S
            while kill % 4 < 2 and not children.children() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 1.0 if kill % 4 < 2 else LATEST_S))
            os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_WITHIN_S
        while still := left(workspace):
            assert time.monotonic() < deadline, [process.cmdline() for process in still]
            time.sleep(0.05)
