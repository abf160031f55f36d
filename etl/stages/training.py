"""The train stage: tune on the training part, save what evaluation asks, refit on everything, save what is served."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.stages.extraction import VECTORS
from etl.stages.graph_build import interactions_of
from etl.stages.ledger_import import LedgerPosition, mark_of
from kg.errors import ArtifactError
from kg.files.json_file import read_json, write_json

if TYPE_CHECKING:
    import polars as pl

    from gnn.config import EvaluateConfig, ModelConfig
    from gnn.graph.arrays import GraphArrays
    from gnn.model.scorer import PathModel
    from gnn.training.progress import Report
    from kg.validation.ratings import RatingScale

CHECKPOINT = "checkpoint.json"
TRACE = "training.json"


def train_build(
    graph: GraphArrays,
    build: Path,
    config: ModelConfig,
    evaluate: EvaluateConfig,
    fingerprint: str,
    report: Report,
    ratings: RatingScale | None = None,
    decisions: Mapping[str, str] | None = None,
    suspected: bool = False,
) -> dict[str, Any]:
    """Train and save both artifacts of a build; what was tuned before a kill is not tuned again.

    Args:
        graph: The graph of the build.
        build: Its folder.
        config: How to train.
        evaluate: What is withheld.
        fingerprint: Of the settings and everything they stand on: a checkpoint of another one is not used.
        report: Called as training goes on.
        ratings: What a rating may be, where the shop says so.
        decisions: What persons decided of accounts; nothing is learned from those confirmed.
        suspected: Learn nothing from suspected accounts that nobody cleared either.
    """
    from etl.stages.search_index import write_index
    from gnn.artifact.artifact import save_artifact
    from gnn.events.activity import Activity
    from gnn.events.repeats import Repeats, fit_repeats
    from gnn.events.split import split_interactions
    from gnn.training.fit import refit

    interactions, graph = interactions_of(build), with_texts(graph, build)
    interactions, graph, risk = _without_suspects(interactions, graph, decisions or {}, suspected=suspected)
    split = split_interactions(interactions, method=evaluate.split, test_fraction=evaluate.test_fraction, seed=evaluate.seed)
    model, counts = _tuned(graph, split.train, build, config, fingerprint, report)
    final = refit(graph, interactions, model, config, report)
    if ratings is not None and final.history.ratings is not None:
        known = replace(final.history.ratings, scale=(ratings.lowest, ratings.highest))
        final = replace(final, history=replace(final.history, ratings=known))
    taken_in = mark_of(build) or LedgerPosition()
    seqs = {"events_seq": taken_in.events_seq, "catalogue_seq": taken_in.catalogue_seq}
    ids = graph.keys.get("user", ()), graph.item_ids
    activity, repeats = Activity.of(interactions, *ids), Repeats.learned(fit_repeats(split.train, *ids), interactions, *ids)
    save_artifact(build / "artifact", graph, final, build_id=build.name, activity=activity, repeats=repeats, **seqs)
    return {**counts, **risk, **write_index(build, graph.item_ids)}


def _without_suspects(
    interactions: pl.DataFrame, graph: GraphArrays, decisions: Mapping[str, str], *, suspected: bool
) -> tuple[pl.DataFrame, GraphArrays, dict[str, Any]]:
    """Leave out the events of accounts that were confirmed or, where asked for, act together (`gnn.risk.shop`), and say how many."""
    from gnn.risk.shop import counted, event_weights, examine

    suspicion = examine(interactions).suspicion if suspected else {}
    kept = counted(interactions, event_weights(suspicion, decisions))
    if kept.height == interactions.height:
        return interactions, graph, {}
    counts = {
        "accounts_left_out": interactions["user_id"].n_unique() - kept["user_id"].n_unique(),
        "events_not_counted": interactions.height - kept.height,
    }
    return kept, graph.with_interactions(kept), counts


def with_texts(graph: GraphArrays, build: Path) -> GraphArrays:
    """Add the text vectors that the extract stage wrote, one row per item of the catalogue in the order of the ids.

    Args:
        graph: The graph of the build; given back as it is where the build has no vectors.
        build: Its folder.
    """
    import numpy as np

    from kg.tables import Catalog

    if not (build / VECTORS).is_file():
        return graph
    return graph.with_texts(Catalog.read(build / "catalog").items["item_id"].sort().to_list(), np.load(build / VECTORS))


def _tuned(
    graph: GraphArrays, train: pl.DataFrame, build: Path, config: ModelConfig, fingerprint: str, report: Report
) -> tuple[PathModel, dict[str, Any]]:
    """Return the tuned model and what tuning counted: from the checkpoint if it belongs to these settings, else tuned now."""
    from gnn.artifact.artifact import load_artifact, save_artifact
    from gnn.training.fit import fit

    checkpoint = read_json(build / CHECKPOINT)
    if checkpoint.get("fingerprint") == fingerprint:
        # A damaged one is made again.
        with suppress(ArtifactError):
            return load_artifact(build / "model").model, dict(checkpoint["counts"])
    (build / CHECKPOINT).unlink(missing_ok=True)
    result = fit(graph, train, config, report)
    # Evaluation answers from this artifact: the same files, the same code as serving.
    save_artifact(build / "model", graph.with_interactions(train), result.model, build_id=build.name)
    write_json(build / TRACE, {"events": [asdict(event) for event in result.trace]})
    counts = {"tuning_users": result.tuning_users, "validation_ndcg": round(result.validation_ndcg, 4), "softmax": result.softmax}
    write_json(build / CHECKPOINT, {"fingerprint": fingerprint, "counts": counts})
    return result.model, counts


def write_events(build: Path) -> Path:
    """Write what training reported as TensorBoard event files, and return their folder.

    Args:
        build: A build whose train stage is done.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = build / "tensorboard"
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    trace = read_json(build / TRACE).get("events", [])
    writer = EventFileWriter(str(folder))
    for place, event in enumerate(trace):
        values = [Summary.Value(tag=f"{event['step']}/{name}", simple_value=event[name]) for name in ("loss", "ndcg") if event[name] is not None]
        if values:
            writer.add_event(Event(wall_time=(build / TRACE).stat().st_mtime, step=place, summary=Summary(value=values)))
    writer.close()
    return folder
