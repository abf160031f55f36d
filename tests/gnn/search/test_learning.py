"""Weights from judgements: what is planted is found, and the measures are the textbook's."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest

from gnn.search.engine import SearchEngine
from gnn.search.learning.judgements import Judgements, graded_ndcg, recall, reciprocal_rank
from gnn.search.learning.training import train
from gnn.search.weights import DEFAULTS, Weights
from kg.errors import ArtifactError, InputError


def test_ndcg_is_the_textbooks() -> None:
    # Worked by hand: gains 7, 0, 3 at discounts 1, 1/log2 3, 1/2; ideal 7, 3, 0.
    assert graded_ndcg([3, 0, 2], [3, 2, 0]) == pytest.approx((7 + 3 / 2) / (7 + 3 / math.log2(3)))
    assert graded_ndcg([0, 0], [3]) == 0
    assert recall([0, 3, 0], [3, 1]) == 0.5
    assert reciprocal_rank([0, 0, 1]) == pytest.approx(1 / 3)


def judged(rows: list[tuple[str, str, int]], path: Path, item: str = "item_id") -> Path:
    pl.DataFrame(rows, schema=["query", item, "rating"], orient="row").write_parquet(path)
    return path


def test_judgements_are_read_with_either_name_of_the_item(tmp_path: Path) -> None:
    rows = [("laptop", "n1", 3), ("laptop", "s1", 0), ("nothing", "s1", 0)]
    for item in ("item_id", "docid"):
        matches = Judgements.read(judged(rows, tmp_path / f"{item}.parquet", item))
        assert matches.ratings == {"laptop": {"n1": 3, "s1": 0}}
        assert (matches.n_rows, matches.n_without) == (3, 1)


@pytest.mark.parametrize("rows", [[("laptop", "n1", 4)], [("laptop", "n1", -1)], [("laptop", "n1", 0)]])
def test_judgements_that_cannot_be_used_are_refused(tmp_path: Path, rows: list[tuple[str, str, int]]) -> None:
    with pytest.raises(InputError):
        Judgements.read(judged(rows, tmp_path / "j.parquet"))


QUERIES = ("laptop", "notebook", "hp notebook", "keyboard", "case", "lock", "memory card", "smartwatch", "bottle", "laptop case", "black keyboard")


def test_training_learns_that_accessories_are_wanted_where_persons_say_so(engine: SearchEngine) -> None:
    # Who judges every accessory as the best for "notebook" teaches that being something else is no fault.
    accessories = {"s1": 3, "s2": 3, "s3": 3, "s4": 3}
    ratings = {f"notebook {word}": accessories for word in ("black", "red", "for", "laptop", "inch", "14", "15.6", "17", "targus", "kensington")}
    matches = train(Judgements(ratings), engine.matches, engine.recommender.artifact.item_nums.get, folds=3)
    assert matches.weights.values != DEFAULTS
    assert matches.weights.measured is not None
    assert matches.weights.measured["ndcg"] > matches.weights.measured["ndcg_defaults"]


def test_too_few_queries_teach_nothing(engine: SearchEngine) -> None:
    with pytest.raises(InputError, match="only 1 queries"):
        train(Judgements({"laptop": {"n1": 3}}), engine.matches, engine.recommender.artifact.item_nums.get)


def test_training_is_the_same_twice(engine: SearchEngine) -> None:
    ratings = Judgements({query: {"n1": 3, "k1": 2, "m1": 1, "b1": 0} for query in QUERIES})
    first, second = (train(ratings, engine.matches, engine.recommender.artifact.item_nums.get) for _ in range(2))
    assert first.weights == second.weights


def test_weights_are_kept_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "search" / "weights.json"
    assert Weights.load(path) == Weights.default()
    Weights({**DEFAULTS, "kind": 0.7}, "judgements", {"ndcg": 0.8}).save(path)
    assert Weights.load(path).values["kind"] == 0.7
    path.write_text('{"weights": {"kind": "much"}}')
    with pytest.raises(ArtifactError):
        Weights.load(path)
