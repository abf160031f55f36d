"""The spaCy component: spans of a trained model in a pipeline, the same one by one and many at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from kg.errors import ArtifactError
from kg.extract.learned import commands
from kg.extract.learned.component import CATEGORY, SPANS
from tests.kg.extract.learned.planted import attribute_lines, write_lines


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on 60 planted titles."""
    folder = tmp_path_factory.mktemp("component")
    commands.train(write_lines(folder / "gold.jsonl", attribute_lines(60)), folder / "model")
    return folder / "model"


def test_spans_carry_attribute_and_confidence(model: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("reckon_learned", config={"model": str(model), "attributes": ["Brand", "Width", "Nobody"]})
    lines = attribute_lines(12, seed=7)
    docs = [nlp.make_doc(str(line["input"])) for line in lines]
    for doc, line in zip(docs, lines, strict=True):
        doc.user_data[CATEGORY] = line["category"]
    right = 0
    for doc, line in zip(nlp.pipe(docs), lines, strict=True):
        found = {span.label_: span.text for span in doc.spans[SPANS]}
        assert set(found) <= {"Brand", "Width"}
        assert len(doc.spans[SPANS].attrs["confidences"]) == len(doc.spans[SPANS])
        right += sum(found.get(name) in line["target_scores"][name] for name in ("Brand", "Width"))
        alone = nlp.make_doc(doc.text)
        alone.user_data[CATEGORY] = line["category"]
        assert {span.label_: span.text for span in nlp(alone).spans[SPANS]} == found
    assert right >= 22


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="model"):
        spacy.blank("en").add_pipe("reckon_learned", config={"model": str(tmp_path / "model")})
