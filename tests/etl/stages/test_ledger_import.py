"""A rebuild takes in what the ledger holds, up to a mark; an unchanged ledger is nothing to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import Result

from etl.pipeline import builds, jobs
from etl.stages import ledger_import
from gnn.artifact.artifact import load_artifact
from kg.catalog.records import StoredEvent
from kg.errors import LedgerUnavailableError, NotFoundError
from kg.files.json_file import read_json
from kg.ledger.database import Database
from kg.ledger.event_store import EventStore
from kg.ledger.settings import LedgerConfig
from kg.ledger.user_store import UserStore
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.etl.jobs import job_of
from tests.ledgers import sent_event

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def append(workspace: Workspace, *events: StoredEvent) -> None:
    database = Database.open(workspace.ledger, LedgerConfig())
    EventStore(database).append(events)
    database.close()


@pytest.fixture
def workspace(shop: Path) -> Workspace:
    return Workspace.open(shop)


def test_import_adds_events_and_declarations(workspace: Workspace) -> None:
    files = job_of(workspace).run("import")
    before = Catalog.read(workspace.build(files) / "catalog")
    append(
        workspace,
        sent_event("a", "new", "1", "purchase", 1.7e9, 2.0, None, 399),
        sent_event("b", "u", "2", "rating", 1.7e9, value=4.0),
        sent_event("c", "u", None, "search", 1.7e9),
        sent_event("d", "u", "gone", "view", 1.7e9),
    )
    database = Database.open(workspace.ledger, LedgerConfig())
    UserStore(database).put({"new": {"city": ["Oslo"]}, "u": {"likes": ["tea", "jazz"]}})
    database.close()
    build = workspace.build(job_of(workspace).run("import"))
    assert build.name != files
    catalog = Catalog.read(build / "catalog")
    added = catalog.interactions.join(before.interactions, on=["user_id", "item_id", "kind", "time"], how="anti").rows()
    assert added == [("new", "1", "purchase", 1.7e9, 2.0, None, 399), ("u", "2", "rating", 1.7e9, 1.0, 4.0, None)]
    assert {row["user_id"]: (row["city"], row["likes"]) for row in catalog.users.to_dicts()} == {"new": (["Oslo"], []), "u": ([], ["tea", "jazz"])}
    counts = builds.stage_records(build)["import"]["counts"]
    assert counts["sources"]["ledger"] == {"rows": 4, "good": 2, "flagged": 0, "empty": 1, "rejected": 1}
    assert counts["ledger"] == {"events_seq": 4, "users_revision": 2, "catalogue_seq": 0}
    # It is told, and fails nothing.
    assert builds.n_rejected(build) == 0
    (line,) = map(json.loads, workspace.rejects.read_text().splitlines())
    assert (line["file"], line["line"], line["value"]) == ("ledger", 4, "gone")


def test_a_draft_is_finished_with_the_events_it_began_with(workspace: Workspace) -> None:
    append(workspace, sent_event("a", "new", "1", "view", 1.7e9))
    first = job_of(workspace).run("extract")
    append(workspace, sent_event("b", "new", "2", "view", 1.7e9))
    assert job_of(workspace).run("extract") == first
    assert read_json(workspace.build(first) / "stages.json")["import"]["counts"]["ledger"]["events_seq"] == 1
    # Asked to import, it imports what is there now.
    assert job_of(workspace).run("import") != first


def test_files_declarations_and_the_ledgers_are_joined() -> None:
    import polars as pl

    users = pl.DataFrame({"user_id": ["a", "b"], "city": [["Oslo"], ["Bergen"]], "age": [["40"], ["30"]]})
    joined = ledger_import._with_declared(users, {"b": {"city": ["Paris"]}, "c": {"likes": ["tea"]}})
    rows = {row.pop("user_id"): row for row in joined.to_dicts()}
    assert rows == {
        "a": {"city": ["Oslo"], "age": ["40"], "likes": []},
        "b": {"city": ["Paris"], "age": ["30"], "likes": []},
        "c": {"city": [], "age": [], "likes": ["tea"]},
    }


def test_where_the_files_count_the_ledgers_events_follow() -> None:
    import polars as pl

    events = pl.DataFrame({"seq": [1, 2], "time": [1.7e9, 1.6e9]})
    assert ledger_import._ordered(events, ledger_import.order_base(pl.Series([3.0, 9.0, None])))["time"].to_list() == [10.0, 11.0]
    for files in ([1.5e9], [None]):
        assert ledger_import._ordered(events, ledger_import.order_base(pl.Series(files, dtype=pl.Float64)))["time"].to_list() == [1.7e9, 1.6e9]


def test_without_its_ledger_a_build_is_not_begun(workspace: Workspace) -> None:
    with pytest.raises(LedgerUnavailableError):
        jobs.rebuild(job_of(workspace, RECKON__LEDGER__URL="postgresql://u:p@127.0.0.1:1/none"))


def test_no_ledger_is_made_by_building(workspace: Workspace) -> None:
    job_of(workspace).run("import")
    assert not workspace.ledger.exists()


def test_the_artifact_carries_the_mark_and_an_unchanged_ledger_is_nothing_to_do(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "reckon.toml").write_text(
        "[model]\nfactors = 4\nfactor_iterations = 2\n[evaluate]\nbootstrap = 0\nablations = false\nexplanations = false\nbaselines = []\n"
        '[[source]]\ntable = "items"\npath = "items.csv"\ncolumns = { item_id = "id", title = "title" }\n'
        '[[source]]\ntable = "interactions"\npath = "events.csv"\ncolumns = { user_id = "user", item_id = "item" , time = "n" }\nkind = "purchase"\n'
    )
    (root / "items.csv").write_text("id,title\n" + "".join(f"i{n},Tea {n}\n" for n in range(8)))
    rows = [(user, (user * 5 + step) % 8, 1.6e9 + step) for user in range(6) for step in range(4)]
    (root / "events.csv").write_text("user,item,n\n" + "".join(f"u{user},i{item},{n}\n" for user, item, n in rows))
    workspace = Workspace.open(root)
    append(workspace, *(sent_event(f"e{n}", "late", f"i{n}", "purchase", 1.7e9 + n) for n in range(3)))
    build_id, worked = jobs.rebuild(job_of(workspace))
    assert worked
    artifact = load_artifact(workspace.build(build_id) / "artifact")
    assert artifact.events_seq == 3
    assert "late" in artifact.user_nums
    assert jobs.rebuild(job_of(workspace)) == (build_id, False)
    append(workspace, sent_event("e9", "late", "i5", "view", 1.7e9))
    assert job_of(workspace).unchanged() is None


def test_import_takes_in_changes_of_items_and_what_the_files_say_of_them(workspace: Workspace) -> None:
    from kg.ledger.item_store import ItemStore

    database = Database.open(workspace.ledger, LedgerConfig())
    store = ItemStore(database)
    store.append([("new", "put", {"title": "Oolong 50 g", "brand": "Leafy"}), ("gone", "put", {"title": "Short-lived"}), ("gone", "delete", {})])
    store.append([("8", "delete", {}), ("2", "patch", {"available": False})])
    database.close()
    with (workspace.root / "events.csv").open("a", encoding="utf-8") as file:
        # The shop's files may name items that it told the API alone, and such as it has deleted since.
        file.write("u,new,purchase,2024-02-01T10:00:00\nu,gone,view,2024-02-01T10:00:00\n")
    build = workspace.build(job_of(workspace).run("import"))
    catalog = Catalog.read(build / "catalog")
    assert set(catalog.items["item_id"]) == {"1", "2", "3", "4", "5", "6", "7", "new"}
    assert catalog.items.filter(item_id="2")["available"].to_list() == [False]
    assert catalog.interactions.filter(item_id="new").height == 1
    assert not {"8", "gone"} & set(catalog.interactions["item_id"])
    assert builds.n_rejected(build) == 0
    assert builds.stage_records(build)["import"]["counts"]["ledger"]["catalogue_seq"] == 5


def test_status_and_export(workspace: Workspace, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from etl.cli.app import app

    def reckon(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["ledger", *arguments, "-w", str(workspace.root)])

    assert isinstance(reckon("status").exception, NotFoundError)
    append(workspace, sent_event("a", "u", "1", "view", 1.7e9, properties={"p": 1}), sent_event("b", "u", None, "search", 1.7e9))
    told = reckon("status").output
    assert "2 (1 search, 1 view)" in told
    assert "nothing is published" in told
    out = tmp_path / "events.jsonl"
    assert reckon("export", str(out), "--after", "1").output.startswith("1 events")
    assert reckon("export", str(out)).output.startswith("2 events")
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["seq"], line["event_id"], line["properties"]) for line in lines] == [(1, "a", {"p": 1}), (2, "b", None)]
    assert not list(tmp_path.glob("*.tmp"))
