"""What the image does on its first start: the same entry point and environment, in a clean folder, as a user without rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import TOML, write_shop
from tests.free_port import free_port
from tests.small_shop import QUICK

pytestmark = pytest.mark.slow
DOCKER = Path(__file__).parents[2] / "docker"
USER = 10001


def environment(workspace: Path) -> dict[str, str]:
    """Return the variables that the Dockerfile sets, with this machine's folders, and nothing of the caller's own."""
    text = (DOCKER / "Dockerfile").read_text()
    names = dict(pair.split("=", 1) for pair in re.findall(r"^ENV (.*)$", text, flags=re.MULTILINE)[0].split())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**names, "PATH": path, "RECKON_WORKSPACE": str(workspace), "HOME": str(workspace), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def workspace() -> Iterator[Path]:
    """A folder that the image's user owns, outside of what only the caller may enter."""
    folder = Path(tempfile.mkdtemp(prefix="reckon-first-"))
    yield folder
    shutil.rmtree(folder)


def prefix(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Return how a process is started without rights of its own.

    As the image's user where that one can run this interpreter, else as the caller without root's capabilities.
    """
    if os.geteuid() != 0:
        return [], {}
    user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", ""], check=True, cwd="/", **user)
    except (PermissionError, subprocess.CalledProcessError):
        setpriv = shutil.which("setpriv")
        return ([setpriv, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if setpriv else []), {}
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, USER, USER)
    return [], user


def started(workspace: Path, port: int, **more: str) -> subprocess.Popen[bytes]:
    before, user = prefix(workspace)
    command = [*before, "sh", str(DOCKER / "entrypoint.sh"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (workspace / "start.log").open("wb") as log:
        return subprocess.Popen(command, env=environment(workspace) | more, stdout=log, stderr=log, **user)


def answer(process: subprocess.Popen[bytes], workspace: Path, url: str) -> httpx.Response:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert process.poll() is None, (workspace / "start.log").read_text()
        try:
            return httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("it never answered")


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(60)


def test_a_workspace_without_a_build_is_built_and_served(workspace: Path) -> None:
    write_shop(workspace, toml=TOML + QUICK)
    port = free_port()
    process = started(workspace, port)
    try:
        ready = answer(process, workspace, f"http://127.0.0.1:{port}/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready"), (workspace / "start.log").read_text()
        built = (workspace / "builds" / "current").readlink()
    finally:
        ended(process)
    again = started(workspace, port)
    try:
        assert answer(again, workspace, f"http://127.0.0.1:{port}/health/ready").status_code == 200
        assert (workspace / "builds" / "current").readlink() == built
        assert "published" not in (workspace / "start.log").read_text()
    finally:
        ended(again)


def test_an_empty_folder_becomes_a_workspace(workspace: Path) -> None:
    port = free_port()
    process = started(workspace, port, RECKON_TEMPLATE="empty")
    try:
        assert answer(process, workspace, f"http://127.0.0.1:{port}/health/live").status_code == 200
        assert (workspace / "reckon.toml").is_file()
        assert "names no [[source]] yet" in (workspace / "start.log").read_text()
    finally:
        ended(process)


def test_other_commands_are_passed_on(workspace: Path) -> None:
    before, user = prefix(workspace)
    command = [*before, "sh", str(DOCKER / "entrypoint.sh"), "--version"]
    done = subprocess.run(command, env=environment(workspace), capture_output=True, text=True, check=True, **user)
    assert re.fullmatch(r"reckon \d+\.\d+\.\d+\n", done.stdout)


def test_torch_comes_without_cuda() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^ARG TORCH_INDEX=\S+/cpu$", text, flags=re.MULTILINE)
    assert '--index-url "$TORCH_INDEX" "$(grep' in text
    assert "torch.version.cuda is None" in text
