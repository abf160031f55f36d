"""Polarity: a planted sentiment is learned, models survive saving, damaged ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kg.errors import ArtifactError, InputError
from kg.opinions.polarity import PolarityModel
from kg.opinions.training import train

PRAISE = ("the dress fits wonderfully", "lovely color and soft fabric", "i love this shirt", "great quality, very happy")
COMPLAINT = ("the seam ripped at once", "ugly color and itchy fabric", "i returned this shirt", "poor quality, very sad")
ZH_PRAISE = ("质量很好，喜欢", "物流快，包装精美", "味道不错，推荐")
ZH_COMPLAINT = ("质量太差，失望", "物流慢，包装破损", "味道难闻，退货")


def planted(praise: tuple[str, ...], complaint: tuple[str, ...], n: int = 40) -> tuple[list[str], np.ndarray]:
    texts = [f"{kind[at % len(kind)]} {at}" for at in range(n) for kind in (praise, complaint)]
    return texts, np.arange(len(texts)) % 2 == 0


@pytest.fixture(scope="module")
def english() -> PolarityModel:
    return train(*planted(PRAISE, COMPLAINT), "en", values=("bad", "good"))


def test_a_planted_sentiment_is_learned(english: PolarityModel) -> None:
    praise, complaint = english.probability(["soft lovely dress", "the itchy seam ripped"])
    assert praise > english.threshold > complaint
    assert english.measured["accuracy"] == 1.0


def test_chinese_is_read_by_words_and_characters() -> None:
    model = train(*planted(ZH_PRAISE, ZH_COMPLAINT), "zh")
    praise, complaint = model.probability(["包装精美，很喜欢", "包装破损，很失望"])
    assert set(model.blocks) == {"words", "characters"}
    assert praise > model.threshold > complaint


def test_a_model_gives_the_same_after_it_was_saved(english: PolarityModel, tmp_path: Path) -> None:
    english.save(tmp_path / "model")
    loaded = PolarityModel.load(tmp_path / "model")
    texts = ["lovely", "ripped", "", "…", "新"]
    assert loaded.probability(texts).tolist() == english.probability(texts).tolist()
    assert loaded.values == ("bad", "good")


def test_batches_do_not_change_a_score(english: PolarityModel) -> None:
    texts = ["lovely color", "the seam ripped"] * 1_100
    whole = english.probability(texts)
    assert len(whole) == 2_200
    assert np.allclose(whole[[0, 1]], english.probability(texts[:2]))


def test_a_damaged_model_is_refused(english: PolarityModel, tmp_path: Path) -> None:
    path = tmp_path / "model"
    english.save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match="opinion model"):
        PolarityModel.load(path)


def test_training_needs_both_kinds() -> None:
    with pytest.raises(InputError, match="5 positive and 3 negative"):
        train(["a"] * 8, np.array([True] * 5 + [False] * 3), "en")


def test_the_share_of_negatives_is_freed_of_the_classifiers_errors(english: PolarityModel) -> None:
    model = PolarityModel(english.language, english.blocks, english.bias, english.spread, 1.0, 0.0, 0.5, (0, 1), (), {"tpr": 0.8, "fpr": 0.05})
    assert model.negative_share(0.8 * 0.2 + 0.05 * 0.8) == pytest.approx(0.2)
    assert model.negative_share(0.01) == 0.0
