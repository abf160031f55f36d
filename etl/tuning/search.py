"""`reckon tune`: a search over the settings of training that matter, kept in the workspace and used by the next build."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from etl.pipeline.builds import is_done
from etl.pipeline.tuning_result import RESULT, SPACE
from kg.errors import InputError
from kg.files.json_file import write_json

if TYPE_CHECKING:
    import optuna

    from etl.pipeline.jobs import Job
    from gnn.config import ModelConfig
    from gnn.training.progress import Progress

STUDY = "tuning.log"
SAMPLERS = ("tpe", "random", "grid")
_AGAIN_S = 1.0


class OutOfTimeError(Exception):
    """The time of a search is up; what is being tried is given up."""


class Budget:
    """The time of a search. It looks at the clock whenever training reports, and gives up before a step that would not end in time.

    Args:
        seconds: How long, from now.
        clock: Seconds that only go up.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._longest: dict[str, float] = {}
        self._last: tuple[str, float] | None = None

    @property
    def left_s(self) -> float:
        """Seconds that are left, 0 at least."""
        return max(0.0, self._end - self._clock())

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Raise `OutOfTimeError` in the block when the time is up, wherever it is by then, and again each second where something catches that.

        Python is interrupted between two of its instructions, so a single call of native code ends first. Only the main thread can be; in
        others the reports of training are the only check.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            raise OutOfTimeError

        handler = signal.signal(signal.SIGALRM, stop)
        timer = signal.setitimer(signal.ITIMER_REAL, max(self.left_s, 1e-6), _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, *timer)
            signal.signal(signal.SIGALRM, handler)

    def begin(self) -> None:
        """Note that training starts anew: the time since its last report was not training's.

        Raises:
            OutOfTimeError: The time is up, or will be before its first report.
        """
        self._last = None
        self._step("begin")

    def report(self, event: Progress) -> None:
        """Take a report of training.

        Raises:
            OutOfTimeError: The time is up, or will be before the next report.
        """
        self._step(event.step)

    def _step(self, name: str) -> None:
        now = self._clock()
        if self._last is not None:
            step, since = self._last
            self._longest[step] = max(self._longest.get(step, 0.0), now - since)
        self._last = name, now
        if now + self._longest.get(name, 0.0) >= self._end:
            raise OutOfTimeError


def tune(job: Job, *, minutes: float, sampler: str, folds: int, trials: int | None = None) -> dict[str, Any]:
    """Search until the time is up, going on from what earlier searches of this workspace found. The graph database has no part in it.

    Args:
        job: The workspace; its graph is built first if it is not.
        minutes: How long, from when the graph is built; reading it, the settings as they are and every trial count. A trial that does not end in
            time is given up.
        sampler: One of `SAMPLERS`.
        folds: Validations per trial: rolling back in time, or drawn anew where the split is random.
        trials: Most trials of this call.

    Returns:
        What was written to tuning.json: the best settings, their ndcg, that of the settings without tuning, and every trial; empty where the
        time did not suffice to measure the settings without tuning, and nothing was written.

    Raises:
        InputError: Unknown sampler, or too few users to tune on.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    from etl.stages.graph_build import graph_arrays
    from gnn.config import EvaluateConfig, ModelConfig
    from gnn.events.split import split_interactions
    from kg.tables import Catalog

    if sampler not in SAMPLERS:
        raise InputError(f"sampler {sampler!r} is unknown", hint=f"one of {', '.join(SAMPLERS)}")
    build, took = _built(job)
    if took is not None:
        job.console.note(f"the graph was built first, in {took:.1f} s; the {minutes:g} minutes begin now")
    budget = Budget(minutes * 60)
    graph, evaluate, start = graph_arrays(build), job.config.section(EvaluateConfig), job.config.section(ModelConfig)
    interactions = Catalog.read(build / "catalog").interactions
    # The part that evaluation withholds is not there to be tuned on.
    train = split_interactions(interactions, method=evaluate.split, test_fraction=evaluate.test_fraction, seed=evaluate.seed).train

    def objective(trial: optuna.Trial) -> float:
        chosen = {name: trial.suggest_categorical(name, values) for name, values in SPACE.items()}
        try:
            return _validated(graph, train, start.model_copy(update=chosen), folds, budget)
        except OutOfTimeError:
            trial.study.stop()
            raise optuna.TrialPruned from None

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(job.workspace.root / STUDY))),
        study_name=f"{job.fingerprints()['build']}-{folds}",
        sampler=_sampler(sampler, start.seed),
        direction="maximize",
        load_if_exists=True,
    )
    try:
        before = _validated(graph, train, start, folds, budget)
    except OutOfTimeError:
        job.console.note(f"{minutes:g} minutes do not suffice to measure the settings as they are; nothing was tried, and nothing changed")
        return {}
    if math.isnan(before):
        raise InputError("too few users have events to withhold", hint="tuning needs at least 20 of them")
    job.console.note(f"ndcg@10 {before:.4f} with the settings as they are")
    study.optimize(objective, n_trials=trials, timeout=budget.left_s, callbacks=[lambda _, trial: _say(job, trial)])
    return _keep(job, study, before, sampler, folds)


def _built(job: Job) -> tuple[Path, float | None]:
    """Return a build whose graph is that of the shop as it is now, and the seconds that building it took: None for the published one."""
    current = job.workspace.current_id()
    if current is not None:
        build, prints = job.workspace.build(current), job.fingerprints()
        if all(is_done(build, stage, prints[stage]) for stage in ("import", "extract", "build")):
            return build, None
    began = time.monotonic()
    return job.workspace.build(job.run("build")), time.monotonic() - began


def _validated(graph: Any, train: Any, config: ModelConfig, folds: int, budget: Budget) -> float:
    """Return the mean validation ndcg over the folds.

    Raises:
        OutOfTimeError: The time was up before, or would have been.
    """
    from gnn.events.split import split_interactions
    from gnn.training.fit import validation_ndcg

    reached, rest = [], train
    with budget.enforced():
        for fold in range(folds):
            reseeded = config.model_copy(update={"seed": config.seed + fold})
            budget.begin()
            reached.append(validation_ndcg(graph, rest, reseeded, budget.report))
            split = split_interactions(rest, method=config.validation_split, test_fraction=config.validation_fraction, seed=reseeded.seed)
            if split.method == "time":
                rest = split.train
    return sum(reached) / len(reached)


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    if name == "grid":
        return optuna.samplers.GridSampler(SPACE, seed=seed)
    return optuna.samplers.RandomSampler(seed=seed) if name == "random" else optuna.samplers.TPESampler(seed=seed)


def _say(job: Job, trial: optuna.trial.FrozenTrial) -> None:
    if trial.value is None:
        job.console.note(f"trial {trial.number} was given up: the time is up")
        return
    settings = ", ".join(f"{name} {value:g}" for name, value in trial.params.items())
    job.console.note(f"trial {trial.number}: ndcg@10 {trial.value:.4f} with {settings}")


def _keep(job: Job, study: optuna.Study, before: float, sampler: str, folds: int) -> dict[str, Any]:
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE" and trial.value is not None]
    best = max(done, key=lambda trial: trial.value or 0.0, default=None)
    better = best is not None and (best.value or 0.0) > before
    result = {
        "best": dict(best.params) if best is not None and better else {},
        "ndcg": best.value if best is not None and better else before,
        "ndcg_before": before,
        "sampler": sampler,
        "folds": folds,
        "trials": [{"number": trial.number, "ndcg": trial.value, "settings": dict(trial.params)} for trial in done],
    }
    write_json(job.workspace.root / RESULT, result)
    job.console.note(
        f"best of {len(done)} trials: ndcg@10 {result['ndcg']:.4f} instead of {before:.4f}; {RESULT} holds it, and the next build uses it"
        if better
        else f"none of {len(done)} trials is better than the settings as they are"
    )
    return result
