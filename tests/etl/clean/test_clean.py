"""Cleaning: every rule, the sum of all counts, the reports, and `reckon check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.clean.cancellations import net_out
from etl.clean.config import FLAGS, CleanConfig
from etl.clean.lines import line_rules, service_lines
from etl.console import Console
from etl.pipeline import jobs
from etl.settings import SourceConfig
from etl.sources.importer import Imported, import_sources
from etl.stages.importing import said
from kg.config import load_config
from kg.errors import InputError
from kg.tables import Catalog
from kg.validation.ratings import RatingScale
from kg.workspace import Workspace
from tests.etl.conftest import Run

NOW = 1_714_600_000.0
LINES = """invoice,code,name,n,at,cost,who
1,a,Green tea,2,2024-05-01T10:00:00,2.00,u
1,b,Mug,10,2024-05-01T10:00:00,3.00,u
1,b,Mug,10,2024-05-01T10:00:00,3.00,u
1,POST,Postage,1,2024-05-01T10:00:00,9.00,u
C2,b,Mug,-4,2024-05-01T11:00:00,3.00,u
C3,a,Green tea,-2,2024-05-01T11:00:00,2.00,u
C4,a,Green tea,-1,2024-05-01T12:00:00,2.00,v
5,a,Green tea,1,2024-05-01T10:00:00,2.00,
6,a,Green tea,-3,2024-05-01T10:00:00,2.00,w
6,b,Mug,1,2031-05-01T10:00:00,3.00,w
6,b,Mug,1,2024-05-01T10:00:00,-3.00,w
7,b,Mug,0,2024-05-01T10:00:00,3.00,w
8,b,Mug,80995,2024-05-01T10:00:00,3.00,w
9,b,Mug,1,2024-05-01T10:00:00,3000.00,w
10,b,Mug,1,2024-05-01T10:00:00,3.10,x
10,b,Mug,1,2024-05-01T10:30:00,3.10,x
10,b,Mug,1,2024-05-01T10:31:00,3.10,x
"""
ITEMS: dict[str, Any] = {"table": "items", "path": "lines.csv", "columns": {"item_id": "code", "title": "name"}, "repeated": "first"}
COLUMNS = {"user_id": "who", "item_id": "code", "time": "at", "quantity": "n", "price": "cost", "order": "invoice"}
EVENTS: dict[str, Any] = {"table": "interactions", "path": "lines.csv", "kind": "purchase", "columns": COLUMNS}


def load(folder: Path, text: str = LINES, clean: CleanConfig | None = None) -> Imported:
    (folder / "lines.csv").write_text(text)
    return import_sources(folder, [SourceConfig.model_validate(source) for source in (ITEMS, EVENTS)], clean=clean, now=NOW)


def test_each_row_is_good_flagged_or_rejected(tmp_path: Path) -> None:
    imported = load(tmp_path)
    name = "lines.csv (interactions)"
    flagged = imported.events.flagged().collect().filter(pl.col("source") == name)
    assert dict(flagged.select("line", "flag").iter_rows()) == {
        **{4: "duplicate", 5: "service_line", 6: "cancellation", 7: "cancellation", 8: "cancellation_unmatched", 9: "no_user"},
        **{2: "cancelled", 13: "no_quantity", 14: "outlier_quantity", 15: "outlier_price"},
    }
    told = pl.concat(imported.rejects).select("line", "column", "why").rows()
    assert told == [
        (10, "quantity", "is negative, and its order is no cancellation"),
        (11, "time", "is in the future"),
        (12, "price", "is negative"),
    ]
    good = imported.catalog.interactions.select("user_id", "item_id", "quantity").rows()
    assert good == [("u", "b", 6.0), ("x", "b", 1.0), ("x", "b", 1.0), ("x", "b", 1.0)]
    assert imported.catalog.items["item_id"].to_list() == ["a", "b"]
    for counts in imported.counts.values():
        assert counts.rows == counts.good + counts.flagged + counts.empty + counts.rejected == 17
    assert said(imported.counts[name]) == "17 rows, 4 good, 10 flagged, 3 rejected"
    assert imported.events.n_reduced == 1


def test_flagged_rows_can_be_used(tmp_path: Path) -> None:
    imported = load(tmp_path, clean=CleanConfig(use_flagged=("outlier_quantity", "duplicate")))
    assert imported.catalog.interactions.height == 6
    assert imported.counts["lines.csv (interactions)"].flagged == 10


def test_rules_can_be_switched_off(tmp_path: Path) -> None:
    imported = load(tmp_path, clean=CleanConfig(duplicates=False, outlier_z=0, service_lines=False))
    flags = imported.details["lines.csv (interactions)"].flags
    assert not {"duplicate", "outlier_quantity", "outlier_price", "service_line"} & set(flags)
    assert "POST" in imported.catalog.items["item_id"].to_list()


def test_without_an_order_a_negative_quantity_takes_back(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("id\na\n")
    (tmp_path / "e.csv").write_text("who,what,at,n\nu,a,1,5\nu,a,3,-2\nu,a,2,1\nv,a,9,-1\n")
    sources = [
        SourceConfig(table="items", path="i.csv", columns={"item_id": "id"}),
        SourceConfig(
            table="interactions", path="e.csv", columns={"user_id": "who", "item_id": "what", "time": "at", "quantity": "n"}, kind="purchase"
        ),
    ]
    imported = import_sources(tmp_path, sources, now=NOW)
    assert imported.catalog.interactions.select("user_id", "quantity").rows() == [("u", 4.0)]
    assert imported.details["e.csv"].flags == {"cancellation": 1, "cancelled": 1, "cancellation_unmatched": 1}


def test_bots_are_flagged_by_their_rate(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("id\na\n")
    rows = [f"bot,a,view,{1_714_557_600 + n}" for n in range(12)] + [f"u,a,view,{1_714_557_600 + 600 * n}" for n in range(12)]
    rows += [f"w,a,purchase,{1_714_557_600}.{n:02}" for n in range(1, 13)] + ["bot,a,purchase,1714000000"]
    (tmp_path / "e.csv").write_text("\n".join(["who,what,kind,at", *rows]))
    columns: dict[str, str | list[str]] = {"user_id": "who", "item_id": "what", "kind": "kind", "time": "at"}
    sources = [
        SourceConfig(table="items", path="i.csv", columns={"item_id": "id"}),
        SourceConfig(table="interactions", path="e.csv", columns=columns),
    ]
    imported = import_sources(tmp_path, sources, clean=CleanConfig(bot_events_per_hour=10), now=NOW)
    assert imported.details["e.csv"].flags == {"bot": 13}
    assert sorted(imported.catalog.interactions["user_id"].unique()) == ["u", "w"]


quantities = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 4), st.booleans()), max_size=12)


@given(quantities)
@settings(deadline=None)
def test_what_is_left_is_what_was_bought_less_what_was_taken_back(rows: list[tuple[int, int, int, bool]]) -> None:
    schema = {"user": pl.UInt64(), "item": pl.UInt64(), "quantity": pl.Float64(), "cancels": pl.Boolean()}
    events = pl.DataFrame(rows, schema=schema, orient="row").with_row_index("row").with_columns(time=pl.col("row").cast(pl.Float64))
    netted = net_out(events)
    assert sorted([*netted.matched, *netted.unmatched]) == events.filter("cancels")["row"].to_list()
    for user in (0, 1):
        for item in (0, 1):
            own = events.filter((pl.col("user") == user) & (pl.col("item") == item))
            left = 0.0
            for quantity, cancels in own.select("quantity", "cancels").iter_rows():
                left = max(0.0, left - quantity) if cancels else left + quantity
            bought = own.filter(~pl.col("cancels") & ~pl.col("row").is_in(netted.cancelled))
            assert sum(netted.reduced.get(row, quantity) for row, quantity in bought.select("row", "quantity").iter_rows()) == left


@pytest.mark.parametrize(
    ("item_id", "title", "service"),
    [
        *[("POST", "POSTAGE", True), ("D", "Discount", True), ("M", "Manual", True), ("m", "Manual", True), ("DOT", "DOTCOM POSTAGE", True)],
        *[
            ("BANK CHARGES", None, True),
            ("AMAZONFEE", "AMAZON FEE", True),
            ("CRUK", "CRUK Commission", True),
            ("TEST001", "This is a test product.", True),
        ],
        *[
            ("17", "Shipping", True),
            ("C2", "CARRIAGE", True),
            ("gift_0001_20", "Dotcomgiftshop Gift Voucher £20.00", True),
            ("B", "Adjust bad debt", True),
        ],
        *[
            ("M", "Mug", False),
            ("D", None, False),
            ("85123A", "POSTAGE STAMP MUG", False),
            ("9", "Manual coffee grinder", False),
            ("8", "Test tube rack", False),
        ],
    ],
)
def test_which_lines_are_no_items(item_id: str, title: str | None, service: bool) -> None:
    frame = pl.DataFrame({"item_id": [item_id], "title": [title]}, schema={"item_id": pl.String, "title": pl.String})
    assert service_lines(frame, line_rules(Path(), CleanConfig())).to_list() == [service]


def test_a_shop_adds_rules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text('{"name": "deposit", "item_id": "^PFAND"}\n')
    rules = line_rules(tmp_path, CleanConfig(rules="more.jsonl", service_lines=False))
    assert [rule.name for rule in rules] == ["deposit"]
    for text in ("{}\n", '{"name": "x", "item": "y"}\n', '{"name": "x", "item_id": "("}\n', "no\n"):
        (tmp_path / "more.jsonl").write_text(text)
        with pytest.raises(InputError, match=r"more\.jsonl, line 1"):
            line_rules(tmp_path, CleanConfig(rules="more.jsonl"))
    with pytest.raises(InputError, match="cannot be read"):
        line_rules(tmp_path, CleanConfig(rules="none.jsonl"))


def test_a_source_of_flagged_rows_only_is_an_error(tmp_path: Path) -> None:
    text = "\n".join([*LINES.splitlines()[:3], ""]).replace(",u\n", ",\n")
    with pytest.raises(InputError, match="none of 2 rows of interactions can be used: 2 no_user"):
        load(tmp_path, text)


TOML = "".join(
    f'[[source]]\ntable = "{source["table"]}"\npath = "lines.csv"\n'
    + (f'kind = "{source["kind"]}"\n' if "kind" in source else 'repeated = "first"\n')
    + "columns = { "
    + ", ".join(f'{ours} = "{theirs}"' for ours, theirs in source["columns"].items())
    + " }\n"
    for source in (ITEMS, EVENTS)
)


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """A workspace whose only file has a fault of every kind."""
    (tmp_path / "lines.csv").write_text(LINES)
    (tmp_path / "reckon.toml").write_text(TOML)
    return tmp_path


def test_the_report_is_in_the_workspace_and_in_the_build(messy: Path) -> None:
    workspace = Workspace.open(messy)
    build = workspace.build(jobs.Job(workspace, load_config(messy, {}), Console()).run("import"))
    for name in ("import.json", "import.md"):
        assert (build / name).read_bytes() == (workspace.reports / name).read_bytes()
    report = json.loads((workspace.reports / "import.json").read_text())
    totals = report["totals"]
    assert totals["rows"] == totals["good"] + totals["flagged"] + totals["empty"] + totals["rejected"] == 34
    assert {flag: entry["rows"] for flag, entry in report["flags"].items() if flag in ("duplicate", "service_line")} == {
        "duplicate": 1,
        "service_line": 2,
    }
    assert set(report["flags"]) == set(FLAGS)
    assert "| lines.csv | items | csv | UTF-8 | 17 |" in (workspace.reports / "import.md").read_text()
    assert pl.read_parquet(build / "flagged.parquet").height == totals["flagged"]
    assert Catalog.read(build / "catalog").interactions.height == 4
    assert not (build / "import.tmp").exists()


def test_a_failed_import_leaves_nothing_half_written(messy: Path) -> None:
    workspace = Workspace.open(messy)
    with (messy / "lines.csv").open("ab") as file:
        file.write(b"x" * (17 << 20))
    with pytest.raises(InputError, match="a line of more than"):
        jobs.Job(workspace, load_config(messy, {}), Console()).run("import")
    assert not workspace.reports.exists()
    assert [
        path.name for build in workspace.build_ids() for path in workspace.build(build).iterdir() if "catalog" in path.name or "import" in path.name
    ] == []


def test_check_says_pass_or_fail(run: Run, messy: Path) -> None:
    code, out, err = run("check", "-w", messy)
    assert code == 4
    lines = out.splitlines()
    assert lines[0].startswith("PASS lines.csv (items): csv, UTF-8; 17 rows, 2 good, 1 flagged, 14 empty")
    assert lines[1].startswith("FAIL lines.csv (interactions): csv, UTF-8; 17 rows, 4 good, 10 flagged, 3 rejected")
    assert "first at lines.csv:10: quantity '-3.0' is negative, and its order is no cancellation" in lines[1]
    assert lines[2] == "2 sources: 1 pass, 1 fail"
    assert "3 rows would be rejected" in err
    assert sorted(path.name for path in messy.iterdir()) == ["lines.csv", "reckon.toml"]
    code, out, _ = run("check", "-w", messy, "--allow-rejects", 3)
    assert code == 0
    assert out.endswith("2 sources: 2 pass, 0 fail\n")


def test_check_goes_on_after_a_broken_source(run: Run, messy: Path) -> None:
    (messy / "reckon.toml").write_text(TOML.replace('title = "name"', 'title = "nmae"'))
    code, out, _ = run("check", "-w", messy, "--json")
    assert code == 3
    first, second = map(json.loads, out.splitlines())
    assert first["pass"] is False
    assert "did you mean 'name'?" in first["message"]
    # Nothing is held against the events for a catalogue that could not be read.
    assert (second["source"], second["rejected"]) == ("lines.csv (interactions)", 3)


def test_a_real_messy_shop(data_folder: Path, tmp_path: Path) -> None:
    path = str(data_folder / "shops" / "online_retail.parquet")
    columns: dict[str, str | list[str]] = {
        "user_id": "CustomerID",
        "item_id": "StockCode",
        "time": "InvoiceDate",
        "quantity": "Quantity",
        "price": "UnitPrice",
        "order": "InvoiceNo",
    }
    sources = [
        SourceConfig(table="items", path=path, columns={"item_id": "StockCode", "title": "Description", "price": "UnitPrice"}, repeated="common"),
        SourceConfig(table="interactions", path=path, columns=columns, kind="purchase"),
    ]
    imported = import_sources(tmp_path, sources)
    for counts in imported.counts.values():
        assert counts.rows == counts.good + counts.flagged + counts.empty + counts.rejected == 541_909
    assert imported.n_rejected == 0
    flags = imported.details[f"{path} (interactions)"].flags
    assert flags["no_user"] == 135_080
    assert flags["cancellation"] + flags["cancellation_unmatched"] > 8_000
    items = imported.items["item_id"]
    assert not set(items) & {"POST", "D", "M", "m", "DOT", "C2", "BANK CHARGES", "AMAZONFEE", "CRUK", "B", "S"}
    assert (imported.catalog.interactions["quantity"] < 10_000).all()


STARS = "who,code,stars\n" + "".join(f"u{n},a,{n % 5 + 1}\n" for n in range(20))
RATED = {"table": "interactions", "path": "stars.csv", "kind": "rating", "columns": {"user_id": "who", "item_id": "code", "rating": "stars"}}


def _stars(folder: Path, more: str, ratings: RatingScale | None = None) -> Imported:
    (folder / "lines.csv").write_text(LINES)
    (folder / "stars.csv").write_text(STARS + more)
    sources = [SourceConfig.model_validate(table) for table in (ITEMS, RATED)]
    return import_sources(folder, sources, now=NOW, ratings=ratings)


def test_an_absurd_rating_is_flagged_and_an_empty_one_rejected(tmp_path: Path) -> None:
    imported = _stars(tmp_path, "x,a,-1000000\ny,a,\nz,a,nan\nw,a,inf\n")
    assert imported.events.flagged().collect()["flag"].to_list().count("outlier_rating") == 1
    assert imported.n_rejected == 3
    assert imported.catalog.interactions["rating"].is_between(1, 5).all()


def test_a_rating_outside_the_shops_scale_is_rejected_with_the_bounds(tmp_path: Path) -> None:
    imported = _stars(tmp_path, "x,a,6\ny,a,\n", RatingScale(1, 5))
    assert imported.n_rejected == 2
    assert "a rating is 1 to 5" in str(list(imported.rejects))
