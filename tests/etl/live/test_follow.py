"""The reader of changed items, step by step in this process, without a graph database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.console import Console
from etl.live.follow import ItemFollower
from etl.live.live_items import Build, ItemReader, facts_of
from etl.pipeline import jobs
from kg.catalog.item_changes import fields_of
from kg.config import load_config
from kg.extract.pipeline import Extractor
from kg.files.json_file import write_json
from kg.ledger.database import Database
from kg.ledger.item_store import NOT_IN_GRAPH, ItemStore
from kg.ledger.settings import LedgerConfig
from kg.resolve.merges import Resolution
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.conftest import write_shop

NOWHERE = {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small shop with the tables of a build, as if it were published."""
    workspace = Workspace.open(write_shop(tmp_path_factory.mktemp("follow") / "shop"))
    config = load_config(workspace.root, NOWHERE)
    build_id = jobs.Job(workspace, config, Console()).run("extract")
    build = workspace.build(build_id)
    (build / "resolution").mkdir()
    Resolution().write(build / "resolution")
    write_json(build / "resolution" / "facts.json", {"facts": []})
    workspace.current.symlink_to(build_id)
    return workspace


@pytest.fixture
def follower(workspace: Workspace, tmp_path: Path) -> Iterator[tuple[ItemFollower, ItemStore]]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    database = Database.open(tmp_path / "ledger.db", LedgerConfig())
    follower = ItemFollower(workspace, load_config(workspace.root, {**NOWHERE, "RECKON__LEDGER__URL": url}))
    yield follower, ItemStore(database)
    follower.close()
    database.close()


def test_items_read_alone_have_the_facts_that_a_build_gives_them(workspace: Workspace) -> None:
    folder = workspace.build(str(workspace.current_id()))
    build, reader = Build.read(folder), ItemReader(load_config(workspace.root, {}))
    items = {str(row["item_id"]): fields_of(row) for row in Catalog.read(folder / "catalog").items.iter_rows(named=True)}
    alone = {item_id: facts_of(reader.tables(build, {item_id: fields}, ()))[item_id] for item_id, fields in items.items()}
    together = facts_of(reader.tables(build, items, ()))
    assert alone == together
    read = {(row["item_id"], row["relation"], row["value"]) for row in build.attributes.to_dicts()}
    assert {(item_id, fact["relation"], fact["value"]) for item_id, facts in alone.items() for fact in facts} == read


def test_changes_are_read_in_order_once_and_deletions_kept(follower: tuple[ItemFollower, ItemStore]) -> None:
    reader, store = follower
    assert reader.step() == 0
    store.append([("new", "put", {"title": "Oolong tea 50 g", "brand": "Leafy"}), ("8", "delete", {}), ("2", "patch", {"brand": "Meadow"})])
    assert reader.step() == 3
    assert reader.step() == 0
    rows = {row.item_id: row for row in store.live_since(0)}
    assert rows["8"].deleted
    assert ("has_brand", "Meadow") in {(fact["relation"], fact["value"]) for fact in rows["2"].facts}
    assert {("has_brand", "Leafy"), ("has_weight", "50 g")} <= {(fact["relation"], fact["value"]) for fact in rows["new"].facts}
    assert {row.in_graph for row in rows.values()} == {NOT_IN_GRAPH}
    assert store.live_upto() == 3


def test_an_item_that_cannot_be_read_keeps_no_other_waiting(follower: tuple[ItemFollower, ItemStore], monkeypatch: pytest.MonkeyPatch) -> None:
    reader, store = follower
    extract = Extractor.extract

    def failing(self: Extractor, items: Any, *args: Any, **options: Any) -> Any:
        if "bad" in items["item_id"].to_list():
            raise ValueError("a text that no rule foresaw")
        return extract(self, items, *args, **options)

    monkeypatch.setattr(Extractor, "extract", failing)
    store.append([("good", "put", {"title": "Tea 1 kg"}), ("bad", "put", {"title": "?"}), ("fine", "put", {"title": "Tea 2 kg"})])
    while store.live_upto() < 3:
        reader.step()
    facts = {row.item_id: len(row.facts) for row in store.live_since(0)}
    assert facts["bad"] == 0
    assert facts["good"] > 0
    assert facts["fine"] > 0
