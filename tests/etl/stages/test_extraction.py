"""The extract stage with inferred values and text vectors switched on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from etl.console import Console
from etl.pipeline.jobs import Job
from etl.stages.training import with_texts
from kg.config import load_config
from kg.workspace import Workspace
from tests.conftest import TOML, write_shop
from tests.gnn.oracles import shop


def _towels(n: int) -> str:
    words = {"red": "Rose", "blue": "Ocean"}
    rows = []
    for number in range(n):
        color = "red" if number % 2 else "blue"
        rows.append(f"t{number},{words[color]} towel {number % 5},Bathco,Bath>Towels,{color if number % 4 > 1 else ''}")
    return "item_id,title,brand,categories,color\n" + "\n".join(rows) + "\n"


def _job(folder: Path, **extract: str) -> Job:
    switches = "\n".join(f"{key} = {value}" for key, value in extract.items())
    toml = TOML.replace('brand = "brand"', 'brand = "brand", color = "color"') + f"\n[extract]\n{switches}\n"
    events = "user,item,kind,at\nu,t1,view,2024-01-01T10:00:00\n"
    workspace = Workspace.open(write_shop(folder, items=_towels(400), events=events, toml=toml))
    return Job(workspace, load_config(workspace.root, {}), Console())


def test_inferred_values_are_marked_and_enter_the_facts_above_the_threshold(tmp_path: Path) -> None:
    job = _job(tmp_path / "shop", infer="true")
    build = job.workspace.build(job.run("extract"))
    facts = pl.read_parquet(build / "attributes.parquet").filter(pl.col("relation") == "has_color")
    inferred = facts.filter(pl.col("extractor") == "inferred")
    assert inferred.height == 200
    assert (inferred["confidence"] >= 0.9).all()
    assert facts.filter(pl.col("extractor") == "catalog").height == 200
    assert pl.read_parquet(build / "inferred.parquet").height == 200


def test_nothing_is_inferred_unless_asked(tmp_path: Path) -> None:
    job = _job(tmp_path / "shop")
    build = job.workspace.build(job.run("extract"))
    assert not pl.read_parquet(build / "attributes.parquet").filter(pl.col("extractor") == "inferred").height
    assert not (build / "inferred.parquet").exists()


def test_vectors_stand_in_the_order_of_item_ids(tmp_path: Path) -> None:
    job = _job(tmp_path / "shop", vectors='"hashing"')
    build = job.workspace.build(job.run("extract"))
    vectors = np.load(build / "text_vectors.npy")
    titles = pl.read_parquet(build / "catalog" / "items.parquet").sort("item_id")["title"].to_list()
    same = [titles.index(titles[0], 1), 0]
    assert vectors.shape[0] == len(titles)
    np.testing.assert_allclose(vectors[same[0]], vectors[same[1]])


def test_training_gets_the_vectors_by_item(tmp_path: Path) -> None:
    job = _job(tmp_path / "shop", vectors='"hashing"')
    build = job.workspace.build(job.run("extract"))
    vectors = np.load(build / "text_vectors.npy")
    ids = sorted(f"t{number}" for number in range(400))
    graph, _ = shop(["another", "t7", "t20"], [{"user_id": "u", "item_id": "t7"}], [])
    found = with_texts(graph, build).text_vectors
    assert found is not None
    assert not found[0].any()
    for num, item_id in enumerate(graph.item_ids[1:], start=1):
        np.testing.assert_array_equal(found[num], vectors[ids.index(item_id)])
    (build / "text_vectors.npy").unlink()
    assert with_texts(graph, build) is graph
