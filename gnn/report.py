"""The report of a build: the same numbers as JSON and as Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gnn.evaluate import Comparison, ModelResult
from gnn.metrics import BoolArray

_COLUMNS = ("recall@10", "recall@20", "ndcg@10", "ndcg@20", "hit@10", "precision@10", "f1@10")
_BEYOND = ("coverage@10", "novelty@10", "gini@10", "long_tail@10")
_MAIN = "ndcg@10"


def report(
    results: Sequence[ModelResult],
    about: Mapping[str, Any],
    *,
    comparisons: Sequence[Comparison] = (),
    ablations: Sequence[ModelResult] = (),
    slices: Mapping[str, BoolArray] | None = None,
    skipped: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Collect everything measured.

    Args:
        results: The model first, then the baselines.
        about: What was done: build, split, users, gates.
        comparisons: Paired tests of the model against the others.
        ablations: The whole model first, then the model with parts closed.
        slices: Label → which of the test users.
        skipped: Baselines that were left out → why.
    """
    return {
        **about,
        "verdict": verdict(results, ablations),
        "models": {result.name: _numbers(result) for result in results},
        "paired_tests": {test.name: {"measure": test.measure, "difference": test.difference, "p_value": test.p_value} for test in comparisons},
        "ablations": {result.name: _numbers(result) for result in ablations},
        "slices": {label: _slice(results, mask) for label, mask in (slices or {}).items()},
        "skipped": dict(skipped or {}),
    }


def _numbers(result: ModelResult) -> dict[str, Any]:
    intervals = {name: list(bounds) for name, bounds in result.intervals.items() if not math.isnan(bounds[0])}
    return {"metrics": dict(result.metrics), "beyond_accuracy": dict(result.beyond), "intervals_95": intervals}


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


def markdown(content: Mapping[str, Any]) -> str:
    """Write a report for a person."""
    lines = [f"# Build {content['build_id']}", "", content["verdict"], ""]
    counts = f"{content['users']:,} users with {content['pairs']:,} withheld items"
    lines += [f"{counts}; split: {content['split']}; full ranking, seen items excluded.", ""]
    lines += _table("model", _COLUMNS, {name: _cells(found, _COLUMNS) for name, found in content["models"].items()})
    lines += [f"{name} was left out: {why}." for name, why in content["skipped"].items()]
    lines += _intervals(content)
    lines += ["", "## What is recommended", ""]
    lines += _table("model", _BEYOND, {name: _cells(found, _BEYOND, "beyond_accuracy") for name, found in content["models"].items()})
    if content["ablations"]:
        lines += ["", "## With parts of the model closed, nothing trained again", ""]
        lines += _table("model", _COLUMNS, {name: _cells(found, _COLUMNS) for name, found in content["ablations"].items()})
    if content["slices"]:
        names = list(content["models"])
        lines += ["", f"## {_MAIN} by length of history", ""]
        rows = {
            f"{label} ({found['users']:,} users)": [_number(found[_MAIN].get(name)) for name in names] for label, found in content["slices"].items()
        }
        lines += _table("users", names, rows)
    lines += ["", "## What was learned", ""]
    powers = ("start", "middle", "end", "popularity")
    walks = {walk["meta_path"]: [f"{walk['gate']:.4g}", ", ".join(f"{walk[name]:.2f}" for name in powers)] for walk in content["walks"]}
    lines += _table("walk", ("gate", f"exponents ({', '.join(powers)})"), {**walks, "learned similarity": [f"{content['learned_gate']:.4g}", ""]})
    return "\n".join([*lines, ""])


def _intervals(content: Mapping[str, Any]) -> list[str]:
    names = {name: found["intervals_95"].get(_MAIN) for name, found in content["models"].items()}
    if not any(names.values()):
        return []
    rows = {}
    for name, bounds in names.items():
        test = content["paired_tests"].get(name)
        found = "" if bounds is None else f"{bounds[0]:.4f} – {bounds[1]:.4f}"
        rows[name] = [found, *(("", "") if test is None else (f"{test['difference']:+.4f}", f"{test['p_value']:.3g}"))]
    head = ("95 % interval (bootstrap)", "model minus this one", "p (paired randomisation)")
    return ["", f"## {_MAIN}", "", *_table("model", head, rows)]


def _cells(found: Mapping[str, Any], columns: Sequence[str], part: str = "metrics") -> list[str]:
    return [_number(found[part].get(column)) for column in columns]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(first: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> list[str]:
    head = [f"| {first} | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    return head + [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]


def write_report(folder: Path, content: Mapping[str, Any]) -> None:
    """Write report.json and report.md, each whole or not at all."""
    for name, text in (("report.json", json.dumps(content, indent=1) + "\n"), ("report.md", markdown(content))):
        temporary = folder / f"{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)
