"""A shop without labels: its own fields train an extractor, which reads the titles of the items that lack them; answers train the next one."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.console import Console
from etl.live.file_changes import ChangedItemsReader
from etl.pipeline.jobs import Job
from etl.stages import extraction
from kg.catalog.changes import Change, apply_changes
from kg.catalog.file_changes import ShopRules, parse
from kg.config import load_config
from kg.extract.pipeline import Extractor
from kg.graph.update import Resolver, State, advance
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.conftest import TOML, write_shop
from tests.etl.conftest import Run
from tests.kg.graph.test_delta import assert_equal_graphs

SERIES = ("Aurelia", "Morwen", "Old Mill")
KINDS = ("towel", "robe", "bath mat", "curtain")


def titles(n: int) -> str:
    rows = ["item_id,title,brand,categories,series"]
    for number in range(n):
        series = SERIES[number % 3]
        stated = series if number % 4 else ""
        rows.append(f"t{number:03},{KINDS[number % 4]} {series.lower()} no {number},Bathco,Bath>Towels,{stated}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with 160 items of which a quarter lack the series, and its extractor."""
    from etl.extract.training import train_shop

    toml = TOML.replace('brand = "brand"', 'brand = "brand", series = "series"')
    folder = write_shop(
        tmp_path_factory.mktemp("learned") / "shop", items=titles(160), events="user,item,kind,at\nu,t001,view,2024-01-01T10:00:00\n", toml=toml
    )
    train_shop(_job(folder), minutes=1)
    return folder


def _job(folder: Path) -> Job:
    workspace = Workspace.open(folder)
    return Job(workspace, load_config(workspace.root, {}), Console())


def test_items_that_lack_a_field_get_it_from_their_title_as_the_shop_writes_it(trained: Path) -> None:
    job = _job(trained)
    build = job.workspace.build(job.run("extract"))
    facts = pl.read_parquet(build / "attributes.parquet").filter(pl.col("relation") == "has_series")
    learned = facts.filter(pl.col("extractor") == "learned").sort("item_id")
    silent = [number for number in range(160) if number % 4 == 0]
    assert learned["item_id"].to_list() == [f"t{number:03}" for number in silent]
    stated = facts.filter(pl.col("extractor") == "catalog")["value"].unique()
    assert set(learned["value"]) <= set(stated)
    assert (learned["confidence"] >= 0.6).all()
    items = pl.read_parquet(build / "catalog" / "items.parquet").select("item_id", "title")
    for title, start, end, surface in learned.join(items, on="item_id").select("title", "start", "end", "surface").iter_rows():
        assert title[start:end] == surface


def test_the_switch_turns_it_off_and_the_stage_runs_again(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _job(trained)
    with_learned = first.fingerprints()["extract"]
    off = Job(first.workspace, load_config(first.workspace.root, {"RECKON__EXTRACT__LEARNED": "false"}), Console())
    assert off.fingerprints()["extract"] != with_learned
    build = off.workspace.build(off.run("extract"))
    assert not pl.read_parquet(build / "attributes.parquet").filter(pl.col("extractor") == "learned").height


def test_review_lists_takes_answers_and_the_next_training_learns_them(trained: Path, run: Run) -> None:
    _job(trained).run("extract")
    code, out, _ = run("extract", "review", "-w", trained, "--limit", 3, "--json")
    assert code == 0
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert run("extract", "review", "-w", trained, "--accept", first["id"], "--reject", second["id"], "--by", "ann")[0] == 0
    again = [json.loads(line)["id"] for line in run("extract", "review", "-w", trained, "--json")[1].splitlines()]
    assert first["id"] not in again
    assert third["id"] in again
    code, _, err = run("extract", "review", "-w", trained, "--accept", first["id"])
    assert code == 5
    assert first["id"] in err
    assert run("extract", "train", "-w", trained, "--minutes", 1)[0] == 0


RULES = ShopRules(frozenset())
RESOLVER = Resolver()
SOME = 14
"""Items of the shop that changes: so few that a change can turn how the shop mostly writes a value."""
CHANGES = st.lists(
    st.one_of(
        st.builds(
            lambda number, values: parse({"op": "upsert_item", "item_id": f"t{number:03}", **values}, RULES),
            st.integers(0, SOME),
            st.fixed_dictionaries(
                {},
                optional={
                    "title": st.sampled_from(["robe aurelia no 7", "towel MORWEN no 900", "Old Mill", "towel"]),
                    "series": st.sampled_from(["Aurelia", "AURELIA", "Morwen", "morwen", None]),
                    "categories": st.sampled_from([["Bath", "Towels"], ["Garden"], []]),
                    "brand": st.sampled_from(["Bathco", "Aurelia", None]),
                },
            ),
        ),
        st.builds(lambda number: parse({"op": "delete_item", "item_id": f"t{number:03}"}, RULES), st.integers(0, SOME)),
    ),
    max_size=8,
)


def _whole(job: Job, catalog: Catalog) -> State:
    facts = Extractor("en").extract(catalog.items)
    read = extraction.learned(job.workspace, job.config, catalog.items, facts)
    assert read is not None
    return State.of(catalog, pl.concat([facts, read.certain]), RESOLVER)


def _small(job: Job) -> Catalog:
    catalog = Catalog.read(job.workspace.build(job.run("extract")) / "catalog")
    items = catalog.items.filter(pl.col("item_id") < f"t{SOME:03}")
    return Catalog(items, catalog.interactions.filter(pl.col("item_id").is_in(items["item_id"].to_list())), triples=catalog.triples)


def _assert_as_a_rebuild(job: Job, before: State, changes: list[Change]) -> State:
    after, _ = advance(before, changes, (), RESOLVER, ChangedItemsReader(job))
    expected = _whole(job, apply_changes(before.knowledge.catalog, changes))
    assert_equal_graphs(after.knowledge.tables(), expected.knowledge.tables())
    return after


def test_a_change_leaves_the_graph_of_a_full_build_that_reads_with_the_extractor(trained: Path) -> None:
    job = _job(trained)
    base = _whole(job, _small(job))

    @settings(max_examples=25, deadline=None)
    @given(CHANGES, CHANGES)
    def check(first: list[Change], second: list[Change]) -> None:
        _assert_as_a_rebuild(job, _assert_as_a_rebuild(job, base, first), second)

    check()


def test_readings_follow_how_the_shop_mostly_writes_a_value(trained: Path) -> None:
    job = _job(trained)
    base = _whole(job, _small(job))
    shouted = [parse({"op": "upsert_item", "item_id": f"t{number:03}", "series": "AURELIA"}, RULES) for number in (3, 6, 9)]
    after = _assert_as_a_rebuild(job, base, shouted)
    for state, written in ((base, "Aurelia"), (after, "AURELIA")):
        read = state.knowledge.attributes.filter((pl.col("extractor") == "learned") & (pl.col("item_id") == "t000"))
        assert read["value"].to_list() == [written]
