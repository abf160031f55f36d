"""`reckon rebuild` and `reckon builds` as an operator uses them: plans, forced stages, accepted gates, comparisons, stops. No graph database runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from etl.cli.app import app
from etl.pipeline import builds, jobs
from etl.pipeline.stage_list import PUBLISHABLE
from kg.canary import state
from kg.errors import BuildError, ConflictError, GateError, InputError
from kg.files.json_file import read_json
from kg.workspace import Workspace
from tests.etl.jobs import TOML, job_of

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
DOWN = {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}


class Shop:
    """A shop, and its commands."""

    def __init__(self, root: Path) -> None:
        self.root, self.workspace = root, Workspace.open(root)

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(app, [*arguments, "-w", str(self.root)], env={**DOWN, **(env or {})})

    def events(self, *lines: str) -> None:
        with (self.root / "events.csv").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def settings(self, old: str, new: str) -> None:
        path = self.root / "reckon.toml"
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("shop")
    (root / "reckon.toml").write_text(TOML)
    (root / "items.csv").write_text("id,title,brand\n" + "".join(f"i{n},Tea number {n} {n}00 g,Brand {n % 3}\n" for n in range(12)))
    events = [(user, (user * 5 + step) % 12, step) for user in range(10) for step in range(5)]
    (root / "events.csv").write_text("user,item,n\n" + "".join(f"u{user},i{item},{n}\n" for user, item, n in events))
    shop = Shop(root)
    done = shop.run("rebuild")
    assert done.exit_code == 0, done.output
    return shop


@pytest.fixture
def shop(built: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(built.root, tmp_path / "shop", symlinks=True)
    return Shop(tmp_path / "shop")


def planned(shop: Shop, *options: str) -> dict[str, tuple[bool, list[str]]]:
    done = shop.run("rebuild", "--plan", "--json", *options)
    assert done.exit_code == 0, done.output
    return {each["stage"]: (each["runs"], each["why"]) for each in json.loads(done.stdout)}


def test_a_plan_says_what_would_run_and_why(shop: Shop) -> None:
    assert {runs for runs, _ in planned(shop).values()} == {False}
    assert "nothing to do" in shop.run("rebuild", "--plan").stdout
    shop.settings("factors = 4", "factors = 5")
    plan = planned(shop)
    assert [stage for stage, (runs, _) in plan.items() if runs] == ["train", "evaluate", "report"]
    assert plan["train"][1] == ["[model] factors: 4 → 5"]
    assert plan["evaluate"][1] == ["train runs before it"]
    shop.events("u1,i11,99")
    assert planned(shop)["import"] == (True, ["files changed"])
    shop.settings("factors = 5", "factors = 4")
    assert planned(shop)["train"][1] == ["build runs before it"]
    assert planned(shop, "--from", "build")["build"][1] == ["asked for"]
    assert shop.workspace.build_ids() == [shop.workspace.current_id()]


def test_a_stage_can_be_asked_for(shop: Shop) -> None:
    first = shop.workspace.current_id()
    done = shop.run("rebuild", "--from", "evaluate")
    assert done.exit_code == 0, done.output
    second = str(shop.workspace.current_id())
    assert second != first
    assert [name for name, noted in builds.stage_records(shop.workspace.build(second)).items() if noted["reused"]] == ["import", "extract"]
    record = builds.run_record(shop.workspace.build(second))
    assert (record["parent"], record["status"]) == (first, "finished")
    assert record["settings"]["model"]["factors"] == 4
    for options, why in ((("--from", "evaluat"), "no stage"), (("--force", "--only", "train"), "do not go together")):
        wrong = shop.run("rebuild", *options)
        assert isinstance(wrong.exception, InputError)
        assert why in wrong.exception.message


def test_a_run_that_ended_after_the_publication_leaves_its_report_to_the_next(shop: Shop) -> None:
    shop.settings("factors = 4", "factors = 5")
    job = job_of(shop.workspace)
    build_id = job.run(PUBLISHABLE)
    jobs.publish(job, build_id)
    # As a kill leaves it at this moment.
    folder = shop.workspace.build(build_id)
    assert read_json(folder / "report.json")["complete"] is False
    assert {stage: runs for stage, (runs, _) in planned(shop).items()}["report"]
    assert "publish   nothing to do" in shop.run("rebuild", "--plan").stdout
    done = shop.run("rebuild")
    assert done.exit_code == 0, done.output
    assert shop.workspace.current_id() == build_id
    report = read_json(folder / "report.json")
    assert report["complete"] is True
    assert list(report["models"]) == ["path sum", "popularity"]
    assert "nothing to do" in shop.run("rebuild").stdout
    # Once more, where somebody asks for it; nothing else runs.
    before = builds.stage_records(folder)
    assert shop.run("rebuild", "--from", "report").exit_code == 0
    after = builds.stage_records(folder)
    assert {name for name in after if after[name] != before[name]} <= {"report"}
    assert shop.workspace.current_id() == build_id


def test_a_rebuild_may_try_its_build_out(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.settings("factors = 4", "factors = 5")
    done = shop.run("rebuild", "--canary", "20%")
    assert done.exit_code == 0, done.output
    canary = state.running(shop.workspace)
    assert canary is not None
    assert (canary.published, canary.share) == (first, 0.2)
    assert f"build {canary.build_id} answers 20.0% of the users" in done.stdout
    assert shop.workspace.current_id() == first
    assert list(builds.stage_records(shop.workspace.build(canary.build_id))) == list(builds.STAGES)
    again = shop.run("rebuild", "--canary", "20%")
    assert isinstance(again.exception, ConflictError)
    # The next publication ends it.
    done = shop.run("rebuild")
    assert done.exit_code == 0, done.output
    assert shop.workspace.current_id() not in (first, canary.build_id)
    assert state.running(shop.workspace) is None


def test_one_stage_alone_publishes_nothing(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.settings("factors = 4", "factors = 5")
    assert shop.run("build").exit_code == 0
    refused = shop.run("rebuild", "--only", "evaluate")
    assert isinstance(refused.exception, BuildError)
    assert "train is not done" in refused.exception.message
    done = shop.run("rebuild", "--only", "build")
    assert done.exit_code == 0, done.output
    assert "nothing was published" in done.stdout
    assert shop.workspace.current_id() == first


def test_a_day_with_half_of_the_rows_rejected_is_held_back_until_somebody_accepts_it(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.events(*(f"u{n},nobody{n},{n}" for n in range(60)))
    held = shop.run("rebuild")
    assert isinstance(held.exception, GateError)
    assert "reject_rate: " in held.exception.message
    assert "reckon rebuild --accept reject_rate --by NAME" in held.exception.hint
    assert shop.workspace.current_id() == first
    told = [json.loads(line) for line in held.stderr.splitlines() if line.startswith("{")]
    assert told[-1]["event"] in ("failed", "note")
    assert any(line["event"] == "failed" and line["exit_code"] == 14 for line in told)
    nobody = shop.run("rebuild", "--accept", "reject_rate")
    assert isinstance(nobody.exception, InputError)
    done = shop.run("rebuild", "--accept", "reject_rate", "--by", "Ann", "--note", "test rows of the shop", "--allow-rejects", "60")
    assert done.exit_code == 0, done.output
    second = str(shop.workspace.current_id())
    gate = builds.run_record(shop.workspace.build(second))["gates"]["reject_rate"]
    assert (gate["passed"], gate["accepted"]["by"], gate["accepted"]["note"]) == (False, "Ann", "test rows of the shop")
    assert "reject_rate: accepted by Ann" in shop.run("builds", "show", "current").stdout


def test_two_builds_are_compared(shop: Shop) -> None:
    first = str(shop.workspace.current_id())
    with (shop.root / "items.csv").open("a") as file:
        file.write("new,A new tea,Brand 1\n")
    shop.events("u1,new,99", "u2,new,100")
    assert shop.run("rebuild").exit_code == 0
    second = str(shop.workspace.current_id())
    found: dict[str, Any] = json.loads(shop.run("builds", "diff", first, second, "--json").stdout)
    assert found["graph"]["nodes"]["Item"] == {"added": 1, "removed": 0, "changed": 0, "now": 13}
    assert found["graph"]["edges"]["HAS_BRAND"]["added"] == 1
    assert found["graph"]["edges"]["PURCHASED"]["added"] == 2
    assert found["rows"]["items.csv"] == {"before": 12, "after": 13}
    assert set(found["metrics"]["ndcg@10"]) == {"before", "after"}
    assert found["gates"]["row_counts"]["after"]["passed"]
    assert found["lists"]["users"] == 10
    for each in found["lists"]["most"]:
        assert sum(each["why"].values()) == pytest.approx(1, abs=0.001)
    text = shop.run("builds", "diff", first, second).stdout
    assert f"{first} → {second}" in text
    assert "Item" in text
    page = shop.root / "diff.html"
    assert shop.run("builds", "diff", first, second, "--html", str(page)).exit_code == 0
    assert "<td>Item</td>" in page.read_text()
    same = json.loads(shop.run("builds", "diff", first, first, "--json").stdout)
    assert (same["lists"]["changed"], same["graph"]["nodes"]["Item"]["added"]) == (0, 0)


def test_builds_are_listed_and_shown(built: Shop) -> None:
    current = str(built.workspace.current_id())
    (line,) = [json.loads(line) for line in built.run("builds", "list", "--json").stdout.splitlines()]
    assert (line["build_id"], line["current"], line["status"]) == (current, True, "finished")
    assert line["bytes"] > 0
    shown = json.loads(built.run("builds", "show", "current", "--json").stdout)
    assert set(shown["stages"]) == set(builds.STAGES)
    assert shown["versions"]["python"].startswith("3.11")
    assert shown["stages"]["import"]["counts"]["sources"]["items.csv"]["rows"] == 12
    text = built.run("builds", "show", current).stdout
    assert "row_counts: passed" in text
    assert "MiB in all" in built.run("builds").stdout


def test_a_stop_leaves_a_safe_point_within_ten_seconds(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.events("u1,i11,99")
    command = [sys.executable, "-m", "etl", "rebuild", "-w", str(shop.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **DOWN})
    draft = shop.workspace.builds / "draft"
    while process.poll() is None and not (draft.exists() and "import" in builds.stages(shop.workspace.build(draft.read_text()))):
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert shop.workspace.current_id() == first
    done = shop.run("rebuild")
    assert done.exit_code == 0, done.output
    assert read_json(shop.workspace.build(str(shop.workspace.current_id())) / "stages.json")["import"]["seconds"] > 0


def test_a_gate_that_fails_is_judged_again_without_measuring_again(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.settings("bootstrap = 0", "bootstrap = 0\nlimits = { latency = 0 }")
    held = shop.run("rebuild")
    assert isinstance(held.exception, GateError)
    assert "latency: " in held.exception.message
    assert shop.workspace.current_id() == first
    draft = (shop.workspace.builds / "draft").read_text()
    noted = builds.stage_records(shop.workspace.build(draft))
    assert "train" in noted
    assert noted["train"]["fingerprint"] == builds.stage_records(shop.workspace.build(str(first)))["train"]["fingerprint"]
    done = shop.run("rebuild", "--accept", "latency", "--by", "Ann")
    assert done.exit_code == 0, done.output
    assert "measured before; the gates are asked again" in done.stderr
    assert shop.workspace.current_id() == draft
    assert read_json(shop.workspace.build(draft) / "report.json")["gates"]["latency"]["accepted"]["by"] == "Ann"
