"""The pages of docs/how-to, followed literally in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Followed:
    """A copy of the project in which every page was followed.

    Attributes:
        tests: Page → the files of its tests.
        outcomes: File → how each of its tests ended, as pytest calls it.
        output: What pytest printed.
    """

    tests: dict[Path, list[str]]
    outcomes: dict[str, list[str]]
    output: str


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """All pages in one copy: each change has to work beside the others, too."""
    copy = tmp_path_factory.mktemp("how-to")
    for name in ("kg", "gnn", "api", "etl", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    tests = {page: follow(page, copy) for page in PAGES}
    # Not one of the processes that share the tests: it has none of their options.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(copy)}
    where = subprocess.run([sys.executable, "-c", "import kg; print(kg.__file__)"], cwd=copy, env=environment, capture_output=True, text=True)
    assert where.stdout.strip() == str(copy / "kg" / "__init__.py"), where.stderr
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *(test for files in tests.values() for test in files)]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=280)
    outcomes: dict[str, list[str]] = {}
    for outcome, file in re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (\S+?\.py)", done.stdout, re.MULTILINE):
        outcomes.setdefault(file, []).append(outcome)
    return Followed(tests, outcomes, done.stdout + done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, followed: Followed) -> None:
    assert followed.tests[page], f"{page.name} has no test"
    for file in followed.tests[page]:
        assert set(followed.outcomes.get(file, ["was not run"])) == {"PASSED"}, followed.output
