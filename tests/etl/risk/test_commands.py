"""`reckon risk train` and `reckon risk score`: the file contract, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from etl.risk.commands import risk
from kg.errors import InputError, ReckonError
from tests.gnn.risk.made_up import payments

CUT = 2_200


def run(*args: str) -> str:
    result = CliRunner().invoke(risk, list(args))
    if isinstance(result.exception, ReckonError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def files(tmp_path: Path) -> Path:
    made_up = payments()
    made_up[:CUT].write_parquet(tmp_path / "early.parquet")
    made_up[CUT:].write_parquet(tmp_path / "late.parquet")
    return tmp_path


def _train(files: Path, *more: str) -> str:
    return run("train", "--transactions", str(files / "early.parquet"), "--out", str(files / "risk.model"), *more)


def _score(files: Path, *more: str, transactions: str = "late.parquet") -> pl.DataFrame:
    paths = (
        "--model",
        files / "risk.model",
        "--transactions",
        files / transactions,
        "--history",
        files / "early.parquet",
        "--out",
        files / "out.parquet",
    )
    run("score", *map(str, paths), *more)
    return pl.read_parquet(files / "out.parquet")


def test_score_adds_its_columns_and_keeps_the_file(files: Path) -> None:
    assert "wrote" in _train(files)
    scored, late = _score(files), pl.read_parquet(files / "late.parquet")
    assert scored.select(late.columns).equals(late)
    assert scored["score"].is_between(0, 1).all()
    assert scored["reasons"].list.len().min() > 1  # type: ignore[operator]


def test_without_feedback_no_label_is_needed(files: Path) -> None:
    _train(files)
    with_labels = _score(files)["score"]
    for name in ("early", "late"):
        pl.read_parquet(files / f"{name}.parquet").drop("Labels").write_parquet(files / f"{name}.parquet")
    assert _score(files)["score"].equals(with_labels)


def test_a_file_out_of_order_is_scored_in_its_own_order(files: Path) -> None:
    _train(files, "--feedback")
    plain = _score(files, "--feedback")
    mixed = np.random.default_rng(5).permutation(plain.height)
    pl.read_parquet(files / "late.parquet")[mixed].write_parquet(files / "mixed.parquet")
    assert _score(files, "--feedback", transactions="mixed.parquet")["score"].equals(plain["score"][mixed])


def test_other_columns_and_dates_are_mapped(files: Path) -> None:
    names = {"Time": "at", "Source": "payer", "Target": "payee", "Amount": "sum", "Labels": "fraud"}
    for name in ("early", "late"):
        frame = pl.read_parquet(files / f"{name}.parquet").rename(names).drop("Location", "Type")
        start = datetime(2026, 1, 1, tzinfo=UTC)
        frame.with_columns(at=start + pl.duration(seconds="at"), payer=pl.col("payer")).write_parquet(files / f"{name}.parquet")
    _train(files, "--map", "time=at,source=payer,target=payee,amount=sum,label=fraud")
    assert _score(files)["score"].is_between(0, 1).all()


def _changed(files: Path, name: str, *columns: pl.Expr) -> None:
    pl.read_parquet(files / name).with_columns(*columns).write_parquet(files / name)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Time", None, "row 0, column Time: the time is null"),
        ("Amount", -1.0, "the amount is -1.0"),
        ("Amount", float("nan"), "the amount is nan"),
        ("Amount", float("inf"), "the amount is inf"),
        ("Amount", "12", "amounts are String"),
        ("Time", "monday", "times are String"),
        ("Source", None, "the source is null"),
        ("Target", "", "the target is ''"),
        ("Labels", 7, "the label is 7"),
        ("Labels", "yes", "the label is 'yes'"),
        ("Labels", 0.5, "the label is 0.5"),
    ],
)
def test_a_bad_row_is_named(files: Path, column: str, value: object, says: str) -> None:
    _changed(files, "early.parquet", pl.lit(value).alias(column))
    with pytest.raises(InputError, match=says.replace("'", ".")):
        _train(files)


def test_files_that_cannot_be_used_are_named(files: Path) -> None:
    with pytest.raises(InputError, match="lacks the column Betrag"):
        _train(files, "--map", "time=Time,source=Source,target=Target,amount=Betrag,label=Labels")
    for wrong in ("time", "time=Time", "clock=Time", "time=Time,time=Time"):
        with pytest.raises(InputError, match="--map"):
            _train(files, "--map", wrong)
    with pytest.raises(InputError, match="lacks the column of the labels"):
        _train(files, "--map", "time=Time,source=Source,target=Target,amount=Amount")
    payments()[:0].write_parquet(files / "early.parquet")
    with pytest.raises(InputError, match="no rows"):
        _train(files)
    (files / "early.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="not a Parquet file"):
        _train(files)
    (files / "early.parquet").unlink()
    with pytest.raises(InputError, match="does not exist"):
        _train(files)


def test_feedback_is_asked_for_as_it_was_trained(files: Path) -> None:
    _train(files)
    with pytest.raises(InputError, match="trained without --feedback"):
        _score(files, "--feedback")
    with pytest.raises(InputError, match="--delay without --feedback"):
        _train(files, "--delay", "5")


def test_a_label_that_takes_long_counts_later(files: Path) -> None:
    _train(files, "--feedback", "--delay", "100")
    late = pl.read_parquet(files / "late.parquet")
    first, before = _score(files, "--feedback"), late["Time"] < late["Time"][0] + 100
    _changed(files, "late.parquet", (1 - pl.col("Labels").clip(0, 1)).alias("Labels"))
    again = _score(files, "--feedback")
    assert first.filter(before)["score"].equals(again.filter(before)["score"])
    assert not first["score"].equals(again["score"])
