"""A rebuild every night as an Airflow DAG. It needs the standard provider, and a worker that sees the workspace.

A gate that does not pass (exit code 14) fails the task without another try; anything else is tried twice more, and goes on where it was.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.exceptions import AirflowFailException
from airflow.sdk import DAG, Variable, task

GATE_FAILED = 14
STOPPED_BY_TIMEOUT_S = 20

with DAG(
    dag_id="reckon_rebuild",
    description="Rebuild, check and publish the recommendations of a shop",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5), "execution_timeout": timedelta(hours=6)},
    tags=["reckon"],
) as dag:

    @task
    def rebuild() -> None:
        """Run `reckon rebuild`; its JSON lines go to the log of the task."""
        import subprocess

        workspace = Variable.get("reckon_workspace", default="/var/lib/reckon/shop")
        process = subprocess.Popen(["reckon", "rebuild", "-w", workspace])  # noqa: S603, S607 - as installed on the worker
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait(STOPPED_BY_TIMEOUT_S)
            raise
        if code == GATE_FAILED:
            raise AirflowFailException("a gate did not pass: the published build stays; see `reckon builds list`")
        if code:
            raise RuntimeError(f"reckon rebuild ended with {code}")

    rebuild()
