"""The field's words: an identifier that only this project would understand is found."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTEAD = {
    "ahead": "above",
    "as_served": "served_recommender",
    "ask": "query",
    "asked": "query, requested",
    "bar": "exclusion",
    "barred": "excluded",
    "bars": "exclusions",
    "fill": "fallback_scores",
    "found": "a noun: what was found (match, values, node)",
    "held": "pinned, or a noun",
    "placed": "pinned, ranked",
    "shoppers": "users",
    "standing": "state_version, availability",
    "told": "explanation, reasons",
    "wish": "list_query",
    "wishes": "list_query",
}
"""Private word → what the field says."""
ROOMS = ("kg", "gnn", "api", "etl")


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Give the names that a module defines: variables, arguments, attributes, functions, classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno


def private(source: str) -> list[tuple[str, int]]:
    """Return the private words among the names that a module defines, with their lines."""
    return [(name, line) for name, line in names(ast.parse(source)) if name.strip("_").lower() in INSTEAD]


def uses() -> Iterator[tuple[str, str, int]]:
    """Give path, word and line of each private word."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for name, line in private(path.read_text(encoding="utf-8")):
                yield path.relative_to(ROOT).as_posix(), name, line


USES = list(uses())


@pytest.mark.parametrize("room", ROOMS)
def test_names_are_the_words_of_the_field(room: str) -> None:
    assert [f"{path}:{line}: {name} → {INSTEAD[name.strip('_').lower()]}" for path, name, line in USES if path.startswith(room + "/")] == []


@pytest.mark.parametrize(
    "code", ["found = 1", "def f(told): pass", "def ask(): pass", "class Wish: pass", "self.shoppers = 1", "for bar in bars: pass", "(_found := 1)"]
)
def test_a_private_word_would_be_seen(code: str) -> None:
    assert private(code)
    assert not private("exclusion = query")
