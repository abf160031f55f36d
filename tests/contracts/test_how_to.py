"""The pages of docs/how-to, followed literally in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

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


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[ElementTree.Element]]:
    """Follow all pages in one copy, run all their tests in one process, and return what each page's tests gave."""
    copy = tmp_path_factory.mktemp("how-to")
    for name in ("kg", "gnn", "api", "etl", "tests"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "pyproject.toml", copy)
    tests = {page.stem: follow(page, copy) for page in PAGES}
    files = [file for page in tests.values() for file in page]
    # Not one of the processes that share our tests: what pytest tells those is not for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": str(copy)}
    where = subprocess.run([sys.executable, "-c", "import kg; print(kg.__file__)"], cwd=copy, env=environment, capture_output=True, text=True)
    assert where.stdout.strip() == str(copy / "kg" / "__init__.py"), where.stderr
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml=outcomes.xml", *files]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode in (0, 1), done.stdout
    cases = list(ElementTree.parse(copy / "outcomes.xml").iter("testcase"))
    modules = {page: {file.removesuffix(".py").replace("/", ".") for file in of_page} for page, of_page in tests.items()}
    return {page: [case for case in cases if case.get("classname") in names] for page, names in modules.items()}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page: Path, outcomes: dict[str, list[ElementTree.Element]]) -> None:
    cases = outcomes[page.stem]
    assert cases, f"{page.name} has no test"
    assert [ElementTree.tostring(case, encoding="unicode") for case in cases if len(case)] == []
