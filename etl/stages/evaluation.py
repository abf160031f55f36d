"""The evaluate stage: the withheld events, scored once."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from etl.console import Console
from etl.stages.gates import accepted_gates, asked, records, refuse_failed
from etl.stages.graph_build import interactions_of
from gnn.artifact.artifact import load_artifact
from gnn.config import EvaluateConfig, ModelConfig
from gnn.evaluation.ablation import ablations
from gnn.evaluation.evaluate import PathSumRanker, activity_slices, age_slices, baseline_rankers, compare, evaluate, skipped_baselines, test_users
from gnn.evaluation.explanation_quality import quality
from gnn.evaluation.ratings import rating_results
from gnn.evaluation.repeats import repeat_results
from gnn.evaluation.report import report, write_report
from gnn.events.split import split_interactions
from gnn.recommend.recommender import Recommender
from kg.config import Config
from kg.files.json_file import read_json

_SMOKE_REQUESTS = 50


def evaluate_build(
    config: Config, model: ModelConfig, build: Path, console: Console, previous: Path | None = None, measured_as: str = ""
) -> dict[str, Any]:
    """Evaluate the model that was fitted on the training part, ask the gates, and write report.json and report.md.

    Args:
        config: The shop's configuration.
        model: How the build was trained.
        build: Folder of the build.
        console: Shows progress.
        previous: Folder of the published build, for gates that compare with it.
        measured_as: What identifies the model and what is measured: a report that carries it is not measured again, only judged.

    Raises:
        GateError: A gate does not pass; the report is written all the same.
    """
    settings = config.section(EvaluateConfig)
    content = read_json(build / "report.json")
    if measured_as and content.get("measured_as") == measured_as:
        console.note("measured before; the gates are asked again")
    else:
        content = {**_measured(config, model, build, console), "measured_as": measured_as}
    content["smoke"] = smoke_test(build)
    gates = asked("evaluate", content, read_json(previous / "report.json") if previous else {}, settings)
    accepted = accepted_gates(build)
    content["gates"] = records(gates, accepted)
    write_report(build, content, read_json(build / "training.json").get("events", ()))
    refuse_failed(gates, f"see {build / 'report.md'}", accepted)
    ours: dict[str, Any] = next(iter(content["models"].values()))["metrics"]
    return {
        "gates": content["gates"],
        "users": content["users"],
        **{name: round(ours[name], 4) for name in ("recall@10", "ndcg@10") if name in ours},
    }


def _measured(config: Config, model: ModelConfig, build: Path, console: Console) -> dict[str, Any]:
    """Score the withheld events, and measure the explanations."""
    settings = config.section(EvaluateConfig)
    artifact = load_artifact(build / "model")
    split = split_interactions(interactions_of(build), method=settings.split, test_fraction=settings.test_fraction, seed=settings.seed)
    test = test_users(artifact, split.new_items(), settings)
    rankers = [PathSumRanker(artifact), *baseline_rankers(artifact, settings.baselines)]
    results = evaluate(rankers, test, settings, console.progress)
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
    about = {
        "build_id": build.name,
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
    if settings.ablations:
        console.note("the model without its parts")
    if settings.explanations:
        console.note("the explanations")
    ratings = rating_results(artifact, split, settings, model)
    return report(
        results,
        about,
        comparisons=compare(results, settings),
        ablations=ablations(artifact, test, settings) if settings.ablations else (),
        slices=activity_slices(test),
        item_slices=age_slices(artifact, test),
        skipped=skipped_baselines(artifact, settings.baselines),
        explanations=quality(artifact, test.users, settings.seed) if settings.explanations else None,
        repeats=repeat_results(artifact, split.train, split.repeats(), settings),
        ratings=None if ratings is None else asdict(ratings),
    )


def smoke_test(build: Path) -> dict[str, float]:
    """Load the artifact that would be served, every checksum compared, and let it answer some users.

    Returns:
        How many requests there were, and the time within which 95 % of them were answered, in milliseconds.

    Raises:
        ArtifactError: It is damaged.
    """
    recommender = Recommender(load_artifact(build / "artifact"))
    took = []
    for user_id in recommender.artifact.user_ids[:_SMOKE_REQUESTS]:
        started = time.perf_counter()
        recommender.recommend(user_id, k=10)
        took.append(1000 * (time.perf_counter() - started))
    return {"requests": len(took), "p95_ms": round(float(np.percentile(took, 95)), 1) if took else 0.0}
