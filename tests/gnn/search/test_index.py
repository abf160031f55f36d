"""The index: sums by hand, what is stored is what is read, changed items take the place of those of the build."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from gnn.search.corpus import Corpus
from gnn.search.fields import ItemText
from gnn.search.index import K1, B, SearchIndex
from gnn.search.query.understanding import Understood, Word
from gnn.search.scoring import match
from gnn.search.weights import DEFAULTS
from kg.errors import ArtifactError


def item(title: str, description: str = "") -> ItemText:
    return ItemText((title, description, "", "", ""))


ITEMS = [item("red shirt"), item("blue shirt shirt", "a red one"), item("green tea")]


def requested(*terms: str) -> Understood:
    return Understood(" ".join(terms), tuple(Word(term, 0, 0, term) for term in terms))


def test_an_addend_is_bm25f_by_hand() -> None:
    corpus = Corpus.of(SearchIndex.build(ITEMS))
    docs, values = corpus.addends("shirt")
    assert docs.tolist() == [0, 1]
    # Weighted lengths: 2 words of 2; 3 words of 2, and 2 of 1 ("a" is a stop word); 2 words of 2.
    lengths = [4.0, 8.0, 4.0]
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    for place, counted in enumerate((2.0, 4.0)):
        norm = K1 * (1 - B + B * lengths[place] / np.mean(lengths))
        assert values[place] == pytest.approx(idf * counted * (K1 + 1) / (counted + norm), rel=1e-6)


def test_what_is_stored_is_what_is_read(tmp_path: Path) -> None:
    index = SearchIndex.build(ITEMS)
    index.save(tmp_path / "search")
    read = SearchIndex.load(tmp_path / "search")
    for terms in (("red",), ("shirt", "blue"), ("tea",)):
        before, after = (match(Corpus.of(one), requested(*terms)) for one in (index, read))
        assert before.docs.tolist() == after.docs.tolist()
        np.testing.assert_array_equal(before.scores(DEFAULTS), after.scores(DEFAULTS))
    (tmp_path / "search" / "terms.json").write_text("[")
    with pytest.raises(ArtifactError):
        SearchIndex.load(tmp_path / "search")


def test_changed_new_and_deleted_items() -> None:
    index = SearchIndex.build(ITEMS)
    corpus = Corpus.of(index, 4, [(0, item("yellow hat")), (3, item("red scarf"))], gone=[2])
    assert corpus.addends("red")[0].tolist() == [1, 3]
    assert corpus.addends("hat")[0].tolist() == [0]
    assert corpus.addends("tea")[0].tolist() == []
    assert [corpus.title(doc) for doc in (0, 1, 3)] == ["yellow hat", "blue shirt shirt", "red scarf"]
    # A new item is valued by the statistics of the build, as if it had been there.
    whole = dict(zip(*(part.tolist() for part in Corpus.of(index).addends("red")), strict=True))
    live = dict(zip(*(part.tolist() for part in corpus.addends("red")), strict=True))
    assert live[1] == whole[1]
    assert live[3] == pytest.approx(whole[0])
