"""docs/api.md, run block by block against the small shop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kg.workspace import Workspace
from tests.small_shop import copy_of, serving, small_app

DOCS = Path(__file__).parents[2] / "docs"


def blocks(language: str) -> list[str]:
    """Return the blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / "api.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def run(command: list[str], program: str, environment: dict[str, str]) -> str:
    done = subprocess.run(command, input=program, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_every_block_of_the_tutorial_works(small_shop: Workspace, tmp_path: Path) -> None:
    workspace = copy_of(small_shop, tmp_path / "shop")
    bash, python = blocks("bash"), blocks("python")
    assert (len(bash), len(python)) >= (8, 8)
    with serving(small_app(workspace)) as url:
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "RECKON_URL": url, "SHOP": str(workspace.root)}
        # One shell for all, as a reader would have it; what it exported is what the Python blocks find.
        program = "set -euo pipefail\n" + "\n".join(bash) + '\necho; echo "$RECKON_KEY $BACKOFFICE_KEY $ADMIN_KEY"\n'
        keys = run(["bash"], program, environment).splitlines()[-1].split()
        environment |= dict(zip(("RECKON_KEY", "BACKOFFICE_KEY", "ADMIN_KEY"), keys, strict=True))
        printed = run([sys.executable, "-W", "error", "-"], "\n".join(python), environment)
    assert "White tea" in printed
    assert "MATCH" in printed
    assert "does not exist" in printed


@pytest.mark.parametrize("name", ["api.md", "security.md", "operations.md"])
def test_settings_and_commands_that_the_docs_name_exist(name: str) -> None:
    from api.settings import ServeConfig

    text = (DOCS / name).read_text(encoding="utf-8")
    for table in re.findall(r"```toml\n\[serve\]\n(.*?)```", text, re.DOTALL):
        named = set(re.findall(r"^(\w+) =", table, re.MULTILINE))
        assert named
        assert named <= set(ServeConfig.model_fields)
    for linked in re.findall(r"`docs/(\w+\.md)`", text):
        assert (DOCS / linked).is_file()
