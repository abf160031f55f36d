"""The stages evaluate and report: the withheld events, scored once; what the gates read first, all else when the build is published."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from etl.console import Console
from etl.stages.gates import accepted_gates, gate_results, records, refuse_failed
from etl.stages.graph_build import interactions_of
from gnn.artifact.artifact import Artifact, load_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ablation import ablations
from gnn.evaluation.baselines import Ranker
from gnn.evaluation.evaluate import (
    BASELINES,
    PathSumRanker,
    TestUsers,
    activity_slices,
    age_slices,
    baseline_rankers,
    compare,
    measured,
    rank,
    skipped_baselines,
    test_users,
)
from gnn.evaluation.explanation_quality import quality
from gnn.evaluation.list_churn import list_churn
from gnn.evaluation.ratings import rating_results
from gnn.evaluation.repeats import repeat_results
from gnn.evaluation.report import report, write_report
from gnn.events.split import Split, split_interactions
from gnn.gates.base import parts_needed
from gnn.metrics import IntArray
from gnn.recommend.recommender import Recommender
from kg.config import Config
from kg.errors import ArtifactError
from kg.files.atomic import write_whole
from kg.files.json_file import read_json, write_json

EVALUATION, RANKED = "evaluation.json", "ranked.npz"
_SMOKE_REQUESTS = 50
_ALL = ("baselines", "ablations")
"""A gate that reads one of these has everything measured before it is asked."""


def evaluate_build(
    config: Config, model: ModelConfig, build: Path, console: Console, previous: Path | None = None, measured_as: str = ""
) -> dict[str, Any]:
    """Measure what the gates read, of the model that was fitted on the training part, ask them, and write it as a report that is not complete.

    Args:
        config: The shop's configuration.
        model: How the build was trained.
        build: Folder of the build.
        console: Shows progress.
        previous: Folder of the published build, for gates that compare with it.
        measured_as: What identifies the model and what is measured: what carries it is not measured again, only judged.

    Raises:
        GateError: A gate does not pass; what was measured is written all the same.
    """
    settings = config.section(EvaluateConfig)
    content = read_json(build / EVALUATION)
    if measured_as and content.get("measured_as") == measured_as:
        console.note("measured before; the gates are asked again")
    else:
        content = {**_Measuring(config, model, build, console).first(), "measured_as": measured_as}
    recommender = Recommender(load_artifact(build / "artifact"))
    content["smoke"] = smoke_test(recommender)
    content["lists"] = _list_changes(recommender, previous)
    gates = gate_results("evaluate", content, _report_of(previous) if previous else {}, settings)
    accepted = accepted_gates(build)
    content["gates"] = records(gates, accepted)
    write_json(build / EVALUATION, content)
    # Until the report is complete this is what there is to read; where a gate does not pass, it stays so.
    write_report(build, {**(_complete_report(build, content) or content), **_judged(content)}, _trace(build))
    refuse_failed(gates, f"see {build / 'report.md'}", accepted)
    ours: dict[str, Any] = next(iter(content["models"].values()))["metrics"]
    return {
        "gates": content["gates"],
        "users": content["users"],
        **{name: round(ours[name], 4) for name in ("recall@10", "ndcg@10") if name in ours},
    }


def report_build(config: Config, model: ModelConfig, build: Path, console: Console) -> dict[str, Any]:
    """Measure what no gate reads as well, and write the complete report; what an earlier report measured alike is kept.

    Args:
        config: The shop's configuration.
        model: How the build was trained.
        build: Folder of the build.
        console: Shows progress.
    """
    first = read_json(build / EVALUATION)
    content = _complete_report(build, first) or (first if first.get("complete") else _Measuring(config, model, build, console).rest(first))
    content = {**content, "measured_as": first["measured_as"], **_judged(first)}
    write_report(build, content, _trace(build))
    return {"models": len(content["models"]), "ablations": len(content["ablations"])}


def _complete_report(build: Path, first: Mapping[str, Any]) -> dict[str, Any]:
    """Return the complete report of a build where there is one of the same measurements; {} where not."""
    content = read_json(build / "report.json")
    same = content.get("complete") and first.get("measured_as") and content.get("measured_as") == first["measured_as"]
    return content if same else {}


def _judged(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to one asking of the gates, however old the measurements are."""
    return {name: content[name] for name in ("smoke", "lists", "gates")}


class _Measuring:
    """Scores the withheld events of one build, in one go or in two."""

    def __init__(self, config: Config, model: ModelConfig, build: Path, console: Console) -> None:
        self._settings, self._model, self._build, self._console = config.section(EvaluateConfig), model, build, console

    def first(self) -> dict[str, Any]:
        """Measure what the gates read, and keep the ranked lists for the rest."""
        needed = parts_needed("evaluate", self._settings.require, self._settings.waive)
        if needed is None or any(part in needed for part in _ALL):
            return self._report({}, self._settings.baselines, explain=self._settings.explanations, whole=True)
        simple = [name for name in self._settings.baselines if name in needed]
        return self._report({}, simple, explain=self._settings.explanations and "explanations" in needed, whole=False)

    def rest(self, first: dict[str, Any]) -> dict[str, Any]:
        """Measure everything, with the lists that are ranked already and the explanations that were judged."""
        with np.load(self._build / RANKED) as stored:
            ranked = {name: stored[name].astype(np.int64) for name in stored.files}
        explained = first["explanations"]
        content = self._report(ranked, self._settings.baselines, explain=self._settings.explanations and not explained, whole=True)
        return {**content, **({"explanations": explained} if explained else {})}

    def _report(self, known: dict[str, IntArray], baselines: Sequence[str], *, explain: bool, whole: bool) -> dict[str, Any]:
        settings = self._settings
        artifact = load_artifact(self._build / "model")
        split = split_interactions(interactions_of(self._build), method=settings.split, test_fraction=settings.test_fraction, seed=settings.seed)
        test = test_users(artifact, split.new_items(), settings)
        ranked = self._ranked(artifact, test, baselines, known)
        results = [measured(name, lists, test, settings) for name, lists in ranked.items()]
        if not whole:
            write_whole(self._build / RANKED, lambda path: _save(path, ranked))
        if explain:
            self._console.note("the explanations")
        explanations = quality(artifact, test.users, settings.seed) if explain else None
        about = {**_about(self._build.name, artifact, split, test), "complete": whole}
        if not whole:
            content = report(results, about, comparisons=compare(results, settings), explanations=explanations)
            return {**content, "verdict": f"{content['verdict']} The other baselines and the ablations are not measured yet."}
        if settings.ablations:
            self._console.note("the model without its parts")
        ratings = rating_results(artifact, split, settings, self._model)
        return report(
            results,
            about,
            comparisons=compare(results, settings),
            ablations=ablations(artifact, test, settings) if settings.ablations else (),
            slices=activity_slices(test),
            item_slices=age_slices(artifact, test),
            skipped=skipped_baselines(artifact, settings.baselines),
            explanations=explanations,
            repeats=repeat_results(artifact, split.train, split.repeats(), settings),
            ratings=None if ratings is None else asdict(ratings),
        )

    def _ranked(self, artifact: Artifact, test: TestUsers, baselines: Collection[str], known: dict[str, IntArray]) -> dict[str, IntArray]:
        """Return the lists of the model and of baselines, in the order of the configuration; `known` ones are not ranked again."""
        depth = max(self._settings.cutoffs)
        lists = dict(known)
        rankers: list[Ranker] = [] if PathSumRanker.name in known else [PathSumRanker(artifact)]
        rankers += baseline_rankers(artifact, [name for name in baselines if BASELINES[name] not in known])
        for ranker in rankers:
            lists[ranker.name] = rank(ranker, test, depth, self._console.progress)
        order = [name for name in (PathSumRanker.name, *(BASELINES[name] for name in baselines)) if name in lists]
        return {name: lists[name] for name in [*order, *(name for name in lists if name not in order)]}


def _about(build_id: str, artifact: Artifact, split: Split, test: TestUsers) -> dict[str, Any]:
    walks = [
        {
            "meta_path": walk.meta_path.name,
            "gate": walk.gate,
            "start": walk.start_exponent,
            "middle": walk.middle_exponent,
            "end": walk.end_exponent,
            "popularity": walk.popularity_exponent,
        }
        for walk in artifact.model.walks
    ]
    return {
        "build_id": build_id,
        "split": split.method,
        "split_why": split.why,
        "users": len(test.users),
        "pairs": sum(len(items) for items in test.relevant),
        "walks": walks,
        "learned_gate": artifact.model.learned_gate,
        "weights_gate": artifact.model.weights_gate,
        "season": None if artifact.model.season is None else asdict(artifact.model.season),
        "popularity_exponent": artifact.model.popularity_exponent,
        "closed": [asdict(gate) for gate in artifact.model.closed],
        "bounded": [asdict(gate) for gate in artifact.model.bounded],
        "graph_first": [asdict(point) for point in artifact.model.graph_first],
    }


def _save(path: Path, ranked: dict[str, IntArray]) -> None:
    arrays: dict[str, Any] = {name: lists.astype(np.int32) for name, lists in ranked.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _trace(build: Path) -> Sequence[Any]:
    trace: Sequence[Any] = read_json(build / "training.json").get("events", ())
    return trace


def _report_of(build: Path) -> dict[str, Any]:
    """Return what was measured of a build: its report, or what there is of one that is not complete."""
    return read_json(build / "report.json") or read_json(build / EVALUATION)


def _list_changes(recommender: Recommender, previous: Path | None) -> dict[str, Any]:
    """Compare the lists with those of the published build; {} where none can be read."""
    if previous is None:
        return {}
    try:
        return list_churn(Recommender(load_artifact(previous / "artifact")), recommender)
    except ArtifactError:
        return {}


def smoke_test(recommender: Recommender) -> dict[str, float]:
    """Let the artifact that would be served answer some users.

    Returns:
        How many requests there were, and the time within which 95 % of them were answered, in milliseconds.
    """
    took = []
    for user_id in recommender.artifact.user_ids[:_SMOKE_REQUESTS]:
        started = time.perf_counter()
        recommender.recommend(user_id, k=10)
        took.append(1000 * (time.perf_counter() - started))
    return {"requests": len(took), "p95_ms": round(float(np.percentile(took, 95)), 1) if took else 0.0}
