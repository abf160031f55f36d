"""A click farm pushes an item into the lists of honest shoppers; without its events the item is out again, and honest shoppers are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from gnn.artifact.artifact import load_artifact, save_artifact
from gnn.config import ModelConfig
from gnn.graph.arrays import GraphArrays
from gnn.recommend.recommender import Recommender
from gnn.risk.blocks import dense_block
from gnn.risk.shop import Report, counted, event_weights, examine
from gnn.training.fit import fit
from kg.graph.build import build_graph
from kg.tables import ATTRIBUTE_COLUMNS, INTERACTION_COLUMNS, ITEM_COLUMNS, Catalog

DAY = 86_400.0
START = 1_700_000_000.0
PUSHED = "i99"
N_ITEMS, N_USERS, N_DAYS = 100, 120, 120


def honest_events(rng: np.random.Generator) -> list[tuple[str, str, float]]:
    """Shoppers who join over four months, keep to one of five aisles, and buy what is popular there; three of them buy very much."""
    found = []
    for user in range(N_USERS):
        joined, aisle = rng.uniform(0, N_DAYS - 20), user % 5
        for _ in range(300 if user < 3 else int(rng.integers(4, 9))):
            place = min(int(rng.exponential(6)), 19) if rng.random() < 0.85 else int(rng.integers(20))
            item = aisle * 20 + place if rng.random() < 0.9 else int(rng.integers(N_ITEMS - 1))
            if item != 99:
                found.append((f"u{user}", f"i{item}", START + DAY * rng.uniform(joined, N_DAYS)))
    return [*found, ("u4", PUSHED, START + DAY * 110)]


def farm_events(rng: np.random.Generator) -> list[tuple[str, str, float]]:
    """Twenty new accounts with thirty purchases each within a day: the pushed item, and popular ones to stand beside."""
    popular = [f"i{aisle * 20 + place}" for aisle in range(5) for place in range(6)]
    found = []
    for number in range(20):
        chosen = [PUSHED, *rng.choice(popular, 29, replace=False)]
        found += [(f"farm{number}", str(item), START + DAY * (100 + rng.uniform(0, 0.9))) for item in chosen]
    return found


def table(events: list[tuple[str, str, float]]) -> pl.DataFrame:
    rows = [{"user_id": user, "item_id": item, "kind": "purchase", "time": time, "quantity": 1.0} for user, item, time in events]
    return pl.DataFrame(rows, schema=dict(INTERACTION_COLUMNS))


@pytest.fixture(scope="module")
def attacked() -> pl.DataFrame:
    rng = np.random.default_rng(7)
    return table(honest_events(rng) + farm_events(rng))


@pytest.fixture(scope="module")
def report(attacked: pl.DataFrame) -> Report:
    return examine(attacked)


def _share_of_lists(events: pl.DataFrame, folder: Path) -> float:
    """Return in which part of the honest shoppers' first ten the pushed item stands."""
    items = pl.DataFrame({"item_id": [f"i{n}" for n in range(N_ITEMS)], "title": [f"Item {n}" for n in range(N_ITEMS)]})
    items = items.with_columns(pl.lit(None).cast(dtype).alias(name) for name, dtype in ITEM_COLUMNS.items() if name not in items.columns)
    tables = build_graph(Catalog(items.select(list(ITEM_COLUMNS)), events), pl.DataFrame(schema=dict(ATTRIBUTE_COLUMNS)))
    graph = GraphArrays.from_tables(tables)
    model = fit(graph, events, ModelConfig(factors=8)).model
    artifact = load_artifact(save_artifact(folder / "artifact", graph, model, build_id="20260101T000000-abc123"))
    lists = Recommender(artifact).recommend_all(10).filter(pl.col("user_id").str.starts_with("u"))
    return lists.filter(pl.col("item_id") == PUSHED).height / lists["user_id"].n_unique()


def test_the_farm_is_found_and_honest_shoppers_are_not(report: Report) -> None:
    flagged = set(report.suspicion)
    assert {f"farm{number}" for number in range(20)} <= flagged
    assert sum(user.startswith("farm") for user in flagged) >= 0.9 * len(flagged)
    assert any(signal.items == (PUSHED,) for signal in report.signals)


def test_nothing_is_flagged_without_a_farm() -> None:
    for seed in range(3):
        assert not examine(table(honest_events(np.random.default_rng(seed)))).suspicion


def test_the_pushed_item_enters_the_lists_and_leaves_them_again(attacked: pl.DataFrame, report: Report, tmp_path: Path) -> None:
    assert _share_of_lists(attacked, tmp_path / "open") >= 0.2
    defended = counted(attacked, event_weights(report.suspicion, {}))
    assert _share_of_lists(defended, tmp_path / "defended") <= 0.02


def test_a_cleared_account_counts_again_and_a_confirmed_one_never(attacked: pl.DataFrame, report: Report) -> None:
    weights = event_weights(report.suspicion, {"farm0": "clear", "u5": "confirm", "farm1": "watch"})
    users = set(counted(attacked, weights)["user_id"])
    assert "farm0" in users
    assert not {"farm1", "u5"} & users


def test_accounts_in_lockstep_are_found_without_being_new(attacked: pl.DataFrame) -> None:
    rng = np.random.default_rng(1)
    pairs = [(f"i{item}", float(day)) for item, day in zip(rng.integers(0, 99, 40), rng.uniform(5, 110, 40), strict=True)]
    ring = [(f"ring{n}", item, START + DAY * (day + 0.001 * n)) for n in range(6) for item, day in pairs if rng.random() < 0.9]
    found = examine(pl.concat([attacked.filter(~pl.col("user_id").str.starts_with("farm")), table(ring)]))
    assert set(found.suspicion) == {f"ring{n}" for n in range(6)}
    assert found.signals[0].kind == "lockstep"


def test_order_of_events_does_not_matter(attacked: pl.DataFrame, report: Report) -> None:
    assert examine(attacked.sample(fraction=1.0, shuffle=True, seed=3)) == report


def test_no_events_no_report() -> None:
    assert examine(table([])).signals == ()
    untimed = table([("a", "i1", 1.0)]).with_columns(time=pl.lit(None, dtype=pl.Float64))
    assert examine(untimed).signals == ()


def test_the_dense_block_is_found_behind_camouflage() -> None:
    rng = np.random.default_rng(0)
    matrix = (rng.random((200, 150)) < 0.02).astype(float)
    matrix[:15, 130:145] = rng.random((15, 15)) < 0.9
    # Camouflage: columns that everybody has.
    matrix[:, :2] = 1
    rows, columns = dense_block(sp.csr_matrix(matrix))
    assert set(range(15)) <= set(rows.tolist())
    assert len(rows) <= 20
    assert set(columns.tolist()) <= set(range(130, 145)) | {0, 1}
