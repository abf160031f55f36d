"""Attributes of an item, ranked for a question."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnn.answers.attributes.candidate import parse
from gnn.answers.attributes.lexicon import attribute_words
from gnn.answers.attributes.ranker import AttributeRanker, LabelledQuestion
from kg.errors import ArtifactError, InputError
from tests.gnn.answers.made_up import pairs


def asked() -> list[LabelledQuestion]:
    rows = pairs().group_by("qid", maintain_order=True).agg("question", "candidate", "label")
    return [LabelledQuestion(q[0], tuple(c), np.array(label, dtype=np.int8)) for _, q, c, label in rows.iter_rows()]


@pytest.fixture(scope="module")
def ranker() -> AttributeRanker:
    return AttributeRanker.train(asked())


def test_the_right_attribute_comes_first(ranker: AttributeRanker) -> None:
    assert ranker.measured["p_at_1"] == 1
    candidates = ['color: { value:"red" }', "item_weight: { unit:kilograms, value:3 }", 'brand: { value:"Leafy" }']
    assert int(ranker.rank("how heavy is that one?", candidates).argmax()) == 1
    assert ranker.rank("who is the maker?", candidates)[2] > 0.5
    assert ranker.rank("x", []).tolist() == []


def test_a_ranker_is_read_as_it_was_written(ranker: AttributeRanker, tmp_path: Path) -> None:
    ranker.save(tmp_path / "m")
    again = AttributeRanker.load(tmp_path / "m")
    for one in asked()[:10]:
        assert again.rank(one.question, one.candidates).tolist() == ranker.rank(one.question, one.candidates).tolist()
    (tmp_path / "n").write_bytes(b"no model")
    with pytest.raises(ArtifactError, match="not a attribute ranker"):
        AttributeRanker.load(tmp_path / "n")


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="1 questions have a right and a wrong candidate"):
        AttributeRanker.train(asked()[:1])


@pytest.mark.parametrize("text", ["", ":", "a:" * 5000, "{{{{", 'x: { value:"', "\x00", "颜色: 红色"])
def test_any_text_is_a_candidate(ranker: AttributeRanker, text: str) -> None:
    parse(text)
    assert ranker.rank("what color is it?", [text, "brand: x"]).shape == (2,)


def test_nested_values_are_taken_apart() -> None:
    one = parse('display: { size:[ { unit:inches, value:5.5 } ], type:[ { value:"lcd" } ] }')
    assert (one.name, one.values, one.units, one.kind) == (("display", "size", "type"), ("5.5", "lcd"), ("inch",), "number")
    assert "weight" in attribute_words()["heavy"]
