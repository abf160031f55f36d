"""The pages of docs/how-to, followed literally in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^```\w+ file=(?P<file>\S+)(?: (?P<how>after|replace)="(?P<line>[^\n]*)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
PAGES = sorted(path for path in (ROOT / "docs" / "how-to").glob("*.md") if BLOCK.search(path.read_text(encoding="utf-8")))


def follow(page: Path, copy: Path) -> list[str]:
    """Write a page's blocks into a copy of the project, and return its tests."""
    tests = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        path, text = copy / block["file"], block["text"]
        if block["how"] is None:
            assert not path.exists(), f"{page.name}: {block['file']} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        else:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            (place,) = (n for n, line in enumerate(lines) if line.startswith(block["line"]))
            lines[place : place + 1] = [text] if block["how"] == "replace" else [lines[place], text]
            path.write_text("".join(lines), encoding="utf-8")
        if block["file"].startswith("tests/"):
            tests.append(block["file"])
    return tests


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path) -> None:
    for name in ("kg", "gnn", "api", "etl", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    tests = follow(page, tmp_path)
    assert tests, f"{page.name} has no test"
    # Not one of the processes that share our tests: what pytest tells those is not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(tmp_path)}
    where = subprocess.run([sys.executable, "-c", "import kg; print(kg.__file__)"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert where.stdout.strip() == str(tmp_path / "kg" / "__init__.py"), where.stderr
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *tests], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout
