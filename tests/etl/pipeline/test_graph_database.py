"""The graph database holds the published build: through a failed gate, a killed load, a rollback, and while items change."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.cli.app import app
from etl.console import Console
from etl.live.follow import ItemFollower
from etl.pipeline import builds, jobs
from kg.config import load_config
from kg.errors import GateError, GraphUnavailableError
from kg.files.json_file import read_json
from kg.ledger.database import Database
from kg.ledger.item_store import NOT_IN_GRAPH, ItemStore
from kg.ledger.settings import LedgerConfig
from kg.store import GraphDatabase
from kg.workspace import Workspace
from tests.etl.jobs import write_teas

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

PATH = "MATCH (i:Item)-[:HAS_BRAND]->(v:Brand) WHERE i.item_id = $id RETURN v.value"


def environment_of(database: str) -> dict[str, str]:
    if database == "embedded":
        return {}
    if not os.environ.get("RECKON_TEST_NEO4J_URI"):
        pytest.skip("no Neo4j: RECKON_TEST_NEO4J_URI is not set")
    names = {"URI": "", "USER": "neo4j", "PASSWORD": ""}
    return {f"RECKON__GRAPH__{name}": os.environ.get(f"RECKON_TEST_NEO4J_{name}", default) for name, default in names.items()}


class Shop:
    """A shop with a graph database of its own."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.workspace, self.environment = Workspace.open(root), environment

    @property
    def job(self) -> jobs.Job:
        return jobs.Job(self.workspace, load_config(self.workspace.root, self.environment), Console())

    @contextmanager
    def store(self) -> Iterator[GraphDatabase]:
        with self.job.graph() as store:
            yield store

    def brands(self, item_id: str) -> list[str]:
        with self.store() as store:
            return [str(row[0]) for row in store.query(PATH, {"id": item_id}).rows]

    def holds_published(self) -> bool:
        with self.store() as store:
            return store.build_id() == self.workspace.current_id()

    def add(self, item_id: str, brand: str) -> None:
        with (self.workspace.root / "items.csv").open("a") as file:
            file.write(f"{item_id},A tea called {item_id},{brand}\n")

    def settings(self, old: str, new: str) -> None:
        path = self.workspace.root / "reckon.toml"
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture(scope="module", params=["embedded", "neo4j"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with one published build."""
    environment = environment_of(request.param)
    if not environment:
        teas: Workspace = request.getfixturevalue("built_teas")
        return Shop(teas.root, environment)
    shop = Shop(write_teas(tmp_path_factory.mktemp("shop") / "teas").root, environment)
    jobs.rebuild(shop.job)
    return shop


@pytest.fixture
def shop(built: Shop, tmp_path: Path) -> Iterator[Shop]:
    shutil.copytree(built.workspace.root, tmp_path / "shop", symlinks=True)
    shop = Shop(tmp_path / "shop", built.environment)
    yield shop
    if built.environment:
        built.job.restore_graph(str(built.workspace.current_id()))


def test_a_build_that_fails_its_gate_never_enters_the_database(shop: Shop) -> None:
    first = shop.workspace.current_id()
    shop.add("new", "Rejected")
    shop.settings("bootstrap = 0", 'bootstrap = 0\nrequire = ["beats_baselines"]')
    shop.settings('baselines = ["popularity"]', "baselines = []")
    with pytest.raises(GateError, match="no baseline was measured"):
        jobs.rebuild(shop.job)
    assert shop.workspace.current_id() == first
    assert shop.holds_published()
    assert shop.brands("new") == []
    draft = shop.job.draft()
    record = builds.run_record(draft)
    assert (record["status"], record["stage"], record["error"]) == ("failed", "evaluate", "GateError")
    gate = record["gates"]["beats_baselines"]
    assert (gate["passed"], gate["value"], gate["limit"]) == (False, None, 0.0)
    assert record["gates"]["stale_fraction"]["passed"]
    assert read_json(draft / "report.json")["gates"]["beats_baselines"] == gate
    listed = CliRunner().invoke(app, ["builds", "-w", str(shop.workspace.root)]).output
    assert f"{draft.name}  failed" in listed
    assert "failed in evaluate: GateError" in listed
    assert "no baseline was measured" in listed


def test_publish_and_rollback_take_the_database_along(shop: Shop) -> None:
    shop.add("new", "Leafy")
    second, _ = jobs.rebuild(shop.job)
    assert shop.brands("new") == ["Leafy"]
    assert shop.holds_published()
    builds.rollback(shop.workspace)
    assert not shop.holds_published()
    assert shop.job.database.restore_published()
    assert not shop.job.database.restore_published()
    assert shop.holds_published()
    assert shop.brands("new") == []
    jobs.publish(shop.job, second)
    assert shop.holds_published()
    assert shop.brands("new") == ["Leafy"]


def test_what_a_killed_load_left_is_put_right(shop: Shop) -> None:
    """A build that came into the database without being published goes out of it again."""
    from etl.stages import graph_build

    shop.add("new", "Leafy")
    draft = shop.workspace.build(shop.job.run("build"))
    with shop.store() as store:
        store.load(graph_build.saved_tables(draft), draft.name)
        assert store.build_id() == draft.name
    (shop.workspace.graph / "held.json").unlink(missing_ok=True)
    assert not shop.holds_published()
    with shop.job.database.reading() as store:
        assert store.query(PATH, {"id": "new"}).rows == []
    assert shop.holds_published()
    assert not shop.job.database.restore_published()


def test_a_publication_that_was_killed_is_completed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the database took the build and before `current` pointed at it."""
    import etl.pipeline.graph_database

    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    first = shop.workspace.current_id()
    shop.add("new", "Leafy")
    build_id = shop.job.run("evaluate")
    with monkeypatch.context() as patched:
        patched.setattr(etl.pipeline.graph_database, "publish", killed)
        with pytest.raises(KilledError):
            jobs.publish(shop.job, build_id)
    assert shop.workspace.current_id() == first
    with shop.job.database.reading() as store:
        assert store.query(PATH, {"id": "new"}).rows == [["Leafy"]]
    assert shop.workspace.current_id() == build_id
    assert not shop.job.database.restore_published()


def test_an_error_while_publishing_puts_the_published_graph_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import etl.pipeline.graph_database

    first = shop.workspace.current_id()
    shop.add("new", "Leafy")
    build_id = shop.job.run("evaluate")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "current")

    monkeypatch.setattr(etl.pipeline.graph_database, "publish", refused)
    with pytest.raises(PermissionError):
        jobs.publish(shop.job, build_id)
    assert shop.workspace.current_id() == first
    assert shop.holds_published()
    assert shop.brands("new") == []


def test_a_database_that_is_down_does_not_keep_a_build_from_being_published(shop: Shop) -> None:
    shop.add("new", "Leafy")
    reachable, shop.environment = shop.environment, {"RECKON__GRAPH__URI": "bolt://127.0.0.1:1"}
    build_id = shop.job.run("evaluate")
    with pytest.raises(GraphUnavailableError):
        shop.holds_published()
    jobs.publish(shop.job, build_id)
    assert shop.workspace.current_id() == build_id
    shop.environment = reachable
    shop.job.database.restore_published()
    assert shop.brands("new") == ["Leafy"]


def test_a_graph_that_lacks_most_of_the_published_one_is_refused(shop: Shop) -> None:
    path = shop.workspace.root / "items.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
    events = shop.workspace.root / "events.csv"
    events.write_text("user,item,n\nu1,i0,1\nu2,i0,2\n")
    with pytest.raises(GateError, match=r"row_counts: .* fewer, more than 50%"):
        shop.job.run("import")
    shop.settings("bootstrap = 0", 'bootstrap = 0\nwaive = ["row_counts"]')
    with pytest.raises(GateError, match=r"stale_fraction: .* would go: more than 50%"):
        shop.job.run("build")
    assert shop.holds_published()
    shop.settings("[model]", "[graph]\nmax_stale_fraction = 1.0\n\n[model]")
    assert shop.job.run("build")


def test_changed_items_enter_the_published_graph_only(shop: Shop) -> None:
    from etl.stages import graph_build

    path = shop.workspace.ledger
    ledger = Database.open(path, LedgerConfig())
    live = ItemStore(ledger)
    shop.add("new", "Leafy")
    draft = shop.workspace.build(shop.job.run("build"))
    live.append([("fresh", "put", {"title": "Oolong tea 50 g", "brand": "Meadow"})])
    follower = ItemFollower(shop.workspace, load_config(shop.workspace.root, shop.environment))
    try:
        with shop.store() as store:
            store.load(graph_build.saved_tables(draft), draft.name)
            assert store.build_id() == draft.name
            assert follower.step() == 1
            assert [row.in_graph for row in live.live_since(0)] == [NOT_IN_GRAPH]
            assert store.query(PATH, {"id": "fresh"}).rows == []
            follower._restore.stop()
            shop.job.database.put_back(store, str(shop.workspace.current_id()))
            follower._next_graph = 0.0
            follower.step()
            assert [row.in_graph for row in live.live_since(0)] == [shop.workspace.current_id()]
            assert store.query(PATH, {"id": "fresh"}).rows == [["Meadow"]]
            # Written over by the build's own tables, it is written again.
            shop.job.database.put_back(store, str(shop.workspace.current_id()))
            assert [row.in_graph for row in live.live_since(0)] == [NOT_IN_GRAPH]
    finally:
        follower.close()
        ledger.close()


def test_damaged_stages_run_again(shop: Shop) -> None:
    first = str(shop.workspace.current_id())
    folder = shop.workspace.build(first)
    assert shop.job.unchanged() == first
    (folder / "attributes.parquet").write_bytes((folder / "attributes.parquet").read_bytes()[:-1] + b"?")
    assert builds.damaged(folder, "extract") == ["attributes.parquet"]
    second, worked = jobs.rebuild(shop.job)
    assert worked
    records = read_json(shop.workspace.build(second) / "stages.json")
    assert {name: record["reused"] for name, record in records.items()} == {
        "import": True,
        "extract": False,
        "build": False,
        "train": False,
        "evaluate": False,
        "report": False,
    }
    broken = max((shop.workspace.build(second) / "artifact").iterdir(), key=lambda path: path.stat().st_size)
    broken.unlink()
    third, worked = jobs.rebuild(shop.job)
    assert worked
    assert third != second
    assert builds.damaged(shop.workspace.build(third), "train") == []


def test_old_builds_go_and_the_way_back_stays(shop: Shop) -> None:
    first = str(shop.workspace.current_id())
    for n in range(3):
        copy = f"2099010{n + 1}T000000-abcdef"
        shutil.copytree(shop.workspace.build(first), shop.workspace.build(copy))
        builds.publish(shop.workspace, copy)
    abandoned = shop.workspace.build("20980101T000000-abcdef")
    abandoned.mkdir()
    (abandoned / "stages.json").write_text(json.dumps({"import": {}}))
    assert builds.remove_abandoned(shop.workspace) == [abandoned.name]
    assert builds.prune(shop.workspace, 1) == [first, "20990101T000000-abcdef"]
    assert shop.workspace.build_ids() == ["20990102T000000-abcdef", "20990103T000000-abcdef"]
    assert builds.rollback(shop.workspace) == "20990102T000000-abcdef"
    assert builds.prune(shop.workspace, 1) == ["20990103T000000-abcdef"]
