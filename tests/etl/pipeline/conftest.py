"""A shop that is built, made once for all tests and processes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from etl.pipeline import jobs
from kg.workspace import Workspace
from tests.etl.jobs import job_of, write_teas
from tests.made_once import made_once


def _build(root: Path) -> None:
    _, worked = jobs.rebuild(job_of(write_teas(root)))
    assert worked


@pytest.fixture(scope="module")
def built_teas(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A module's own copy of the twelve teas with one published build in the embedded database; copied while no server runs."""
    made = made_once(tmp_path_factory, "teas", _build)
    return Workspace.open(shutil.copytree(made, tmp_path_factory.mktemp("teas") / "shop", symlinks=True))
