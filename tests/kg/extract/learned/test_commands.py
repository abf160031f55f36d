"""`reckon extract train` and `run`: a planted rule is learned, files keep their lines, and broken input names its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kg.errors import ArtifactError, InputError
from kg.extract.learned import commands
from kg.extract.learned.data.scorer import score_tags, score_values
from tests.kg.extract.learned.planted import attribute_lines, read_lines, tag_lines, write_lines


@pytest.fixture(scope="module")
def attribute_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on 120 planted titles."""
    folder = tmp_path_factory.mktemp("attributes")
    commands.train(write_lines(folder / "gold.jsonl", attribute_lines(120)), folder / "model")
    return folder / "model"


@pytest.fixture(scope="module")
def tag_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on 90 planted Chinese titles."""
    pytest.importorskip("jieba", reason="the extra zh is not installed")
    folder = tmp_path_factory.mktemp("tags")
    commands.train(write_lines(folder / "gold.jsonl", tag_lines(90)), folder / "model")
    return folder / "model"


def test_a_planted_rule_is_learned(attribute_model: Path, tmp_path: Path) -> None:
    lines = attribute_lines(60, seed=9)
    asked = [{key: line[key] for key in ("input", "category")} | {"attributes": list(line["target_scores"])} for line in lines]
    done = commands.run(attribute_model, write_lines(tmp_path / "in.jsonl", asked), tmp_path / "out.jsonl")
    answered = read_lines(tmp_path / "out.jsonl")
    gold = [{name: [v for v in values if v != "n/a"] for name, values in line["target_scores"].items()} for line in lines]
    assert done.lines == len(answered) == 60
    assert score_values(gold, [row["predictions"] for row in answered]).f1 > 0.97


def test_every_line_comes_back_with_spans_that_hold_the_value(attribute_model: Path, tmp_path: Path) -> None:
    lines = [{**line, "shop": 7} for line in attribute_lines(20, seed=3)]
    commands.run(attribute_model, write_lines(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl")
    for line, row in zip(lines, read_lines(tmp_path / "out.jsonl"), strict=True):
        assert {key: row[key] for key in line} == line
        assert set(row["predictions"]) == set(row["spans"]) == set(row["confidences"]) == set(line["target_scores"])
        for name, value in row["predictions"].items():
            place = row["spans"][name]
            assert (place is None) == (value is None)
            assert place is None or row[place["field"]][place["start"] : place["end"]] == value
            assert 0 <= row["confidences"][name] <= 1


def test_answers_in_the_input_are_not_read(attribute_model: Path, tmp_path: Path) -> None:
    line = attribute_lines(1, seed=5)[0]
    lied = {**line, "target_scores": {"Brand": {"Nonsense": 1}, "Color": {"n/a": 1}, "Width": {"n/a": 1}}}
    answers = []
    for number, given in enumerate((line, lied)):
        commands.run(attribute_model, write_lines(tmp_path / f"{number}.jsonl", [given]), tmp_path / f"{number}.out")
        answers.append(read_lines(tmp_path / f"{number}.out")[0]["predictions"])
    assert answers[0] == answers[1]


def test_unknown_attributes_and_empty_texts_are_answered_with_nothing(attribute_model: Path, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"input": "", "attributes": ["Brand"]},
        {"input": "Acme red lamp", "category": "new", "attributes": ["Weight", "Brand"]},
        {"input": "Corvid desk"},
    ]
    commands.run(attribute_model, write_lines(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl")
    empty, known, unasked = (row["predictions"] for row in read_lines(tmp_path / "out.jsonl"))
    assert empty == {"Brand": None}
    assert known == {"Weight": None, "Brand": "Acme"}
    assert set(unasked) == {"Brand", "Color", "Width"}


def test_training_twice_gives_the_same_answers(attribute_model: Path, tmp_path: Path) -> None:
    again = tmp_path / "model"
    commands.train(write_lines(tmp_path / "gold.jsonl", attribute_lines(120)), again)
    source = write_lines(tmp_path / "in.jsonl", attribute_lines(15, seed=4))
    for name, model in (("one", attribute_model), ("two", again)):
        commands.run(model, source, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("n", [128, 129, 300])
def test_lines_answered_by_several_processes_are_those_of_one_in_their_order(attribute_model: Path, tmp_path: Path, n: int) -> None:
    lines = attribute_lines(n, seed=6)
    done = commands.run(attribute_model, write_lines(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl")
    alone = b""
    for start in range(0, n, 40):
        part = commands.run(attribute_model, write_lines(tmp_path / "part.jsonl", lines[start : start + 40]), tmp_path / "part.out")
        alone += (tmp_path / "part.out").read_bytes()
        done = commands.Run(done.lines - part.lines, done.given - part.given, done.seconds)
    assert (tmp_path / "out.jsonl").read_bytes() == alone
    assert (done.lines, done.given) == (0, 0)


def test_a_broken_line_far_into_the_file_names_its_place_and_leaves_no_output(attribute_model: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", attribute_lines(300))
    source.write_text(source.read_text() + "{broken\n")
    with pytest.raises(InputError, match="line 301 is not JSON"):
        commands.run(attribute_model, source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [source]


def test_chinese_titles_are_tagged(tag_model: Path, tmp_path: Path) -> None:
    lines = tag_lines(40, seed=8)
    asked = [{"chars": line["chars"]} for line in lines] + [{"chars": ""}]
    commands.run(tag_model, write_lines(tmp_path / "in.jsonl", asked), tmp_path / "out.jsonl")
    rows = read_lines(tmp_path / "out.jsonl")
    assert score_tags([line["tags"] for line in lines], [row["tags"] for row in rows[:-1]]).f1 > 0.97
    assert rows[-1]["tags"] == []
    assert all(len(row["tags"]) == len(row["chars"]) for row in rows)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{broken", "line 2 is not JSON"),
        ("[1]", "line 2 is list"),
        ('{"text": "x"}', "none of the keys"),
        ('{"input": 5, "target_scores": {"A": {"x": 1}}}', "line 2: input is int"),
        ('{"input": "x"}', "line 2 carries no target_scores"),
        ('{"input": "x", "target_scores": {"A": ["x"]}}', "target_scores.A"),
        ('{"chars": "ab", "tags": ["O", "O"]}', "another kind"),
    ],
)
def test_a_malformed_gold_line_names_its_place(line: str, told: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "gold.jsonl", attribute_lines(1))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match=told):
        commands.train(path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_tags_must_fit_the_characters(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "gold.jsonl", [{"chars": "茶杯", "tags": ["O"]}])
    with pytest.raises(InputError, match="2 characters, 1 tags"):
        commands.train(path, tmp_path / "model")


def test_a_damaged_model_is_refused(attribute_model: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", attribute_lines(1))
    stored = bytearray(attribute_model.read_bytes())
    # More bytes than the gaps between a zip's entries have.
    middle = len(stored) // 2
    stored[middle : middle + 256] = bytes(byte ^ 0xFF for byte in stored[middle : middle + 256])
    (tmp_path / "model").write_bytes(stored)
    for path in (tmp_path / "model", tmp_path / "absent", source):
        with pytest.raises(ArtifactError):
            commands.run(path, source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_broken_input_line_leaves_no_output(attribute_model: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", attribute_lines(2))
    source.write_text(source.read_text() + '{"chars": "茶"}\n')
    with pytest.raises(InputError, match="another kind than the model"):
        commands.run(attribute_model, source, tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == [source]


def test_scores_count_what_was_asked() -> None:
    gold = [{"Brand": ["HP", "Hewlett"], "Color": []}, {"Brand": ["Dell"]}]
    predicted: list[dict[str, str | None]] = [{"Brand": "Hewlett", "Color": "red", "Size": "9"}, {"Brand": None}]
    score = score_values(gold, predicted)
    assert (score.right, score.predicted, score.stated) == (1, 2, 2)
    assert np.isclose(score.f1, 0.5)
