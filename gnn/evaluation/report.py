"""The report of a build: the same numbers as JSON, as Markdown and as one page with plots."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gnn.evaluation.evaluate import Comparison, ModelResult
from gnn.evaluation.explanation_quality import Quality
from gnn.evaluation.model_card import model_card
from gnn.evaluation.report_page import Section, page
from gnn.metrics.base import table_columns
from gnn.types import BoolArray
from kg.files.atomic import write_text

_MAIN = "ndcg@10"
_SEASON = "Scores are multiplied with how recent the popularity of an item is: half-life {half_life_days:g} days, exponent {exponent:g}."

_POPULARITY = " They are multiplied with the shoppers who met the item to the power of {:g}."
_BOUNDED = (
    "A relation that moves more than a fifth of a list is as small as costs no more than one standard error, judged by shoppers who did not tune."
)
_GRAPH_FIRST = (
    "Chosen is the largest share within the loss that `[model] graph_first` allows. Of learned scores, what runs over shoppers of both is on paths."
)
_CLOSED = "Judged by shoppers who did not tune; all of these together cost at most one standard error."


def report(
    results: Sequence[ModelResult],
    about: Mapping[str, Any],
    *,
    comparisons: Sequence[Comparison] = (),
    ablations: Sequence[ModelResult] = (),
    slices: Mapping[str, BoolArray] | None = None,
    skipped: Mapping[str, str] | None = None,
    item_slices: Mapping[str, BoolArray] | None = None,
    explanations: Quality | None = None,
    repeats: Sequence[ModelResult] = (),
    ratings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Collect everything measured.

    Args:
        results: The model first, then the baselines.
        about: What was done: build, split, users, gates.
        comparisons: Paired tests of the model against the others.
        ablations: The whole model first, then the model with parts closed.
        slices: Label → which of the test users.
        skipped: Baselines that were left out → why.
        item_slices: Label → which of the test users have withheld items of that age.
        explanations: Quality of the explanations.
        repeats: What is bought again: the strategy first, then what it is compared with.
        ratings: The fields of `gnn.evaluation.ratings.RatingResults`; None where interactions carry no ratings.
    """
    measures = {} if explanations is None else asdict(explanations)
    by_rank = measures.pop("by_rank", ())
    finite = {name: None if math.isnan(value) else value for name, value in measures.items()}
    return {
        **about,
        "verdict": verdict(results, ablations),
        "models": {result.name: _numbers(result) for result in results},
        "paired_tests": {test.name: {"measure": test.measure, "difference": test.difference, "p_value": test.p_value} for test in comparisons},
        "ablations": {result.name: _numbers(result) for result in ablations},
        "slices": {label: _slice(results, mask) for label, mask in (slices or {}).items()},
        "item_slices": {label: _slice(results, mask) for label, mask in (item_slices or {}).items()},
        "repeats": {result.name: _numbers(result) for result in repeats},
        **({"ratings": dict(ratings)} if ratings else {}),
        "skipped": dict(skipped or {}),
        "explanations": {} if explanations is None else {"measures": finite, "gates": explanations.gates(), "by_rank": by_rank},
    }


def _numbers(result: ModelResult) -> dict[str, Any]:
    intervals = {name: list(bounds) for name, bounds in result.intervals.items() if not math.isnan(bounds[0])}
    return {
        "metrics": dict(result.metrics),
        "beyond_accuracy": {name: value for name, value in result.beyond.items() if not math.isnan(value)},
        "intervals_95": intervals,
    }


def _slice(results: Sequence[ModelResult], mask: BoolArray) -> dict[str, Any]:
    return {
        "users": int(np.count_nonzero(mask)),
        _MAIN: {result.name: float(result.per_user[_MAIN][mask].mean()) for result in results if mask.any()},
    }


def verdict(results: Sequence[ModelResult], ablations: Sequence[ModelResult] = ()) -> str:
    """Say in one line whether the model is better than the best baseline, and whether the graph helps.

    Args:
        results: The model first, then the baselines.
        ablations: The whole model first; the one called "without the graph" is compared with it.
    """
    model, *others = results
    if not others or not len(next(iter(model.per_user.values()), ())):
        return "No user has both a training history and withheld items: nothing could be measured."
    best = max(others, key=lambda result: result.metrics[_MAIN])
    ours, theirs = model.metrics[_MAIN], best.metrics[_MAIN]
    word = "better than" if ours > theirs else "not better than"
    line = f"The model is {word} the best baseline, {best.name}: ndcg@10 {ours:.4f} against {theirs:.4f}."
    without = next((result for result in ablations if result.name == "without the graph"), None)
    if without is None:
        return line
    whole, bare = ablations[0].metrics[_MAIN], without.metrics[_MAIN]
    return f"{line} The graph {'helps' if whole > bare else 'does not help'}: {whole:.4f} with it, {bare:.4f} when its relations are closed."


def sections(content: Mapping[str, Any]) -> list[Section]:
    """Arrange a report as tables."""
    columns, beyond = table_columns("users"), table_columns("lists")
    counts = f"{content['users']:,} users with {content['pairs']:,} withheld items"
    models = content["models"]
    left_out = tuple(f"{name} was left out: {why}." for name, why in content["skipped"].items())
    result = [
        Section(
            "",
            f"{counts}; split: {content['split']} ({content['split_why']}); full ranking, seen items excluded.",
            ("model", *columns),
            {name: _cells(numbers, columns) for name, numbers in models.items()},
            left_out,
        ),
        *_intervals(content),
        Section(
            "What is recommended", "", ("model", *beyond), {n: _cells(v, beyond, "beyond_accuracy") for n, v in models.items()}, plot="popularity"
        ),
    ]
    if content.get("repeats"):
        rows = {name: _cells(numbers, columns) for name, numbers in content["repeats"].items()}
        result.append(Section("Bought again", "The shopper's own purchases, ranked; found are those bought again.", ("model", *columns), rows))
    if content.get("ratings"):
        result.append(_ratings(content["ratings"]))
    if content["ablations"]:
        rows = {name: _cells(numbers, columns) for name, numbers in content["ablations"].items()}
        text = "Shuffled: items swapped their values at random in every attribute relation; what was learned from the true ones stays."
        result.append(Section("With parts of the model closed, nothing trained again", text, ("model", *columns), rows, plot="ablations"))
    for kind, parts in (("length of history", content["slices"]), ("age of the withheld items", content.get("item_slices", {}))):
        if parts:
            rows = {f"{label} ({part['users']:,} users)": [_number(part[_MAIN].get(name)) for name in models] for label, part in parts.items()}
            result.append(Section(f"{_MAIN} by {kind}", "", ("users", *models), rows, plot="slices" if parts is content["slices"] else ""))
    if content.get("explanations"):
        result.append(_explanations(content["explanations"]))
        result += _deletion(content["explanations"].get("by_rank", ()))
    if content.get("gates"):
        rows = {name: ["passed" if gate["passed"] else "not passed", gate["message"]] for name, gate in content["gates"].items()}
        result.append(Section("Gates", "", ("gate", "", "measured"), rows))
    powers = ("start", "middle", "end", "popularity")
    walks = {walk["meta_path"]: [f"{walk['gate']:.4g}", ", ".join(f"{walk[name]:.2f}" for name in powers)] for walk in content["walks"]}
    learned = {
        **walks,
        "learned item–item weights": [f"{content['weights_gate']:.4g}", ""],
        "learned embeddings": [f"{content['learned_gate']:.4g}", ""],
    }
    season = content.get("season")
    text = "No factor of the season." if season is None else _SEASON.format(**season)
    if content.get("popularity_exponent"):
        text += _POPULARITY.format(content["popularity_exponent"])
    result.append(Section("What was learned", text, ("walk", "gate", f"exponents ({', '.join(powers)})"), learned, plot="gates"))
    if content.get("closed"):
        rows = {gate["name"]: [f"{gate['cost']:+.5f}", f"{gate['error']:.5f}"] for gate in content["closed"]}
        result.append(Section("Closed, as they help nobody", _CLOSED, ("walk", "ndcg that closing it costs", "standard error"), rows))
    return [*result, *_bounded(content.get("bounded", ())), *_graph_first(content.get("graph_first", ()))]


def _bounded(gates: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not gates:
        return []
    rows = {gate["name"]: [f"{gate['moved']:.0%}", f"{gate['factor']:g}", f"{gate['cost']:+.5f}", f"{gate['error']:.5f}"] for gate in gates}
    head = ("walk", "of the first ten it moves", "its gate times", "ndcg that this costs", "standard error")
    return [Section("Made smaller, as they moved more than they are worth", _BOUNDED, head, rows)]


def _graph_first(points: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not points:
        return []
    rows = {
        f"× {point['factor']:g}": [f"{point['graph_share']:.1%}", f"{point['ndcg']:.4f}", "chosen" if point["chosen"] else ""] for point in points
    }
    head = ("gate of the embeddings", "of the score on paths of the graph", "ndcg, of shoppers who did not tune", "")
    return [Section("Paths of the graph against learned similarity", _GRAPH_FIRST, head, rows, plot="graph_first")]


def _ratings(ratings: Mapping[str, Any]) -> Section:
    text = f"{ratings['ratings']:,} withheld ratings, predicted; weight of the score beside the means: {ratings['score_share']:.2f} (0 to 1)."
    rows = {name: [_number(errors["mae"]), _number(errors["rmse"])] for name, errors in ratings["models"].items()}
    return Section("Ratings", text, ("model", "MAE", "RMSE"), rows)


def _explanations(explanations: Mapping[str, Any]) -> Section:
    demands = {gate["name"]: gate for gate in explanations["gates"]}
    rows = {}
    for name, value in explanations["measures"].items():
        gate = demands.get(name)
        wanted = "" if gate is None else f"{gate['is']} {gate['limit']:g}: {'met' if gate['passed'] else 'not met'}"
        rows[name.replace("_", " ")] = ["" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4g}", wanted]
    return Section(
        "Explanations",
        "The first ten items of a sample of users; defined in gnn/evaluation/explanation_quality.py.",
        ("measure", "value", "demand"),
        rows,
    )


def _deletion(by_rank: Sequence[Mapping[str, Any]]) -> list[Section]:
    if not by_rank:
        return []
    rows = {
        str(at["rank"]): [f"{at['items']:,}", *(f"{100 * at[name]:.1f} %" for name in ("lead", "top_deleted", "random_deleted"))] for at in by_rank
    }
    text = "Out of the first ten without a fifth of its own paths. An item stays if its lead over the eleventh is larger than what those paths gave."
    head = ("rank", "items", "lead over the eleventh, of the score", "out without the strongest fifth", "out without a random fifth")
    return [Section("Deletion test by rank", text, head, rows)]


def _intervals(content: Mapping[str, Any]) -> list[Section]:
    names = {name: numbers["intervals_95"].get(_MAIN) for name, numbers in content["models"].items()}
    if not any(names.values()):
        return []
    rows = {}
    for name, bounds in names.items():
        test = content["paired_tests"].get(name)
        interval = "" if bounds is None else f"{bounds[0]:.4f} – {bounds[1]:.4f}"
        rows[name] = [interval, *(("", "") if test is None else (f"{test['difference']:+.4f}", f"{test['p_value']:.3g}"))]
    head = ("model", "95 % interval (bootstrap)", "model minus this one", "p (paired randomisation)")
    return [Section(_MAIN, "", head, rows, plot="metrics")]


def markdown(content: Mapping[str, Any]) -> str:
    """Write a report for a person."""
    lines = [f"# Build {content['build_id']}", "", content["verdict"], ""]
    for section in sections(content):
        lines += [f"## {section.title}", ""] if section.title else []
        lines += [section.text, ""] if section.text else []
        lines += ["| " + " | ".join(section.columns) + " |", "|" + " --- |" * len(section.columns)]
        lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in section.rows.items()]
        lines += [*section.notes, ""]
    return "\n".join(lines)


def _cells(numbers: Mapping[str, Any], columns: Sequence[str], part: str = "metrics") -> list[str]:
    return [_number(numbers[part].get(column)) for column in columns]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def write_report(folder: Path, content: Mapping[str, Any], trace: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write report.json, report.md, report.html and model-card.md, each whole or not at all.

    Args:
        folder: The build.
        content: What `report` returned.
        trace: What training reported, for the learning curve.
    """
    texts = {
        "report.json": json.dumps(content, indent=1) + "\n",
        "report.md": markdown(content),
        "report.html": page(content, sections(content), trace),
        "model-card.md": model_card(content),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
