"""One writer: refused while another lives, taken over when it is dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from etl.pipeline.locks import holder_of, locked, running, said
from kg.errors import LockedError
from kg.files.json_file import write_json
from kg.workspace import Workspace

HOLD = """
import sys, time
from pathlib import Path
from etl.pipeline.locks import locked
from kg.workspace import Workspace
with locked(Workspace(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def test_alive_it_refuses_and_dead_it_is_taken_over(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert running(workspace)["pid"] == process.pid
        with pytest.raises(LockedError, match=rf"on {socket.gethostname()} \(process {process.pid}, since 20") as raised, locked(workspace):
            pass
        assert raised.value.exit_code == 13
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert holder_of(workspace)["pid"] == process.pid
    assert running(workspace) == {}
    with locked(workspace):
        assert running(workspace)["pid"] == os.getpid()
    assert holder_of(workspace) == {}


def test_a_number_that_became_somebody_elses_is_dead(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_json(tmp_path / ".lock.json", {"host": socket.gethostname(), "pid": os.getpid(), "process_s": 1.0})
    assert running(workspace) == {}


def test_another_machine_is_not_taken_over(tmp_path: Path) -> None:
    """Locks of files do not always reach over a network, and nobody here can see whether that process lives."""
    workspace = Workspace(tmp_path)
    elsewhere = {"user": "ann", "host": "another", "pid": 7, "process_s": 1.0, "command": "reckon rebuild", "since_s": 1.7e9}
    (tmp_path / ".lock.json").write_text(json.dumps(elsewhere))
    with pytest.raises(LockedError, match="of ann on another") as raised, locked(workspace):
        pass
    assert ".lock.json" in raised.value.hint
    assert running(workspace) == elsewhere
    assert "2023-11-14" in said(elsewhere)
