"""The client as a distribution of its own: built from the repository, used beside a package of the shop's that is called `api`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "api" / "client"
PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
import api, reckon_client
assert api.OWNER == "the shop", api
assert reckon_client.__file__.startswith(sys.argv[1]), reckon_client.__file__
with reckon_client.Client("http://127.0.0.1:9", "k", retries=0) as client:
    try:
        client.popular()
    except reckon_client.UnavailableError as error:
        print(error.message)
assert not {"kg", "gnn", "etl", "fastapi", "orjson"} & set(sys.modules), sorted(sys.modules)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(folder),
        str(folder / "source"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    [found] = folder.glob("reckon_client-*.whl")
    return found


def test_it_holds_the_client_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(name for name in names if name.endswith("METADATA"))).decode())
    assert {name.split("/")[0].split("-")[0] for name in names} == {"reckon_client"}
    modules = {f"reckon_client/{path.name}" for path in SOURCE.glob("*.py")}
    assert modules <= set(names)
    assert "reckon_client/py.typed" in names
    assert {re.split(r"[ <>=;\[]", needed)[0] for needed in metadata.get_all("Requires-Dist") or ()} == {"httpx", "pydantic"}


def test_it_lives_beside_a_package_of_the_shop_that_is_called_api(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    (tmp_path / "shop" / "api").mkdir(parents=True)
    (tmp_path / "shop" / "api" / "__init__.py").write_text('OWNER = "the shop"\n')
    command = [sys.executable, "-I", "-c", PROGRAM, str(tmp_path / "installed"), str(tmp_path / "shop")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path / "shop")
    assert done.returncode == 0, done.stderr
    assert "does not answer" in done.stdout


def test_it_has_the_version_of_the_server() -> None:
    def version(path: Path) -> str:
        return str(tomllib.loads(path.read_text())["project"]["version"])

    assert version(SOURCE / "pyproject.toml") == version(SOURCE.parents[1] / "pyproject.toml")
