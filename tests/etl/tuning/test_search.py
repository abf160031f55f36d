"""Tuning and training as the operator runs them: what a search finds is kept and used, a checkpoint saves the tuning, event files can be read."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from etl.cli.app import app
from etl.pipeline.jobs import Job
from etl.pipeline.tuning_result import SPACE
from etl.tuning.search import Budget, OutOfTimeError, tune
from gnn.training.progress import Progress
from kg.errors import InputError
from kg.files.json_file import read_json
from kg.workspace import Workspace
from tests.etl.jobs import SOURCES, job_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::optuna.exceptions.ExperimentalWarning")

TOML = f"""
[model]
factor_iterations = 2
epochs = 5
smoothing = 0.3

[evaluate]
bootstrap = 0
ablations = false
explanations = false
baselines = ["popularity"]
{SOURCES}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("tuned")
    rng = np.random.default_rng(1)
    items = [f"{n},Item {n},Brand {n % 5}" for n in range(40)]
    # Each shopper likes two of the five brands: there is something to learn.
    events = [f"u{u},{int(rng.choice(8)) * 5 + int(rng.choice([u % 5, (u + 1) % 5]))},{n}" for u in range(60) for n in range(8)]
    (folder / "items.csv").write_text("id,title,brand\n" + "\n".join(items) + "\n")
    (folder / "events.csv").write_text("user,item,n\n" + "\n".join(events) + "\n")
    (folder / "reckon.toml").write_text(TOML)
    return Workspace.open(folder)


def reckon(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def searched(shop: Workspace) -> dict[str, object]:
    reckon("tune", "-w", str(shop.root), "--minutes", "5", "--trials", "3", "--sampler", "random", "--folds", "2")
    return read_json(shop.root / "tuning.json")


def test_every_trial_is_kept_and_the_best_is_the_best(searched: dict[str, object]) -> None:
    trials = searched["trials"]
    assert isinstance(trials, list)
    assert len(trials) == 3
    assert all(trial["settings"][name] in values for trial in trials for name, values in SPACE.items())
    assert searched["ndcg"] == pytest.approx(max([searched["ndcg_before"], *(trial["ndcg"] for trial in trials)]))


def test_a_second_search_goes_on_from_the_first(shop: Workspace, searched: dict[str, object]) -> None:
    reckon("tune", "-w", str(shop.root), "--minutes", "5", "--trials", "1", "--sampler", "grid", "--folds", "2")
    after = read_json(shop.root / "tuning.json")
    assert len(after["trials"]) == 4
    assert after["trials"][:3] == searched["trials"]


def test_the_next_build_uses_what_was_found_but_not_over_the_workspaces_own_settings(shop: Workspace, searched: dict[str, object]) -> None:
    best = {"factors": 64, "factor_regularization": 10.0, "smoothing": 0.5}
    kept = (shop.root / "tuning.json").read_text()
    try:
        (shop.root / "tuning.json").write_text(json.dumps({"best": best}))
        config = job_of(shop).model_config()
        assert (config.factors, config.factor_regularization) == (64, 10.0)
        assert config.smoothing == 0.3  # the workspace says so itself
        with_best = job_of(shop).fingerprints()
        (shop.root / "tuning.json").unlink()
        without = job_of(shop).fingerprints()
        assert with_best["build"] == without["build"]
        assert with_best["train"] != without["train"]
    finally:
        (shop.root / "tuning.json").write_text(kept)


def test_a_search_leaves_the_graph_database_alone(shop: Workspace, searched: dict[str, object]) -> None:
    assert not (shop.graph / "databases").exists()


def test_a_search_without_time_changes_nothing(shop: Workspace, searched: dict[str, object]) -> None:
    before = (shop.root / "tuning.json").read_bytes()
    assert tune(job_of(shop), minutes=0.0, sampler="tpe", folds=1) == {}
    assert (shop.root / "tuning.json").read_bytes() == before


def test_what_would_not_end_in_time_is_given_up_before_it_begins() -> None:
    clock = [0.0]

    def step(name: str, seconds: float) -> None:
        budget.report(Progress(name, 0, 1))
        clock[0] += seconds

    budget = Budget(100.0, lambda: clock[0])
    budget.begin()
    step("regression", 30.0)
    step("gates", 1.0)
    budget.begin()
    step("regression", 30.0)
    step("gates", 1.0)
    budget.begin()
    # 62 s are over; the regression took 30.
    step("regression", 31.0)
    step("gates", 1.0)
    with pytest.raises(OutOfTimeError):
        step("regression", 30.0)
    assert clock[0] <= 100.0


def endless(catches: int) -> None:
    """Report nothing, never end, and catch what ends it some times."""
    while True:
        try:
            while True:
                pass
        except OutOfTimeError:
            if not catches:
                raise
            catches -= 1


def test_the_time_ends_a_step_that_never_reports_even_where_it_catches_that() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(OutOfTimeError), Budget(0.01).enforced():
        endless(catches=1)
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_step_that_ends_in_time_is_not_disturbed() -> None:
    with Budget(3600.0).enforced():
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 600
    assert signal.getitimer(signal.ITIMER_REAL)[0] < 600


def test_a_graph_that_is_not_built_is_built_before_the_minutes_begin(shop: Workspace, tmp_path: Path) -> None:
    for name in ("items.csv", "events.csv", "reckon.toml"):
        shutil.copy(shop.root / name, tmp_path / name)
    output = reckon("tune", "-w", str(tmp_path), "--minutes", "0.01", "--trials", "1")
    assert "the graph was built first, in " in output
    assert "the 0.01 minutes begin now" in output
    assert (Workspace.open(tmp_path).builds / "draft").is_file()


def test_an_unknown_sampler_is_refused(shop: Workspace) -> None:
    with pytest.raises(InputError, match="annealing"):
        tune(job_of(shop), minutes=1, sampler="annealing", folds=1)


def test_a_kill_after_the_tuning_does_not_tune_again(shop: Workspace, searched: dict[str, object]) -> None:
    first = reckon("train", "-w", str(shop.root), "--tensorboard")
    build = job_of(shop).draft()
    before = {name: (build / name).stat().st_mtime_ns for name in ("training.json", "checkpoint.json")}
    embeddings = np.load(build / "artifact" / "target_embeddings.npy")
    accumulator = EventAccumulator(str(build / "tensorboard"))
    accumulator.Reload()
    events = [event for event in read_json(build / "training.json")["events"] if event["step"] == "gates"]
    assert [scalar.value for scalar in accumulator.Scalars("gates/loss")] == pytest.approx([event["loss"] for event in events])
    assert "tensorboard --logdir" in first

    _killed_before_the_end(job_of(shop), build)
    reckon("train", "-w", str(shop.root))
    assert {name: (build / name).stat().st_mtime_ns for name in before} == before
    assert np.array_equal(np.load(build / "artifact" / "target_embeddings.npy"), embeddings)

    _killed_before_the_end(job_of(shop), build)
    checkpoint = read_json(build / "checkpoint.json")
    (build / "checkpoint.json").write_text(json.dumps({**checkpoint, "fingerprint": "of other settings"}))
    reckon("train", "-w", str(shop.root))
    assert (build / "training.json").stat().st_mtime_ns != before["training.json"]


def _killed_before_the_end(job: Job, build: Path) -> None:
    """Leave what a kill between the tuning and the end of the stage leaves."""
    shutil.rmtree(build / "artifact")
    done = read_json(build / "stages.json")
    done.pop("train")
    (build / "stages.json").write_text(json.dumps(done))
    assert job.draft() == build
