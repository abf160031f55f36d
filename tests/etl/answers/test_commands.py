"""`reckon answers train` and `reckon answers run`: the file contract, and what is refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from etl.answers.commands import answers
from kg.errors import InputError, ReckonError
from tests.gnn.answers.made_up import pairs, sentences


def run(*args: str) -> str:
    result = CliRunner().invoke(answers, list(args))
    if isinstance(result.exception, ReckonError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_intents_from_file_to_file(tmp_path: Path) -> None:
    given, model, out = (str(tmp_path / name) for name in ("in.parquet", "model", "out.parquet"))
    sentences().write_parquet(given)
    assert "accuracy" in run("train", "--intents", given, "--out", model)
    pl.DataFrame({"n": [7, 8], "instruction": ["cancel order 4711", "what is the capital of France"]}).write_parquet(given)
    run("run", "--model", model, "--input", given, "--out", out)
    rows = pl.read_parquet(out)
    assert rows.columns == ["n", "instruction", "intent", "confidence", "refused", "entities"]
    assert rows["intent"][0] == "cancel_order"
    assert rows["refused"].to_list() == [False, True]
    assert rows["entities"][0].to_list() == [{"type": "order_id", "value": "4711", "start": 13, "end": 17}]
    assert rows["entities"][1].to_list() == []


def test_pairs_from_file_to_file(tmp_path: Path) -> None:
    given, model, out = (str(tmp_path / name) for name in ("in.parquet", "model", "out.parquet"))
    pairs().write_parquet(given)
    assert "map" in run("train", "--pairs", given, "--out", model)
    shuffled = pairs().sample(fraction=1, shuffle=True, seed=1)
    shuffled.drop("label").write_parquet(given)
    run("run", "--model", model, "--input", given, "--out", out)
    rows = pl.read_parquet(out)
    assert rows.columns == ["qid", "question", "candidate", "score"]
    assert rows.drop("score").equals(shuffled.drop("label"))
    best = rows.hstack(shuffled.select("label")).sort("score", descending=True).group_by("qid").first()
    assert best["label"].mean() == 1


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"instruction": ["a"]}), "lacks the column intent"),
        (pl.DataFrame({"instruction": [None, "a"], "intent": ["x", "y"], "category": ["x", "y"]}), "1 rows without instruction"),
        (sentences().clear(), "no rows"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, frame: pl.DataFrame, said: str) -> None:
    frame.write_parquet(tmp_path / "in.parquet")
    with pytest.raises(InputError, match=said):
        run("train", "--intents", str(tmp_path / "in.parquet"), "--out", str(tmp_path / "m"))


def test_one_kind_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of them"):
        run("train", "--out", str(tmp_path / "m"))
    pairs().with_columns(label=2).write_parquet(tmp_path / "in.parquet")
    with pytest.raises(InputError, match="neither 0 nor 1"):
        run("train", "--pairs", str(tmp_path / "in.parquet"), "--out", str(tmp_path / "m"))
