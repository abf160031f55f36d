"""The chain: whatever a feature is spelt like, and probabilities that are the exact ones."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from kg.errors import InputError
from kg.extract.learned.data.gold import read_gold
from kg.extract.learned.sequence.chain import Chain, ChainOptions


def test_features_may_be_spelt_with_anything() -> None:
    odd = ["a --> b: 1.0", "two\nlines", "", "nul\0", "(1) x", "é", "x" * 3000]
    texts = [([[name, "bias"], ["rest"]], ["B", "O"]) for name in odd] * 2
    chain = Chain.train(texts, ("O", "B"), ChainOptions(c1=0.0, c2=0.01))
    assert set(odd) < set(chain.features)
    for name in odd:
        scores = chain.scores([[name], ["rest"]])
        assert scores[0, 1] > scores[0, 0]
        assert scores[1, 0] > scores[1, 1]


@pytest.mark.parametrize("lengths", [(1,), (3, 1, 4), (2, 2)])
def test_marginals_are_those_of_adding_up_every_labelling(lengths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sum(lengths))
    chain = Chain(("O", "B", "I"), {}, np.zeros((0, 3), np.float32), rng.normal(size=(3, 3)).astype(np.float32))
    scores = rng.normal(size=(sum(lengths), 3))
    start = 0
    for length, found in zip(lengths, chain.marginals(lengths, scores), strict=True):
        exact = np.zeros((length, 3))
        for labels in itertools.product(range(3), repeat=length):
            total = sum(scores[start + t, label] for t, label in enumerate(labels))
            total += sum(chain.transitions[a, b] for a, b in itertools.pairwise(labels))
            exact[range(length), labels] += np.exp(total)
        np.testing.assert_allclose(found, exact / exact.sum(axis=1, keepdims=True), rtol=1e-6)
        start += length


def test_half_a_character_is_refused_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"input": "\\ud83d\\ude00", "target_scores": {"A": {"n/a": 1}}}\n{"input": "\\ud800", "target_scores": {"A": {"n/a": 1}}}\n')
    with pytest.raises(InputError, match=r"gold\.jsonl, line 2 holds half of a character"):
        read_gold(path)
