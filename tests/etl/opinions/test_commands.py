"""`reckon opinions train`, `run` and `watch` over files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from etl.opinions.commands import opinions
from kg.errors import InputError

PRAISE = ("The dress fits, great quality.", "Lovely color, soft fabric.", "I love this shirt, beautiful design.")
COMPLAINT = ("The zipper broke, poor quality.", "Ugly color and itchy fabric.", "The zipper is terrible, I returned it.")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(opinions, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def labelled(path: Path, n: int = 40) -> Path:
    texts = [f"{kind[at % 3]} {at}" for at in range(n) for kind in (PRAISE, COMPLAINT)]
    pl.DataFrame({"text": texts, "label": [1, 0] * n, "n": range(2 * n)}).write_parquet(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "opinions.model"
    run("train", "--reviews", labelled(tmp_path / "train.parquet"), "--text", "text", "--label", "label", "--language", "en", "--out", path)
    return path


def test_rows_keep_their_order_and_get_label_score_and_aspects(model: Path, tmp_path: Path) -> None:
    texts = [COMPLAINT[0], PRAISE[1], None, "", "x" * 1_000_000, "<script>alert(1)</script> \x00\x07", "'; DROP TABLE reviews; --"]
    pl.DataFrame({"text": texts, "score": ["kept out"] * 7, "id": list("abcdefg")}).write_parquet(tmp_path / "in.parquet")
    output = run("run", "--model", model, "--input", tmp_path / "in.parquet", "--text", "text", "--out", tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert "2 reviews are empty, the first in row 2" in output
    assert "row 4: the review has 1,000,000 characters" in output
    assert found["id"].to_list() == list("abcdefg")
    assert found["text"].to_list() == texts
    assert found["label"].to_list()[:4] == [0, 1, None, None]
    assert found["score"].drop_nulls().is_between(0, 1).all()
    aspects = found["aspects"][0].to_list()
    assert [(aspect["name"], aspect["polarity"]) for aspect in aspects] == [("zipper", "negative"), ("quality", "negative")]
    assert all(COMPLAINT[0][aspect["start"] : aspect["end"]].lower() == aspect["name"] for aspect in aspects)


def stream(path: Path, **columns: Any) -> Path:
    """Two items with four reviews a day; one of them has a bad batch in the last weeks."""
    rows = []
    for day in range(90):
        for item in ("good", "bad"):
            for n in range(4):
                broken = (item == "bad" and day >= 60 and n < 2) or (day % 9 == 0 and n == 0)
                text = COMPLAINT[0 if item == "bad" and day >= 60 else 1] if broken else PRAISE[(day + n) % 3]
                rows.append({"item_id": item, "text": f"{text} {day}", "time": 1_700_000_000 + day * 86_400 + n * 3_600})
    pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=0).with_columns(**columns).write_parquet(path)
    return path


@pytest.mark.parametrize("with_model", [True, False])
def test_a_bad_batch_raises_one_alert_that_names_what_is_complained_of(model: Path, tmp_path: Path, with_model: bool) -> None:
    chosen = ("--model", model) if with_model else ()
    path = stream(tmp_path / "reviews.parquet")
    run("watch", "--reviews", path, "--text", "text", "--time", "time", "--key", "item_id", "--out", tmp_path / "alerts.jsonl", *chosen)
    (alert,) = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert alert["key"] == "bad"
    assert alert["topic"] == "zipper"
    start = (alert["start_s"] - 1_700_000_000) / 86_400
    assert 57 <= start <= 61
    assert alert["start_s"] <= alert["detected_at_s"] <= alert["start_s"] + 14 * 86_400
    assert alert["p_value"] <= 2e-3
    frame = pl.read_parquet(path)
    assert all(frame["text"][example["row"]] == example["text"] and "zipper" in example["text"] for example in alert["examples"])


def test_ratings_are_learned_from_where_there_is_no_model(tmp_path: Path) -> None:
    negative = pl.col("text").str.contains("zipper|Ugly")
    path = stream(tmp_path / "reviews.parquet", rating=pl.when(negative).then(1).otherwise(5))
    output = run("watch", "--reviews", path, "--text", "text", "--time", "time", "--key", "item_id", "--out", tmp_path / "alerts.jsonl")
    assert "a model trained on the ratings of the file" in output
    assert "1 alerts" in output


def test_dates_are_times(tmp_path: Path) -> None:
    path = stream(tmp_path / "reviews.parquet", time=pl.from_epoch("time").dt.strftime("%Y-%m-%d %H:%M:%S"))
    run("watch", "--reviews", path, "--text", "text", "--time", "time", "--key", "item_id", "--out", tmp_path / "alerts.jsonl")
    assert json.loads((tmp_path / "alerts.jsonl").read_text())["detected_at"].startswith("2024-01-")


@pytest.mark.parametrize(
    ("columns", "option", "message"),
    [
        ({"time": pl.lit(None)}, {}, "the time is None; 720 rows"),
        ({"time": pl.col("time") * 1000}, {}, "no time in Unix seconds"),
        ({}, {"--key": "brand"}, "lacks the column brand"),
        ({"text": pl.lit(3)}, {}, "is no text"),
        ({"text": pl.lit("")}, {}, "no review with a text"),
        ({}, {"--false-alarms": "2"}, "--false-alarms is 2"),
    ],
)
def test_what_cannot_be_watched_is_refused(tmp_path: Path, columns: dict[str, Any], option: dict[str, str], message: str) -> None:
    path = stream(tmp_path / "reviews.parquet", **columns)
    options = {"--text": "text", "--time": "time", "--key": "item_id", "--out": str(tmp_path / "out"), **option}
    with pytest.raises(InputError, match=message):
        run("watch", "--reviews", path, *[part for pair in options.items() for part in pair])


def test_files_that_are_no_tables_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 is not enough")
    (tmp_path / "reviews.doc").write_text("good")
    for name, message in (("broken.parquet", "cannot be read"), ("reviews.doc", "of a known kind"), ("absent.csv", "does not exist")):
        with pytest.raises(InputError, match=message):
            run("run", "--model", model, "--input", tmp_path / name, "--text", "text", "--out", tmp_path / "out.parquet")
