"""The commands `reckon cypher` and `reckon query …`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from etl.cypher.commands import cypher, query
from etl.cypher.output import write_result
from kg.errors import InputError, NotFoundError, QueryError
from kg.store import QueryResult

app = typer.Typer()
app.command("cypher")(cypher)
app.add_typer(query, name="query")


def run(*arguments: Any) -> str:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False, standalone_mode=False).output


def test_a_query_is_printed_and_written(shop: Path, tmp_path: Path) -> None:
    text = "MATCH (i:Item) WHERE i.item_id IN $items RETURN i.item_id AS item, i.price_cents AS cents, [i.title] AS titles ORDER BY item"
    asked = [text, "-p", 'items=["1", "2"]', "-w", shop]
    assert "Black tea 500 g" in run("cypher", *asked)
    rows = json.loads(run("cypher", *asked, "--format", "json"))["rows"]
    assert rows[0] == {"item": "1", "cents": 349, "titles": ["Green tea 250 g"]}
    assert list(csv.reader(run("cypher", *asked, "--format", "csv").splitlines()))[2] == ["2", "599", '["Black tea 500 g"]']
    (tmp_path / "q.cypher").write_text(text, encoding="utf-8")
    run("cypher", "--file", tmp_path / "q.cypher", "-p", 'items=["1"]', "-w", shop, "--format", "parquet", "--out", tmp_path / "r.parquet")
    frame = pl.read_parquet(tmp_path / "r.parquet")
    assert frame.schema == {"item": pl.String, "cents": pl.Int64, "titles": pl.String}
    assert frame.rows() == [("1", 349, '["Green tea 250 g"]')]
    assert run("cypher", *asked, "--format", "jsonl").splitlines()[0] == '{"item":"1","cents":349,"titles":["Green tea 250 g"]}'
    assert "<graphml" in run("cypher", "MATCH p = (i:Item)-[:HAS_BRAND]->(b:Brand) RETURN p", "-w", shop, "--format", "graphml")
    assert "only the first 1 rows" in run("cypher", "MATCH (i:Item) RETURN i.title", "--max-rows", "1", "-w", shop)
    assert "did you mean 'Item'" in run("cypher", "MATCH (i:Itm) RETURN i.title", "-w", shop)


def test_what_was_asked_wrongly_is_said(shop: Path, tmp_path: Path) -> None:
    for arguments in ([], ["RETURN 1", "--file", "x"], ["RETURN 1", "--format", "xml"], ["RETURN 1", "--format", "parquet"], ["--file", "missing"]):
        with pytest.raises(InputError):
            run("cypher", *arguments, "-w", shop)
    with pytest.raises(InputError, match="no parameter"):
        run("cypher", "RETURN $x", "-p", "x", "-w", shop)
    with pytest.raises(QueryError, match="line 1, column 8: the parameter x has no value"):
        run("cypher", "RETURN $x", "-w", shop)
    with pytest.raises(InputError, match="not JSON"):
        run("cypher", "RETURN $x", "-p", "x=NaN", "-w", shop)


def test_the_library_is_listed_shown_and_run(shop: Path) -> None:
    assert "best-sellers" in run("query", "list")
    assert "0 queries" in run("query", "list", "zebra")
    shown = run("query", "show", "best-sellers")
    assert "-p category=…  text" in shown
    assert "ORDER BY shoppers DESC" in shown
    printed = run("query", "run", "best-sellers", "-p", "category=Tea", "-p", "limit=1", "--format", "csv", "-w", shop)
    assert printed.splitlines() == ["item,title,shoppers,purchases", "1,Green tea 250 g,3,4"]
    with pytest.raises(NotFoundError, match="did you mean 'best-sellers'"):
        run("query", "run", "best-seler", "-w", shop)


def test_a_question_about_nothing_says_what_there_is(shop: Path) -> None:
    assert run("query", "run", "best-sellers", "-p", "category=drink", "-w", shop).splitlines()[-1] == (
        "category: no category is called 'drink'; there is 'Drinks'"
    )
    assert "; there is 'Coffee'" in run("query", "run", "best-sellers", "-p", "category=Cofee", "-w", shop)
    said = run("query", "run", "shared-values-graph", "-p", "item=99", "-w", shop)
    assert "item: no item has the id '99'" in said
    # The category is there, and nobody buys from it.
    assert run("query", "run", "seasonality", "-p", "category=Garden", "-w", shop).splitlines()[-1] == "0 rows"


def test_ids_are_text(shop: Path) -> None:
    assert "column 24: item_id is text, and the number 1 is equal to none; write '1'" in run(
        "cypher", "MATCH (i:Item) WHERE i.item_id = 1 RETURN i.title", "-w", shop
    )
    assert "the parameter item is a number" in run("cypher", "MATCH (i:Item {item_id: $item}) RETURN i.title", "-p", "item=1", "-w", shop)
    assert "is text" in run("cypher", "MATCH (i:Item) WHERE i.item_id IN [1, 2] RETURN i.title", "-w", shop)
    for good in ("i.item_id = '1'", "i.item_id IN ['1']", "i.price_cents = 1", "size(i.item_id) = 1"):
        assert "is text" not in run("cypher", f"MATCH (i:Item) WHERE {good} RETURN i.title", "-w", shop)


def test_a_table_draws_paths(shop: Path) -> None:
    path = "MATCH p = (:Item)-[:HAS_BRAND]->(b:Brand)<-[r:HAS_BRAND]-(i:Item) WHERE i.item_id = '10' RETURN p, r, [b] AS brands"
    said = run("cypher", path, "-w", shop, "--out", shop / "table.txt")
    assert said == ""
    text = (shop / "table.txt").read_text(encoding="utf-8")
    assert "(item:3 Herbal tea)-[:HAS_BRAND]->(brand:Meadow)<-[:HAS_BRAND]-(item:10 Mint tea 20 g)" in text
    assert "(item:10)-[:HAS_BRAND]->(brand:Meadow)" in text
    assert "│ (brand:Meadow) │" in text


def test_a_wide_table_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_result(QueryResult(("a", "b"), [["x" * 300, None]], False), "table", None)
    assert capsys.readouterr().out.count("x") == 300
