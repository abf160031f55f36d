"""One home per formula: what stands in a second module is found by the mark that it leaves in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOMES: Mapping[str, tuple[str, frozenset[str]]] = {
    "discounts of ndcg": (r"/ np\.log2\(", frozenset({"gnn/metrics/users/ndcg.py"})),
    "the bound between Unix times and order numbers": (r"(?<![\w.])1e8\b", frozenset({"gnn/events/timing.py"})),
    "what an event counts in c_uj": (r"\*\* ?[\w.]*count_exponent", frozenset({"gnn/model/history.py"})),
    "the ranks above one item, ties by the smaller number": (r"\[:(\w+)\] == \w+\[\1\]", frozenset({"gnn/recommend/ranking.py"})),
    # The baseline EASE is one of its own, so that the model's regression is compared with another implementation.
    "ridge regression of items on items": (r"linalg\.inv\(|spotri\(", frozenset({"gnn/training/regression.py", "gnn/evaluation/baselines.py"})),
    "a time as text": (r"%Y-%m-%dT%H:%M:%SZ", frozenset({"kg/timestamps.py"})),
    "an id in a path": (r"^(?:User|Item|Path)?Id = Annotated\[str, Path\(", frozenset({"api/http/ids.py"})),
    "the rule of ids": (r"MAX_ID_CHARS = |_IS_PLAIN = ", frozenset({"kg/validation/ids.py"})),
    # Migrations keep the lengths of their day.
    "the lengths of ids and values": (r"MAX_VALUE_CHARS = |max_length=512|(?<!sa\.)String\(512\)", frozenset({"kg/validation/fields.py"})),
    "a price that is sent": (r"price_cents: Whole", frozenset({"kg/validation/events.py", "kg/validation/items.py"})),
    "keys of JSON that are given twice": (r"object_pairs_hook", frozenset({"kg/validation/json_text.py"})),
    # Besides the home: files with rights of their own or that must be on the disk before anybody is answered, and links.
    "write-then-rename": (
        r"^\s*(?:temporary|path)\.replace\(",
        frozenset(
            {
                "kg/files/atomic.py",
                "kg/models/array_file.py",
                "api/keys/key_store.py",
                "etl/cli/ledger.py",
                "etl/pipeline/builds.py",
                "etl/pipeline/demo.py",
            }
        ),
    ),
}


@cache
def code() -> dict[str, str]:
    """Return every module of ours without docstrings and comments, by its path."""
    paths = [path for room in ("kg", "gnn", "api", "etl") for path in sorted((ROOT / room).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): bare(path.read_text(encoding="utf-8")) for path in paths}


def bare(text: str) -> str:
    """Return code without docstrings and comments, as Python would write it, with numbers as they are written."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for n in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[n] = ""
    return "\n".join(line.partition("  # ")[0] for line in lines)


@pytest.mark.parametrize("formula", HOMES)
def test_it_stands_where_it_belongs_and_nowhere_else(formula: str) -> None:
    mark, homes = HOMES[formula]
    assert {path for path, text in code().items() if re.search(mark, text, re.M)} == homes


K_BEST = re.compile(r"np\.partition\(|argpartition\(|argsort\(-|lexsort\(\([^)]*, -|nlargest\(")
"""Marks of picking the k best of an array."""
OTHER_ORDERS = {
    "gnn/artifact/duplicates.py",
    "gnn/events/repeats.py",
    "gnn/explain/groups.py",
    "gnn/explain/reason_builder.py",
    "gnn/graph/hubs.py",
    "gnn/metrics/lists/long_tail.py",
    "gnn/risk/reasons.py",
    "gnn/risk/shop.py",
    "kg/extract/learned/sequence/chain.py",
    "kg/resolve/items/matcher.py",
}
"""Modules that sort something in another way: all of it, per row, or by several keys. The list may only shrink."""


def test_the_k_best_are_picked_by_one_function() -> None:
    picking = {path for path, text in code().items() if K_BEST.search(text)}
    assert "gnn/graph/walks.py" in picking
    assert picking - {"gnn/graph/walks.py"} <= OTHER_ORDERS, "use gnn.graph.walks.largest or kth_largest"


@pytest.mark.parametrize(
    "line", ["np.argsort(-scores)[:k]", "np.argpartition(s, 3)", "np.partition(s, -k)[-k]", "np.lexsort((nums, -scores))", "heapq.nlargest(3, rows)"]
)
def test_a_second_way_to_pick_the_k_best_would_be_seen(line: str) -> None:
    assert K_BEST.search(line)
