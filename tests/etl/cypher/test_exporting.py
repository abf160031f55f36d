"""`reckon export --query`: the rows of a question in every format, read back by other programs."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest

from etl.cypher.output import rows_into, write_result
from etl.export.exporters import ExportOptions
from etl.export.row_formats import ROW_FORMATS, rows_table
from kg.errors import InputError, LimitError, NotFoundError
from kg.store import QueryResult
from tests.etl.conftest import Run
from tests.kg.store.analyst_shop import BUILD

SUBSTITUTES = [
    {"item": "9", "title": "Green tea 250 g", "shared": 4, "values": ["250 g", "Drinks", "Leafy", "Tea"]},
    {"item": "2", "title": "Black tea 500 g", "shared": 3, "values": ["Drinks", "Leafy", "Tea"]},
]


def written(run: Run, shop: Path, out: Path, *arguments: object) -> Path:
    code, said, err = run("export", *arguments, "--out", out, "-w", shop)
    assert (code, err) == (0, "")
    assert f"build {BUILD}" in said
    return out


def test_the_rows_of_a_question_are_exported(run: Run, shop: Path, tmp_path: Path) -> None:
    asked = ["--query", "substitutes", "-p", "item=1", "-p", "limit=2"]
    frame = pl.read_ndjson(written(run, shop, tmp_path / "s.jsonl", *asked, "--format", "jsonl"))
    assert frame.to_dicts() == SUBSTITUTES
    table = pl.read_csv(written(run, shop, tmp_path / "s.csv", *asked, "--format", "csv"), schema_overrides={"item": pl.String})
    columns = pl.read_parquet(written(run, shop, tmp_path / "s.parquet", *asked, "--format", "parquet"))
    assert table.equals(columns)
    assert [{**row, "values": json.loads(row["values"])} for row in columns.to_dicts()] == SUBSTITUTES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.csv", "s.jsonl", "s.parquet"]


def test_paths_become_a_graph(run: Run, shop: Path, tmp_path: Path) -> None:
    out = written(run, shop, tmp_path / "tea.graphml", "--query", "category-graph", "-p", "category=Tea", "--format", "graphml")
    graph = nx.read_graphml(out)
    assert graph.is_directed()
    teas = {node for node, data in graph.nodes(data=True) if data["type"] == "item"}
    assert teas == {f"item:{n}" for n in (1, 2, 3, 4, 9, 10)}
    assert graph.nodes["item:1"] | {"build_id": ""} == {
        **{"type": "item", "label": "Item", "item_id": "1", "title": "Green tea 250 g", "price_cents": 349},
        **{"available": True, "build_id": ""},
    }
    assert graph.edges["item:1", "weight:250 g"]["type"] == "HAS_WEIGHT"
    assert graph.edges["item:1", "weight:250 g"]["confidence"] == 0.9
    assert set(graph.predecessors("brand:Leafy")) == {"item:1", "item:2", "item:4", "item:9"}
    # Twelve categories, six brands, five weights and two flavors of six teas, each once though paths share nodes.
    assert graph.number_of_edges() == 25


def test_what_cannot_be_exported_is_said(run: Run, shop: Path, tmp_path: Path) -> None:
    def refused(*arguments: object) -> tuple[int, str]:
        code, _, err = run("export", *arguments, "--out", tmp_path / "out", "-w", shop)
        assert list(tmp_path.iterdir()) == []
        return code, " ".join(err.replace("│", " ").split())

    asked = ("--query", "best-sellers", "-p", "category=Tea")
    code, err = refused(*asked, "--format", "graphml")
    assert code == InputError.exit_code
    assert "the rows hold no nodes" in err
    assert "csv, jsonl or parquet" in err
    assert "a format of builds" in refused(*asked, "--format", "recbole")[1]
    assert "need --query" in refused("--format", "jsonl")[1]
    assert "-p is for --query" in refused("--format", "graphml", "-p", "x=1")[1]
    assert "do not go together" in refused(*asked, "--format", "csv", "--build", BUILD)[1]
    assert "--escape-formulas is for csv" in refused(*asked, "--format", "jsonl", "--escape-formulas")[1]
    assert refused("--query", "best-seler", "--format", "csv")[0] == NotFoundError.exit_code
    assert "category (text) has no value" in refused("--query", "best-sellers", "--format", "csv")[1]


@pytest.mark.parametrize("name", ROW_FORMATS.names())
def test_a_format_begins_anew_and_leaves_nothing_of_a_failure(tmp_path: Path, name: str) -> None:
    form, node = ROW_FORMATS.get(name), {"id": "item:1", "labels": ["Item"], "properties": {"title": "<a & b>\r\n\x00"}}
    with rows_into(tmp_path / "once", form, ExportOptions()) as sink:
        sink.begin(("a",))
        sink.row([node])
    with rows_into(tmp_path / "anew", form, ExportOptions()) as sink:
        sink.begin(("b", "c"))
        sink.row([{**node, "id": "item:2"}, "void"])
        sink.begin(("a",))
        sink.row([node])
    assert (tmp_path / "once").read_bytes() == (tmp_path / "anew").read_bytes()
    with suppress(LimitError), rows_into(tmp_path / "cut", form, ExportOptions()) as sink:
        sink.begin(("a",))
        raise LimitError("too long")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["anew", "once"]


def of(*rows: list[Any], columns: str = "a b") -> QueryResult:
    return QueryResult(tuple(columns.split()), list(rows), truncated=False)


def test_values_keep_their_types(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[1, "=1+1"], [2.5, None], [None, True]]
    write_result(of(*rows), "parquet", tmp_path / "r")
    frame = pl.read_parquet(tmp_path / "r")
    assert frame.schema == {"a": pl.Float64, "b": pl.String}
    assert frame.rows() == [(1.0, '"=1+1"'), (2.5, None), (None, "true")]
    write_result(of(), "parquet", tmp_path / "none")
    assert pl.read_parquet(tmp_path / "none").columns == ["a", "b"]
    many: list[list[Any]] = [[n, str(n)] for n in range(25_000)]
    write_result(of(*many), "parquet", tmp_path / "many")
    assert pl.read_parquet(tmp_path / "many").rows() == [(n, text) for n, text in many]
    with rows_into(tmp_path / "e.csv", ROW_FORMATS.get("csv"), ExportOptions(escape_formulas=True)) as sink:
        sink.begin(("a", "b"))
        sink.row(rows[0])
    assert (tmp_path / "e.csv").read_text() == "a,b\n1,'=1+1\n"


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_columns_of_the_same_name_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="several columns are called 'a'"):
        write_result(of([1, 2], columns="a a"), name, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_edges_need_their_ends(tmp_path: Path) -> None:
    edge: dict[str, Any] = {"type": "HAS_BRAND", "start": "item:1", "end": None, "properties": {}}
    with pytest.raises(InputError, match="comes without the nodes"):
        write_result(of([edge], columns="a"), "graphml", tmp_path / "out")
    item = {"id": "item:1", "labels": ["Item"], "properties": {}}
    with pytest.raises(InputError, match="'brand:x', which the query does not return"):
        write_result(of([{**edge, "end": "brand:x"}, [item]]), "graphml", tmp_path / "out")


def test_the_page_lists_every_format() -> None:
    page = Path(__file__).parents[3] / "docs" / "cypher.md"
    assert rows_table() in page.read_text(encoding="utf-8"), "put what rows_table() returns into docs/cypher.md"
