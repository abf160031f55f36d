"""The files in docker/ are checked by tools; no engine runs them here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

DOCKER = Path(__file__).parents[2] / "docker"
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", str(DOCKER / "Dockerfile")],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml")],
    ],
    ids=["Dockerfile", "compose.yaml"],
)
def test_tools_find_nothing(command: list[str]) -> None:
    done = subprocess.run([str(TOOLS / command[0]), *command[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_systemd_units_are_sound(tmp_path: Path) -> None:
    """systemd-analyze reads the units as systemd would; the user that they name is not of this machine, so it is ours here."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in (DOCKER / "systemd").iterdir():
        (tmp_path / unit.name).write_text(unit.read_text(encoding="utf-8"), encoding="utf-8")
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert [Path(unit).suffix for unit in units] == [".service", ".timer"]
    done = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "reckon-rebuild" in line]
    assert ours == []
    calendar = next(line.partition("=")[2] for line in Path(units[1]).read_text().splitlines() if line.startswith("OnCalendar="))
    assert "Normalized form" in subprocess.run([program, "calendar", calendar], capture_output=True, text=True, check=True).stdout


def test_the_cron_job_is_what_kubernetes_takes() -> None:
    job = yaml.safe_load((DOCKER / "kubernetes" / "cronjob.yaml").read_text(encoding="utf-8"))
    assert kubernetes_validate.validate(job, "1.30", strict=True) == "1.30"
    broken = {**job, "spec": {**job["spec"], "concurrency": "Forbid"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.30", strict=True)


def test_the_airflow_dag_uses_what_airflow_3_has() -> None:
    """Ruff knows what Airflow 3 removed and moved (rules AIR)."""
    dag = DOCKER / "airflow" / "reckon_rebuild.py"
    done = subprocess.run([str(TOOLS / "ruff"), "check", "--isolated", "--select", "AIR,F,E9", str(dag)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    old = dag.read_text(encoding="utf-8").replace('schedule="0 3', 'schedule_interval="0 3')
    found = subprocess.run(
        [str(TOOLS / "ruff"), "check", "--isolated", "--select", "AIR", "-"], input=old, capture_output=True, text=True, timeout=60
    )
    assert "AIR" in found.stdout
