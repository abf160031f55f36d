"""Hostile texts do nothing, legitimate ones are answered, on every database."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kg.embedded import Connection
from kg.errors import LimitError, QueryError
from kg.store import Bounds, GraphStore
from tests.kg.store.analyst_shop import BUILD, analyst_shop
from tests.kg.store.test_query import state


def lines(name: str) -> list[Any]:
    return [json.loads(line) for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()]


HOSTILE: list[str] = lines("hostile.jsonl")
LEGITIMATE: list[dict[str, str]] = lines("legitimate.jsonl")


@pytest.fixture
def analysts(store: GraphStore) -> GraphStore:
    store.load(analyst_shop(), BUILD)
    return store


def test_no_hostile_text_gets_through(analysts: GraphStore) -> None:
    assert len(set(HOSTILE)) >= 250
    before = state(analysts)
    through = []
    for n, text in enumerate(HOSTILE):
        with suppress(QueryError):
            through.append((text, analysts.query(text, timeout_s=30).rows))
        if n % 50 == 0:
            assert state(analysts) == before, text
    assert through == []
    assert state(analysts) == before


def test_parameters_that_carry_cypher_are_values(analysts: GraphStore) -> None:
    before = state(analysts)
    for text in HOSTILE[::8]:
        if "\x00" not in text:
            assert analysts.query("MATCH (i:Item) WHERE i.title = $text RETURN i", {"text": text}).rows == [], text
    assert state(analysts) == before


def test_legitimate_queries_are_answered(analysts: GraphStore, connection: Connection) -> None:
    assert len(LEGITIMATE) >= 80
    embedded = connection.database == "reckon"
    for case in LEGITIMATE:
        lacks = case.get("embedded") if embedded else None
        if lacks is None:
            analysts.query(case["query"], timeout_s=60)
        else:
            with pytest.raises(QueryError, match=lacks):
                analysts.query(case["query"], timeout_s=60)


@pytest.mark.parametrize(
    "text",
    [
        "RETURN size(range(1, 200000000)) AS n",
        "UNWIND range(1, 1000000) AS x WITH x, toString(x) AS y RETURN y, count(*) AS n ORDER BY n LIMIT 1",
    ],
)
def test_the_embedded_database_bounds_the_memory_of_a_query(embedded_connection: Connection, text: str) -> None:
    with GraphStore(embedded_connection) as store:
        with pytest.raises(LimitError, match="more memory"):
            store.query(text, timeout_s=60)
        assert store.query("RETURN 1").rows == [[1]]


def test_rows_are_bounded_in_bytes_too(analysts: GraphStore) -> None:
    result = analysts.query("UNWIND range(1, 100) AS x RETURN 'abcdefghij' + x AS text", bounds=Bounds(max_bytes=1000))
    assert result.truncated
    assert 0 < len(result.rows) < 20
