"""What the terminal says to who has just begun."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kg import processes
from tests.conftest import write_shop
from tests.free_port import free_port


def test_serve_without_a_build_says_what_to_run(tmp_path: Path) -> None:
    folder = write_shop(tmp_path / "shop")
    environment = {**os.environ, "RECKON__GRAPH__URI": "bolt://127.0.0.1:9", "RECKON__SERVE__FOLLOW": "false"}
    command = processes.reckon("serve", "-w", str(folder), "--port", str(free_port()))
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        said = [server.stderr.readline() for _ in range(2)]
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert said[0].startswith(f"no build is published in {folder}")
    assert f"reckon rebuild -w {folder}" in said[1]
