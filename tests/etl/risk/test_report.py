"""`reckon risk report`, `decide` and `decisions` on a published shop, and what training leaves out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from etl.risk.commands import risk
from etl.risk.report import NAME
from kg.resolve.merges import Resolution
from kg.tables import Catalog
from kg.workspace import Workspace
from tests.small_shop import BUILD_ID, copy_of, small_catalog

START = 1_704_100_000.0


def run(*arguments: object) -> str:
    result = CliRunner().invoke(risk, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def write_catalog(workspace: Workspace, catalog: Catalog) -> None:
    build = workspace.build(BUILD_ID)
    (build / "catalog").mkdir()
    catalog.write(build / "catalog")
    (build / "resolution").mkdir()
    Resolution().write(build / "resolution")


@pytest.fixture
def attacked(small_shop: Workspace, tmp_path: Path) -> Workspace:
    """The small shop with a hundred earlier shoppers, and eight accounts that bought one item on one day."""
    workspace = copy_of(small_shop, tmp_path / "shop")
    catalog = small_catalog()
    rows = [
        {"user_id": f"s{n % 100}", "item_id": str(1 + (n * 3 + n // 100) % 7), "kind": "purchase", "time": START + 43_200.0 * n, "quantity": 1.0}
        for n in range(400)
    ]
    rows += [{"user_id": f"farm{n}", "item_id": "8", "kind": "purchase", "time": START + 43_200.0 * 350 + n, "quantity": 1.0} for n in range(8)]
    events = pl.concat([catalog.interactions, pl.DataFrame(rows, schema=dict(catalog.interactions.schema))])
    write_catalog(workspace, Catalog(catalog.items, events))
    return workspace


def test_the_report_names_the_farm_and_what_is_not_counted(attacked: Workspace) -> None:
    assert "8 events of suspected accounts not counted" in run("report", "-w", attacked.root)
    body = json.loads((attacked.reports / NAME).read_text())
    assert {account["user_id"] for account in body["accounts"]} == {f"farm{n}" for n in range(8)}
    assert body["signals"][0]["items"] == ["8"]


def test_a_cleared_account_counts_again_and_every_decision_is_kept(attacked: Workspace) -> None:
    run("decide", "farm0", "clear", "--by", "eve", "--note", "a class", "-w", attacked.root)
    run("decide", "s1", "confirm", "--by", "eve", "-w", attacked.root)
    # Four purchases of s1 count no more, one of farm0 does again.
    assert "11 events of suspected accounts not counted" in run("report", "-w", attacked.root)
    told = run("decisions", "-w", attacked.root).splitlines()
    assert ["clear" in told[0], "confirm" in told[1], len(told)] == [True, True, 2]


def test_a_shop_without_a_farm_is_left_alone(small_shop: Workspace, tmp_path: Path) -> None:
    workspace = copy_of(small_shop, tmp_path / "shop")
    write_catalog(workspace, small_catalog())
    assert "0 events of suspected accounts not counted" in run("report", "-w", workspace.root)
