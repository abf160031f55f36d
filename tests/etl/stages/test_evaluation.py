"""The evaluate stage on a build made by hand: ratings reach the report where interactions carry them, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from etl.console import Console
from etl.stages.evaluation import evaluate_build, report_build
from gnn.artifact.artifact import save_artifact
from gnn.config import ModelConfig
from gnn.events.split import split_interactions
from gnn.training.fit import fit
from kg.config import load_config
from kg.resolve.merges import Resolution
from kg.tables import ITEM_COLUMNS, Catalog
from tests.conftest import write_shop
from tests.gnn.oracles import shop

MODEL = ModelConfig(factors=0, regression_items=0, epochs=5)


@pytest.mark.parametrize("rated", [True, False])
def test_ratings_are_reported_where_there_are_any(tmp_path: Path, rated: bool) -> None:
    root = write_shop(tmp_path / "shop")
    with (root / "reckon.toml").open("a") as file:
        file.write('\n[evaluate]\nsplit = "random"\nbootstrap = 0\nbaselines = ["popularity"]\nexplanations = false\n')
    items = [f"b{brand}i{number}" for brand in range(6) for number in range(12)]
    events: list[dict[str, object]] = [
        {"user_id": f"u{user:02}", "item_id": item, "kind": "rating", "rating": float(1 + place % 5) if rated else None}
        for user in range(80)
        for place, item in enumerate(items[user % 6 * 12 : user % 6 * 12 + 10])
    ]
    graph, interactions = shop(items, events, [(item, "has_brand", item[:2]) for item in items])
    build = root / "builds" / "20260101T000000-abcdef"
    table = pl.DataFrame([{"item_id": item, "title": item, "categories": []} for item in items], schema=dict(ITEM_COLUMNS))
    for name in ("catalog", "resolution"):
        (build / name).mkdir(parents=True)
    Resolution().write(build / "resolution")
    Catalog(table, interactions).write(build / "catalog")
    train = split_interactions(interactions, method="random").train
    save_artifact(build / "model", graph.with_interactions(train), fit(graph, train, MODEL).model, build_id=build.name)
    save_artifact(build / "artifact", graph, fit(graph, interactions, MODEL).model, build_id=build.name)
    evaluate_build(load_config(root, {}), MODEL, build, Console(), measured_as="a")
    first = json.loads((build / "report.json").read_text())
    assert "not measured yet" in first["verdict"]
    assert first["ablations"] == {}
    report_build(load_config(root, {}), MODEL, build, Console())
    content = json.loads((build / "report.json").read_text())
    assert ("ratings" in content) == rated
    for name in ("report.md", "report.html"):
        assert ("RMSE" in (build / name).read_text(encoding="utf-8")) == rated
    assert "with shuffled attributes" in content["ablations"]
    if rated:
        # A rating is the item's own here: the means know it, the mean of all does not.
        found = content["ratings"]["models"]
        assert found["user and item means"]["rmse"] < 0.5 * found["global mean"]["rmse"]
        assert found["rating head"]["rmse"] < 1.2 * found["user and item means"]["rmse"]
