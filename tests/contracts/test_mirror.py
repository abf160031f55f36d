"""The folders of the tests are those of the code: who reads a module finds its tests in the folder of the same path."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("kg", "gnn", "api", "etl")


def modules_of(room: str) -> dict[str, set[Path]]:
    """Return the folders in which there is a module of a name."""
    folders: dict[str, set[Path]] = defaultdict(set)
    for path in (ROOT / room).rglob("*.py"):
        folders[path.stem].add(path.parent.relative_to(ROOT))
    return folders


def misplaced(tests: list[Path], modules: dict[str, set[Path]]) -> list[str]:
    """Return the tests that lie in a folder that the code does not have, or not in that of the module they are named after."""
    folders = {folder for found in modules.values() for folder in found}
    wrong = [f"{test}: there is no folder {test.parent}" for test in tests if test.parent not in folders]
    for test in tests:
        homes = modules.get(test.stem.removeprefix("test_"), {test.parent})
        if test.parent in folders and test.parent not in homes:
            wrong.append(f"{test}: move it to tests/{' or tests/'.join(sorted(map(str, homes)))}, or name it otherwise")
    return wrong


@pytest.mark.parametrize("room", ROOMS)
def test_tests_lie_where_their_modules_do(room: str) -> None:
    tests = sorted(path.relative_to(ROOT / "tests") for path in (ROOT / "tests" / room).rglob("test_*.py"))
    assert tests
    assert misplaced(tests, modules_of(room)) == []


def test_a_test_in_another_place_would_be_found() -> None:
    modules = {"text": {Path("kg/extract")}, "build": {Path("kg/graph")}}
    assert misplaced([Path("kg/extract/test_text.py"), Path("kg/graph/test_loops.py")], modules) == []
    assert misplaced([Path("kg/graph/test_text.py")], modules) == ["kg/graph/test_text.py: move it to tests/kg/extract, or name it otherwise"]
    assert misplaced([Path("kg/words/test_text.py")], modules) == ["kg/words/test_text.py: there is no folder kg/words"]
