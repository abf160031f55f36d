"""Exports: what was imported, exported and imported again is the same, as far as a format can carry it."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.clean.config import CleanConfig
from etl.console import Console
from etl.export.exporters import EXPORTERS, exports_table
from etl.export.formats import cypher_script, gorse, graphml, recbole, tables
from etl.pipeline import jobs
from etl.settings import SourceConfig
from etl.sources.importer import import_sources
from kg import schema
from kg.config import load_config
from kg.errors import InputError
from kg.extract.text import plain
from kg.files.atomic import whole_folder
from kg.graph.build import build_graph
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog, GraphTables, empty
from kg.validation.ids import normalized
from kg.validation.placeholders import says_nothing
from kg.workspace import Workspace
from tests.etl.conftest import Run

AS_IT_IS = CleanConfig(duplicates=False, outlier_z=0, bot_events_per_hour=0, service_lines=False)
SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Import trims cells and reads an empty one as none: texts are as an import leaves them.


def means(text: str) -> bool:
    """Say whether an importer takes a text for a value, as it stands: not for a placeholder, a list or an object, nor for markup ("&LT;")."""
    return not says_nothing(text, "categories") and text[0] not in "[{" and plain(text) == text


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=6).map(normalized).filter(means)
texts = st.lists(words, min_size=1, max_size=3).map(" ".join)
values = st.lists(texts, max_size=3, unique=True)
ids = st.lists(words, min_size=1, max_size=5, unique=True)
cents = st.none() | st.integers(0, 10**9)
times = st.none() | st.integers(0, 2**33).map(lambda quarters: quarters / 4)


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    """A small shop of any texts."""
    item_ids, user_ids = draw(ids), draw(ids)
    items = [
        {
            **{"item_id": item_id, "title": draw(st.none() | texts), "description": draw(st.none() | texts), "brand": draw(st.none() | texts)},
            **{
                "categories": draw(values),
                "price_cents": draw(cents),
                "available": draw(st.booleans()),
                "color": draw(values),
                "size_eu": draw(values),
            },
        }
        for item_id in item_ids
    ]
    schema = pl.Schema(
        {
            **dict.fromkeys(("item_id", "title", "description", "brand"), pl.String()),
            "categories": pl.List(pl.String),
            "price_cents": pl.Int64(),
            "available": pl.Boolean(),
            "color": pl.List(pl.String),
            "size_eu": pl.List(pl.String),
        }
    )
    event = st.tuples(
        *(st.sampled_from(user_ids), st.sampled_from(item_ids), st.sampled_from(["view", "purchase", "wish_list"])),
        *(times, st.integers(1, 9).map(float), st.none() | st.integers(-4, 10).map(float), cents),
    )
    events = pl.DataFrame(draw(st.lists(event, min_size=1, max_size=6)), schema=dict(INTERACTION_COLUMNS), orient="row")
    users = pl.DataFrame({"user_id": user_ids, "city": [draw(values) for _ in user_ids]}, schema={"user_id": pl.String, "city": pl.List(pl.String)})
    return Catalog(pl.DataFrame(items, schema=schema), events, users)


def graph_of(catalog: Catalog) -> GraphTables:
    """Return a graph of the catalogue: its colours as they stand, without reading texts."""
    facts = catalog.items.select("item_id", value="color").explode("value").drop_nulls()
    table = pl.concat([empty(ATTRIBUTE_COLUMNS), facts.with_columns(relation=pl.lit("has_color"), confidence=pl.lit(1.0))], how="diagonal")
    return build_graph(catalog, table)


def again(folder: Path, *sources: dict[str, Any]) -> Catalog:
    declared = [SourceConfig.model_validate(source) for source in sources]
    imported = import_sources(folder, declared, clean=AS_IT_IS, now=1e12)
    assert imported.n_rejected == 0
    return imported.catalog


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def filled(frame: pl.DataFrame) -> dict[str, list[Any]]:
    """Return a table without the attributes that no row has: neither format says that there could be some."""
    return {name: series.to_list() for name, series in frame.to_dict().items() if series.dtype != pl.List(pl.String) or series.list.len().sum()}


@given(catalogs())
@SLOW
def test_recbole_carries_the_catalogue(tmp_path: Path, catalog: Catalog) -> None:
    folder = fresh(tmp_path / "out")
    graph = graph_of(catalog)
    recbole.write_recbole(catalog, graph, folder, "s")
    # Times of any size stand beside one another here, so that the column cannot show its unit.
    events = {"table": "interactions", "path": "s.inter", "time_format": "seconds"}
    sources = [{"table": "items", "path": "s.item"}, {"table": "users", "path": "s.user"}, events]
    with_graph = any(source != "user" for source, _, _ in graph.edges)
    read = again(folder, *sources, *([{"table": "triples", "path": "s.kg", "link": "s.link"}] if with_graph else []))
    assert filled(read.items) == filled(catalog.items)
    assert filled(read.users) == filled(catalog.users)
    assert read.interactions.rows() == catalog.interactions.rows()
    stated = {(h, r, t) for (_, r, _), frame in graph.edges.items() if r == "has_color" for h, t in frame.select("source", "target").iter_rows()}
    assert {(row["head"], row["relation"], row["tail"]) for row in read.triples.to_dicts()} == stated


@given(catalogs())
@SLOW
def test_gorse_carries_all_but_quantities_and_prices_of_events(tmp_path: Path, catalog: Catalog) -> None:
    folder = fresh(tmp_path / "out")
    gorse.write_gorse(catalog, folder)
    paths = zip(("items", "users", "interactions"), gorse.FILES, strict=True)
    read = again(folder, *({"table": table, "path": path, "format": "gorse"} for table, path in paths))
    assert filled(read.items) == filled(catalog.items)
    assert filled(read.users) == filled(catalog.users)
    carried = ["user_id", "item_id", "kind", "time", "rating"]
    assert read.interactions.select(carried).rows() == catalog.interactions.select(carried).rows()


def contents(graph: GraphTables) -> tuple[dict[str, list[dict[str, Any]]], dict[tuple[str, str, str], list[dict[str, Any]]]]:
    return {name: frame.to_dicts() for name, frame in graph.nodes.items()}, {name: frame.to_dicts() for name, frame in graph.edges.items()}


def said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


@given(catalogs())
@SLOW
def test_graphml_carries_the_graph(tmp_path: Path, catalog: Catalog) -> None:
    graph = graph_of(catalog)
    graphml.write_graphml(graph, tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml", force_multigraph=True)
    nodes, edges = contents(graph)
    expected = {f"{kind}:{row['key']}": {**said(row), "type": kind} for kind, rows in nodes.items() for row in rows}
    assert dict(read.nodes(data=True)) == expected
    assert read.number_of_edges() == graph.n_edges
    for (source, relation, target), rows in edges.items():
        for row in rows:
            between = read.get_edge_data(f"{source}:{row.pop('source')}", f"{target}:{row.pop('target')}").values()
            [found] = [edge for edge in between if edge["type"] == schema.relation(relation).type]
            assert {name: value for name, value in found.items() if name not in ("type", "id")} == said(row)
    ids = [edge_id for _, _, edge_id in read.edges(keys=True)]
    assert len(set(ids)) == len(ids)


@given(catalogs())
@SLOW
def test_csv_carries_the_graph_and_can_be_imported_as_triples(tmp_path: Path, catalog: Catalog) -> None:
    folder = fresh(tmp_path / "out")
    graph = graph_of(catalog)
    tables.write_tables(graph, folder)
    for node_type, frame in graph.nodes.items():
        assert pl.read_csv(folder / "nodes" / f"{node_type}.csv", schema=frame.schema).rows() == frame.rows()
    catalog.items.select("item_id").write_csv(folder / "items.csv")
    for (source, relation, target), frame in graph.edges.items():
        columns = {"head": "head", "relation": "relation", "tail": "tail"}
        edges = {"table": "triples", "path": f"edges/{source}-{relation}-{target}.csv", "columns": columns}
        read = again(folder, {"table": "items", "path": "items.csv", "columns": {"item_id": "item_id"}}, edges)
        expected = [(source, row["source"], relation, target, row["target"]) for row in frame.iter_rows(named=True)]
        assert read.triples.rows() == expected


@given(st.text() | st.lists(st.none() | st.text()) | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_cypher_literal_is_the_value(value: Any) -> None:
    """Cypher's escapes are among Python's, so Python reads what the script says."""
    said = cypher_script.literal(value)
    assert len(said.splitlines()) == 1
    for name, python in (("null", "None"), ("true", "True"), ("false", "False")):
        if said == name:
            said = python
    if isinstance(value, list):
        said = f"[{', '.join('None' if each is None else cypher_script.literal(each) for each in value)}]"
    assert ast.literal_eval(said) == value


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a build as far as its graph's tables, made current."""
    from tests.conftest import write_shop

    workspace = Workspace.open(write_shop(tmp_path_factory.mktemp("export") / "shop"))
    job = jobs.Job(workspace, load_config(workspace.root, {}), Console())
    build = workspace.build(job.run("import"))
    from etl.stages import graph_build

    # What texts say is extraction's business: two facts stand for it.
    facts = {"item_id": ["1", "2"], "relation": ["has_brand"] * 2, "value": ["Leafy"] * 2, "confidence": [1.0] * 2, "extractor": ["catalog"] * 2}
    pl.concat([empty(ATTRIBUTE_COLUMNS), pl.DataFrame(facts)], how="diagonal").write_parquet(build / "attributes.parquet")
    graph_build.tables_of(workspace, job.config, build)
    workspace.current.symlink_to(build.name)
    return workspace


@pytest.mark.parametrize("file_format", EXPORTERS.names())
def test_every_format_is_a_command(run: Run, published: Workspace, tmp_path: Path, file_format: str) -> None:
    out = tmp_path / "out"
    code, told, err = run("export", "--format", file_format, "--out", out, "-w", published.root)
    assert (code, err) == (0, "")
    assert "wrote" in told
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    if out.is_dir():
        assert run("export", "--format", file_format, "--out", out, "-w", published.root)[0] == InputError.exit_code
        if file_format == "recbole":
            assert sorted(path.name for path in out.iterdir()) == [f"tea-shop.{end}" for end in ("inter", "item", "kg", "link", "user")]
    else:
        assert run("export", "--format", file_format, "--out", tmp_path, "-w", published.root)[0] == InputError.exit_code


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    catalog = Catalog(pl.concat([empty(ITEM_COLUMNS), pl.DataFrame({"item_id": ["a\tb"]})], how="diagonal"))
    with pytest.raises(InputError, match=r"holds a tab"), whole_folder(tmp_path / "out") as folder:
        recbole.write_recbole(catalog, GraphTables({}, {}), folder, "s")
    assert list(tmp_path.iterdir()) == []


def test_the_script_says_every_statement_once(published: Workspace, tmp_path: Path) -> None:
    from etl.stages import graph_build

    graph = graph_build.saved_tables(published.build(published.current_id() or ""))
    cypher_script.write_cypher(graph, tmp_path / "g.cypher")
    lines = (tmp_path / "g.cypher").read_text().splitlines()
    assert all(line.endswith(";") for line in lines)
    assert len(lines) == 2 * len(graph.nodes) + len(graph.edges)
    assert lines[0].startswith("CREATE CONSTRAINT")


def test_the_help_and_the_docs_list_every_format(run: Run) -> None:
    code, told, _ = run("export", "--help")
    assert code == 0
    assert ", ".join(EXPORTERS.names()) in " ".join(told.split())
    page = Path(__file__).parents[3] / "docs" / "import.md"
    assert exports_table() in page.read_text(encoding="utf-8"), "put what exports_table() returns into docs/import.md"


def test_an_unknown_format_says_which_was_meant(run: Run, published: Workspace, tmp_path: Path) -> None:
    code, _, err = run("export", "--format", "grafml", "--out", tmp_path / "out", "-w", published.root)
    assert code == 2
    assert "did you mean 'graphml'" in " ".join(err.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []
