"""Python files that lie in the shop's folder are data: no command runs them, however it is started, and no child process does."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from kg import processes
from tests.conftest import TOML, write_shop
from tests.free_port import free_port
from tests.small_shop import QUICK

ROOT = Path(__file__).parents[2]
PLANTED = (
    *("etl", "api", "kg", "gnn", "reckon", "reckon_start"),
    *("sitecustomize", "usercustomize", "json", "random", "multiprocessing", "socket", "asyncio"),
    *("uvicorn", "fastapi", "typer", "numpy", "polars", "torch", "neo4j"),
)
SCRIPT = [str(Path(sys.executable).with_name("reckon"))]
MODULE = [sys.executable, "-P", "-m", "etl"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write_shop(tmp_path / "shop", toml=TOML + QUICK)
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(folder / f'ran-{name}')!r}, 'a').write('ran')\n")
    return folder


def ran(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("ran-*"))


def run(command: Sequence[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=200)


def test_the_planted_files_would_run(shop: Path) -> None:
    assert run([sys.executable, "-c", "import json, etl"], shop).returncode == 0
    assert ran(shop) == ["ran-etl", "ran-json"]


@pytest.mark.parametrize("start", [SCRIPT, MODULE, processes.reckon()], ids=["script", "module", "child"])
def test_no_command_runs_them(shop: Path, start: list[str]) -> None:
    for arguments in (["init", "new"], ["config", "show"], ["keys", "create", "--scope", "admin"]):
        done = run([*start, *arguments], shop)
        assert done.returncode == 0, done.stderr
    assert ran(shop) == []


def test_entries_that_mean_the_current_directory_reach_no_child(shop: Path) -> None:
    spec = importlib.util.spec_from_file_location("reckon_start", ROOT / "reckon_start.py")
    assert spec is not None
    assert spec.loader is not None
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    environment = {"PYTHONPATH": os.pathsep.join(["", ".", "/nowhere"])}
    safe = start.safe_environment(environment)
    assert safe == {"PYTHONSAFEPATH": "1", "PYTHONPATH": "/nowhere"}
    assert run([sys.executable, "-c", "import json"], shop, **safe).returncode == 0
    assert ran(shop) == []
    assert start.safe_path([str(shop), "/nowhere", "/lib"], environment, str(shop)) == ["/nowhere", "/lib"]
    assert start.safe_path(["/bin", "/lib"], {}, str(shop)) == ["/bin", "/lib"]


@pytest.fixture
def served(shop: Path) -> Iterator[tuple[Path, int]]:
    rebuilt = run([*SCRIPT, "rebuild"], shop)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert ran(shop) == []
    port = free_port()
    with (shop / "serve.txt").open("wb") as log:
        server = subprocess.Popen([*SCRIPT, "serve", "--port", str(port), "--workers", "2"], cwd=shop, stdout=log, stderr=log)
    try:
        _wait_ready(port, server, shop)
        yield shop, server.pid
    finally:
        server.terminate()
        server.wait(60)


def test_serve_its_workers_and_its_follower_do_not_run_them(served: tuple[Path, int]) -> None:
    folder, pid = served
    commands = [" ".join(child.cmdline()) for child in psutil.Process(pid).children(recursive=True)]
    assert any(" follow " in command for command in commands)
    assert sum("spawn_main" in command for command in commands) == 2
    assert ran(folder) == []


@pytest.mark.parametrize("name", ["kg", "gnn", "api", "etl"])
def test_a_package_of_the_same_name_is_named_with_its_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs" / name).mkdir(parents=True)
    (tmp_path / "theirs" / name / "__init__.py").write_text("raise SystemExit('their code ran')\n")
    done = run(processes.reckon("--help"), tmp_path, PYTHONPATH=str(tmp_path / "theirs"))
    assert done.returncode == 2
    assert f"another {name!r} is imported in place of Reckon's: {tmp_path / 'theirs' / name / '__init__.py'}" in done.stderr
    assert str(ROOT / name) in done.stderr
    assert "their code ran" not in done.stderr


def _wait_ready(port: int, server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError((folder / "serve.txt").read_text())
