"""What differs between two builds: items, values and edges of the graph, metrics, gates, and whose lists changed, with the reasons for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from etl.pipeline.builds import run_record, stage_records
from etl.stages.graph_build import saved_tables
from gnn.artifact.artifact import load_artifact
from gnn.evaluation.list_churn import K, churn, known_to_both
from gnn.recommend.recommender import Recommender
from kg import schema
from kg.files.json_file import read_json
from kg.graph.delta import GraphDelta, delta
from kg.tables import GraphTables

LISTED = 10
"""Users who are named."""


def diff(first: Path, second: Path) -> dict[str, Any]:
    """Compare two builds.

    Args:
        first: Folder of the earlier build.
        second: Folder of the later one.

    Returns:
        Plain values: `builds`, `graph`, `metrics`, `gates`, `rows`, `lists`.

    Raises:
        NotFoundError: One of them has no tables any more.
    """
    before, after = saved_tables(first), saved_tables(second)
    reports = read_json(first / "report.json"), read_json(second / "report.json")
    return {
        "builds": [first.name, second.name],
        "graph": _graph(before, after, delta(before, after)),
        "metrics": _metrics(*reports),
        "gates": {name: _pair(run_record(first).get("gates", {}), run_record(second).get("gates", {}), name) for name in _gates(first, second)},
        "rows": _rows(first, second),
        "lists": _lists(first, second),
    }


def _graph(before: GraphTables, after: GraphTables, delta: GraphDelta) -> dict[str, dict[str, dict[str, int]]]:
    """Count per type what was added, removed and changed, and what there is now."""
    nodes = {}
    for name in sorted({*before.nodes, *after.nodes}):
        nodes[schema.node_type(name).label] = _counts(
            delta.nodes.get(name), delta.gone_nodes.get(name), before.nodes.get(name), after.nodes.get(name)
        )
    edges: dict[str, dict[str, int]] = {}
    for edge_type in sorted({*before.edges, *after.edges}):
        changes = _counts(delta.edges.get(edge_type), delta.gone_edges.get(edge_type), before.edges.get(edge_type), after.edges.get(edge_type))
        known = edges.setdefault(schema.relation(edge_type[1]).type, dict.fromkeys(changes, 0))
        for key, n in changes.items():
            known[key] += n
    return {"nodes": nodes, "edges": edges}


def _counts(differing: pl.DataFrame | None, gone: pl.DataFrame | None, before: pl.DataFrame | None, after: pl.DataFrame | None) -> dict[str, int]:
    was, now, removed = (0 if frame is None else frame.height for frame in (before, after, gone))
    added = now - (was - removed)
    return {"added": added, "removed": removed, "changed": (0 if differing is None else differing.height) - added, "now": now}


def _metrics(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the metrics of the model in both builds."""
    models = [each.get("models", {}) for each in (before, after)]
    first, second = (dict(next(iter(each.values()))["metrics"]) if each else {} for each in models)
    return {name: _pair(first, second, name) for name in sorted({*first, *second})}


def _pair(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"before": before.get(name), "after": after.get(name)}


def _gates(first: Path, second: Path) -> list[str]:
    return sorted({*run_record(first).get("gates", {}), *run_record(second).get("gates", {})})


def _rows(first: Path, second: Path) -> dict[str, dict[str, Any]]:
    counted = [stage_records(build).get("import", {}).get("counts", {}).get("sources", {}) for build in (first, second)]
    rows = [{name: each.get("rows") for name, each in sources.items()} for sources in counted]
    return {name: _pair(rows[0], rows[1], name) for name in sorted({*rows[0], *rows[1]})}


def _lists(first: Path, second: Path) -> dict[str, Any]:
    """Compare the lists of users whom both builds know: every n-th of them, so that the same builds give the same answer."""
    recommenders = [Recommender(load_artifact(build / "artifact")) for build in (first, second)]
    users = known_to_both(*recommenders)
    lists = [_list_of(user_id, *recommenders) for user_id in users]
    changed = sorted((each for each in lists if each["churn"]), key=lambda each: (-each["churn"], each["user_id"]))
    mean = sum(each["churn"] for each in lists) / len(lists) if lists else 0.0
    why: Counter[str] = Counter()
    for each in changed:
        why.update(each["why"])
    return {"users": len(users), "changed": len(changed), "churn": round(mean, 4), "why": _shares(why), "most": changed[:LISTED]}


def _list_of(user_id: str, before: Recommender, after: Recommender) -> dict[str, Any]:
    """Compare one user's lists: which items came and went, and the share of each relation in the scores of those that came."""
    old, new = (recommender.recommend(user_id, k=K).items for recommender in (before, after))
    had, has = ({item.item_id for item in items} for items in (old, new))
    why: Counter[str] = Counter()
    for item in new:
        if item.item_id not in had:
            why.update(_relations(item))
    return {"user_id": user_id, "churn": round(churn(had, has), 4), "added": sorted(has - had), "removed": sorted(had - has), "why": _shares(why)}


def _relations(item: Any) -> dict[str, float]:
    """Return how much of an item's score each kind of reason has."""
    shares: Counter[str] = Counter()
    for reason in item.reasons:
        shares[reason.kind if not reason.relation else reason.relation] += reason.share
    return dict(shares)


def _shares(counted: Mapping[str, float]) -> dict[str, float]:
    total = sum(counted.values()) or 1.0
    return {name: round(value / total, 4) for name, value in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))}
