"""`reckon tune`: a search over the settings of training that matter, kept in the workspace and used by the next build."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from etl.runs import write_json
from etl.tuned import RESULT, SPACE
from kg.errors import InputError

if TYPE_CHECKING:
    import optuna

    from etl.jobs import Job
    from gnn.config import ModelConfig

STUDY = "tuning.log"
SAMPLERS = ("tpe", "random", "grid")


def tune(job: Job, *, minutes: float, sampler: str, folds: int, trials: int | None = None) -> dict[str, Any]:
    """Search until the time is up, going on from what earlier searches of this workspace found.

    Args:
        job: The workspace; its graph is built first if it is not.
        minutes: When to stop; a trial in progress is finished.
        sampler: One of `SAMPLERS`.
        folds: Validations per trial: rolling back in time, or drawn anew where the split is random.
        trials: Most trials of this call.

    Returns:
        What was written to tuning.json: the best settings, their ndcg, that of the settings without tuning, and every trial.

    Raises:
        InputError: Unknown sampler, or too few users to tune on.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    from gnn.config import EvaluateConfig, ModelConfig
    from gnn.events.split import split_interactions
    from kg.tables import Catalog

    if sampler not in SAMPLERS:
        raise InputError(f"sampler {sampler!r} is unknown", hint=f"one of {', '.join(SAMPLERS)}")
    build = job.workspace.build(job.run("build"))
    graph, evaluate, start = job.read_graph(build), job.config.section(EvaluateConfig), job.config.section(ModelConfig)
    interactions = Catalog.read(build / "catalog").interactions
    # The part that evaluation withholds is not there to be tuned on.
    train = split_interactions(interactions, method=evaluate.split, test_fraction=evaluate.test_fraction, seed=evaluate.seed).train

    def objective(trial: optuna.Trial) -> float:
        chosen = {name: trial.suggest_categorical(name, values) for name, values in SPACE.items()}
        return _validated(graph, train, start.model_copy(update=chosen), folds)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(job.workspace.root / STUDY))),
        study_name=f"{job.fingerprints()['build']}-{folds}",
        sampler=_sampler(sampler, start.seed),
        direction="maximize",
        load_if_exists=True,
    )
    before = _validated(graph, train, start, folds)
    if math.isnan(before):
        raise InputError("too few users have events to withhold", hint="tuning needs at least 20 of them")
    job.console.note(f"ndcg@10 {before:.4f} with the settings as they are")
    study.optimize(objective, n_trials=trials, timeout=minutes * 60, callbacks=[lambda _, trial: _say(job, trial)])
    return _keep(job, study, before, sampler, folds)


def _validated(graph: Any, train: Any, config: ModelConfig, folds: int) -> float:
    """Return the mean validation ndcg over the folds."""
    from gnn.events.split import split_interactions
    from gnn.train import validation_ndcg

    reached, rest = [], train
    for fold in range(folds):
        moved = config.model_copy(update={"seed": config.seed + fold})
        reached.append(validation_ndcg(graph, rest, moved))
        split = split_interactions(rest, method=config.validation_split, test_fraction=config.validation_fraction, seed=moved.seed)
        if split.method == "time":
            rest = split.train
    return sum(reached) / len(reached)


def _sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    if name == "grid":
        return optuna.samplers.GridSampler(SPACE, seed=seed)
    return optuna.samplers.RandomSampler(seed=seed) if name == "random" else optuna.samplers.TPESampler(seed=seed)


def _say(job: Job, trial: optuna.trial.FrozenTrial) -> None:
    settings = ", ".join(f"{name} {value:g}" for name, value in trial.params.items())
    job.console.note(f"trial {trial.number}: ndcg@10 {trial.value or 0:.4f} with {settings}")


def _keep(job: Job, study: optuna.Study, before: float, sampler: str, folds: int) -> dict[str, Any]:
    done = [trial for trial in study.trials if trial.value is not None]
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
