"""One registry per kind of thing: it is made once, every object satisfies it, and no code lists its names a second time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from kg.registry import Registry

ROOT = Path(__file__).parents[2]
ROOMS = ("kg", "gnn", "api", "etl")
FEWEST, SHARE = 3, 0.6
"""A collection of so many names of one registry, which make up this share of it, is a second list."""


@cache
def trees() -> dict[str, ast.Module]:
    """Return every module of ours, parsed, by its dotted name."""
    paths = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def made() -> Iterator[tuple[str, str]]:
    """Give module and variable of each registry."""
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "Registry":
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                assert isinstance(target, ast.Name)
                yield module, target.id


REGISTRIES: dict[str, Registry[Any]] = {f"{module}.{name}": getattr(import_module(module), name) for module, name in made()}
ALL = pytest.mark.parametrize("place", REGISTRIES)


def test_there_is_one_registry_per_kind() -> None:
    kinds = {registry.kind for registry in REGISTRIES.values()}
    assert {"source format", "export format", "strategy", "re-ranker", "rule kind", "metric", "gate"} <= kinds
    for attribute in ("kind", "group"):
        values = [getattr(registry, attribute) for registry in REGISTRIES.values()]
        assert len(set(values)) == len(values)


@ALL
def test_it_holds_something_and_nothing_is_broken(place: str) -> None:
    assert REGISTRIES[place].names()
    assert not REGISTRIES[place].broken


@ALL
def test_no_code_lists_its_names_again(place: str) -> None:
    again = [f"{module}:{line}" for module, line in second_lists(set(REGISTRIES[place].names()), trees())]
    assert not again, f"derive these from {place}"


def second_lists(names: set[str], modules: dict[str, ast.Module]) -> Iterator[tuple[str, int]]:
    """Give the collections, enumerations and literal types that hold names of a registry."""
    for module, tree in modules.items():
        for node in ast.walk(tree):
            texts = held(node)
            if len(names & set(texts)) >= FEWEST and len(names & set(texts)) >= SHARE * len(texts):
                yield module, getattr(node, "lineno", 0)


def held(node: ast.AST) -> list[str]:
    """Return the texts that a collection or the body of an enumeration holds."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        elements: list[ast.expr | None] = list(node.elts)
    elif isinstance(node, ast.Dict):
        elements = list(node.keys)
    elif isinstance(node, ast.ClassDef):
        elements = [statement.value for statement in node.body if isinstance(statement, ast.Assign)]
    else:
        return []
    return [element.value for element in elements if isinstance(element, ast.Constant) and isinstance(element.value, str)]


@pytest.mark.parametrize(
    "code",
    [
        "F = Literal['csv', 'tsv', 'jsonl']",
        "F = ['csv', 'tsv', 'jsonl']",
        "F = {'csv': 1, 'tsv': 2, 'jsonl': 3}",
        "class F(StrEnum):\n    CSV = 'csv'\n    TSV = 'tsv'\n    JSONL = 'jsonl'\n",
        "def f():\n    return x in ('csv', 'tsv', 'jsonl', 'other')\n",
    ],
)
def test_a_second_list_would_be_found(code: str) -> None:
    assert list(second_lists({"csv", "tsv", "jsonl", "parquet"}, {"m": ast.parse(code)}))
    assert not list(second_lists({"csv"}, {"m": ast.parse(code)}))
