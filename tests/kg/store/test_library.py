"""The query library: every query answers what the small shop says by hand, on every database, and its header tells the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg.errors import InputError, NotFoundError
from kg.store import GraphStore
from kg.store.checks.personal import check_impersonal
from kg.store.library import library, library_query, parsed
from kg.store.read_only import check_text
from tests.kg.store.analyst_shop import BEFORE, BUILD, analyst_shop

EXPECTED: dict[str, dict[str, Any]] = {
    line["query"]: line for line in map(json.loads, Path(__file__).with_name("library_rows.jsonl").read_text(encoding="utf-8").splitlines())
}


def test_every_query_gives_exactly_these_rows(store: GraphStore) -> None:
    store.load(analyst_shop(corrected=False), BEFORE)
    store.load(analyst_shop(), BUILD)
    for name, query in library().items():
        result = store.query(query.text, query.values(EXPECTED[name]["parameters"]), timeout_s=60)
        assert result.rows == EXPECTED[name]["rows"], name
        assert result.columns == query.columns, name
        assert not result.truncated


def test_there_are_forty_questions_with_rows() -> None:
    assert len(library()) >= 40
    assert set(EXPECTED) == set(library())
    assert all(expected["rows"] for expected in EXPECTED.values())


@pytest.mark.parametrize("name", sorted(library()))
def test_a_query_that_needs_no_scope_names_no_shopper(name: str) -> None:
    query = library()[name]
    tokens = check_text(query.text)
    if query.personal:
        assert "user_id" in query.text
    else:
        check_impersonal(query.text, tokens)
    used = {token.text for n, token in enumerate(tokens) if n and tokens[n - 1].text == "$"}
    assert used == {parameter.name for parameter in query.parameters}
    assert query.chart.split()[0] in ("table", "graph", "bar", "line")
    assert set(query.chart.split()[1:]) <= set(query.columns)
    assert query.question.endswith("?")


def test_values_are_checked_by_their_types() -> None:
    query = library_query("best-sellers")
    assert query.values({"category": "Tea"}) == {"category": "Tea", "limit": 20}
    assert query.read(["category=123", "limit=5"]) == {"category": "123", "limit": 5}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "category \\(text\\) has no value"),
        ({"category": 1}, "is no text"),
        ({"category": "Tea", "limit": "5"}, "is no integer"),
        ({"category": "Tea", "limit": True}, "is no integer"),
        ({"category": "Tea", "limit": -1}, "limit is -1"),
        ({"category": "Tea", "limt": 5}, "did you mean 'limit'"),
    ]
    for given, why in wrong:
        with pytest.raises(InputError, match=why):
            query.values(given)
    for texts in (["category"], ["=Tea"], ["limit=five"], ["limit=1e3"]):
        with pytest.raises(InputError):
            query.read(texts)
    with pytest.raises(NotFoundError, match="best-sellers"):
        library_query("best-seller")


@pytest.mark.parametrize(
    "header",
    [
        "// title: T\n// question: Q?\n// columns: a\nRETURN 1 AS a",
        "// title: T\n// question: Q?\n// columns: a\n// chart: pie\nRETURN 1 AS a",
        "// title: T\n// question: Q?\n// columns: a\n// chart: table\n// parameter: x string\nRETURN 1 AS a",
        "// titel: T\n// question: Q?\n// columns: a\n// chart: table\nRETURN 1 AS a",
        "// title: T\n// question: Q?\n// columns: a\n// chart: table\n// parameter: x integer = 1.5\nRETURN $x AS a",
    ],
)
def test_a_header_that_says_nonsense_is_an_error(header: str) -> None:
    with pytest.raises(InputError, match=r"x|query wrong"):
        parsed("wrong", header)


def test_the_page_lists_every_question() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cypher.md").read_text(encoding="utf-8")
    assert [f"| `{query.name}` | {query.question} |" in page for query in library().values()] == [True] * len(library())
