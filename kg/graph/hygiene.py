"""The hygiene of a graph: what is cut off, what everything shares, what is missing, and what says nothing.

Connected components come from scipy's compiled search; networkx, which the tests compare it with, needs many times its time and memory at a million
edges. Everything else is counted with polars. Nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from kg import schema
from kg.schema import EdgeType
from kg.tables import GraphTables

EXAMPLES = 20
SAME_VALUE = 0.98
"""A relation whose items nearly all have one value distinguishes none of them."""
_HUBS, _CATEGORIES = 20, 20
_HUB_SHARE = 0.05


def hygiene(tables: GraphTables, *, max_degree: int) -> dict[str, Any]:
    """Examine a graph.

    Args:
        tables: The graph.
        max_degree: Values that more items share are hubs that count less in scores (`[model] max_degree`).

    Returns:
        `counts`, `components`, `items` (those that lack something), `hubs`, `coverage` and `uninformative`: plain values, ready for JSON.
    """
    attributes = {edge_type: frame for edge_type, frame in tables.edges.items() if schema.family(edge_type) == "attribute"}
    n_items = tables.nodes["item"].height if "item" in tables.nodes else 0
    return {
        "counts": {
            "nodes": {schema.node_type(name).label: frame.height for name, frame in tables.nodes.items()},
            "edges": {_shown(edge_type): frame.height for edge_type, frame in tables.edges.items()},
        },
        "components": _components(tables),
        "items": _lacking(tables, attributes),
        "hubs": _hubs(attributes, n_items, max_degree),
        "coverage": _coverage(attributes),
        "uninformative": _uninformative(attributes),
    }


def _shown(edge_type: EdgeType) -> str:
    source, name, target = edge_type
    return f"(:{schema.node_type(source).label})-[:{schema.relation(name).type}]->(:{schema.node_type(target).label})"


def _components(tables: GraphTables) -> dict[str, Any]:
    """Count the connected components of the whole graph, directions ignored."""
    offsets, total, numbers = {}, 0, {}
    for name, frame in tables.nodes.items():
        offsets[name], total = total, total + frame.height
        numbers[name] = frame.select("key").with_row_index("num")
    ends: list[list[np.ndarray]] = [[], []]
    for (source, _, target), frame in tables.edges.items():
        for place, (column, name) in enumerate((("source", source), ("target", target))):
            nums = frame.select(key=column).join(numbers[name], on="key", how="left", maintain_order="left")["num"]
            ends[place].append(nums.to_numpy().astype(np.int64) + offsets[name])
    if not total:
        return {"n": 0, "largest_share": 0.0, "next": []}
    rows, columns = (np.concatenate(part) if part else np.zeros(0, dtype=np.int64) for part in ends)
    matrix = sp.coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(total, total))
    n_components, labels = connected_components(matrix, directed=False)
    sizes = np.sort(np.bincount(labels, minlength=n_components))[::-1]
    return {"n": int(n_components), "largest_share": round(float(sizes[0] / total), 4), "next": [int(size) for size in sizes[1:6]]}


def _lacking(tables: GraphTables, attributes: Mapping[EdgeType, pl.DataFrame]) -> dict[str, Any]:
    items = tables.nodes["item"]["key"] if "item" in tables.nodes else pl.Series("key", [], dtype=pl.String)
    events = {edge_type: frame for edge_type, frame in tables.edges.items() if schema.family(edge_type) == "interaction"}
    linked = [
        frame[end] for (source, _, target), frame in tables.edges.items() for end, name in (("source", source), ("target", target)) if name == "item"
    ]
    lacking = {
        "isolated": _without(items, linked),
        "without_attributes": _without(items, [frame["source"] for frame in attributes.values()]),
        "without_interactions": _without(items, [frame["target"] for frame in events.values()]),
    }
    return {"n": len(items)} | {name: {"n": len(missing), "examples": missing.head(EXAMPLES).to_list()} for name, missing in lacking.items()}


def _without(items: pl.Series, linked: list[pl.Series]) -> pl.Series:
    known = pl.concat([pl.Series([], dtype=pl.String), *(series.alias("") for series in linked)]).unique()
    return items.filter(~items.is_in(known.implode())).sort()


def _hubs(attributes: Mapping[EdgeType, pl.DataFrame], n_items: int, max_degree: int) -> list[dict[str, Any]]:
    """Return the values that most items share: those above `max_degree`, and those of a twentieth of all items or more."""
    rows = []
    for edge_type, frame in attributes.items():
        counts = frame.group_by("target").len().filter((pl.col("len") > max_degree) | (pl.col("len") >= max(_HUB_SHARE * n_items, 2)))
        for value, degree in counts.iter_rows():
            above = degree > max_degree
            row = {"relation": edge_type[1], "value": value, "degree": degree, "share": round(degree / n_items, 4), "above_max_degree": above}
            rows.append({**row, "weight": round(min(1.0, max_degree / degree), 4)})
    return sorted(rows, key=lambda row: (-row["degree"], row["relation"], row["value"]))[:_HUBS]


def _coverage(attributes: Mapping[EdgeType, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return, for the largest categories, which share of their items has each relation."""
    category = attributes.get(("item", "has_category", "category"))
    if category is None:
        return []
    sizes = category.group_by("target").len().sort(["len", "target"], descending=[True, False]).head(_CATEGORIES)
    members = category.select(item="source", category="target").join(sizes.select(category="target"), on="category", how="semi")
    shares: dict[str, dict[str, float]] = {name: {} for name in sizes["target"]}
    of = dict(sizes.iter_rows())
    for edge_type, frame in sorted(attributes.items()):
        if edge_type[1] == "has_category":
            continue
        having = members.join(frame.select(item="source").unique(), on="item", how="semi").group_by("category").len()
        for name, n in having.iter_rows():
            shares[name][edge_type[1]] = round(n / of[name], 3)
    return [
        {"category": name, "items": of[name], "relations": dict(sorted(shares[name].items(), key=lambda p: (-p[1], p[0])))}
        for name in sizes["target"]
    ]


def _uninformative(attributes: Mapping[EdgeType, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the relations that link no two items, or all of them alike."""
    uninformative = []
    for edge_type, frame in sorted(attributes.items()):
        counts = frame.group_by("target").len()["len"]
        n_items, top = frame["source"].n_unique(), int(counts.to_numpy().max(initial=0))
        shares = counts.to_numpy() / max(frame.height, 1)
        why = ""
        if top <= 1:
            why = "no two items share a value: it gives no path"
        elif top >= SAME_VALUE * n_items:
            why = f"{top / n_items:.0%} of the items that have it have one value"
        if why:
            bits = float(-(shares * np.log2(shares)).sum())
            uninformative.append({"relation": edge_type[1], "items": n_items, "values": len(counts), "bits": round(abs(bits), 3), "why": why})
    return uninformative


def markdown(report: Mapping[str, Any], build_id: str) -> str:
    """Return a report for people."""
    components, items = report["components"], report["items"]
    lines = [f"# Hygiene of the graph of build {build_id}", ""]
    lines += [f"* {sum(report['counts']['nodes'].values()):,} nodes, {sum(report['counts']['edges'].values()):,} edges."]
    lines += [f"* {components['n']:,} connected components; the largest holds {components['largest_share']:.1%} of the nodes."]
    for name, text in (("isolated", "have no edge at all"), ("without_attributes", "have no attribute"), ("without_interactions", "nobody has met")):
        n, some = items[name]["n"], ", ".join(items[name]["examples"][:5])
        lines.append(f"* {n:,} of {items['n']:,} items {text}" + (f", such as {some}." if n else "."))
    lines += ["", "## Hubs", "", "Values that many items share. In scores, those above `[model] max_degree` have this further weight.", ""]
    lines += _table(["relation", "value", "items", "share", "weight"], [_hub_row(hub) for hub in report["hubs"]])
    lines += ["", "## Relations that carry no information", ""]
    rows = [[row["relation"], f"{row['items']:,}", f"{row['values']:,}", row["why"]] for row in report["uninformative"]]
    lines += _table(["relation", "items", "values", "why"], rows)
    lines += ["", "## Coverage of the largest categories", "", "Share of the items that have the relation; the best eight.", ""]
    coverage = [
        [row["category"], f"{row['items']:,}", ", ".join(f"{name} {share:.0%}" for name, share in list(row["relations"].items())[:8])]
        for row in report["coverage"]
    ]
    lines += _table(["category", "items", "relations"], coverage)
    return "\n".join(lines) + "\n"


def _hub_row(hub: Mapping[str, Any]) -> list[str]:
    return [hub["relation"], hub["value"], f"{hub['degree']:,}", f"{hub['share']:.1%}", f"{hub['weight']:.1%}"]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return ["None."]
    cells = [head, ["---"] * len(head), *([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]
