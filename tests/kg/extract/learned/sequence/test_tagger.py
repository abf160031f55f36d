"""What the chains say of a text: the same however it is computed, and nothing of attributes that are not asked for."""

from __future__ import annotations

import numpy as np
import pytest

from kg.extract.learned.data.gold import Example, example_of
from kg.extract.learned.sequence.chain import ChainOptions
from kg.extract.learned.sequence.features import attribute_free, gazetteer_features
from kg.extract.learned.sequence.labels import label
from kg.extract.learned.sequence.tagger import Question, Tagger
from kg.extract.learned.words import Splitter
from tests.kg.extract.learned.planted import attribute_lines

SPLITTER = Splitter()


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [example_of(line, "planted", labelled=True) for line in attribute_lines(160)]


@pytest.fixture(scope="module")
def tagger(examples: list[Example]) -> Tagger:
    return Tagger.fit([label(example, SPLITTER) for example in examples], ChainOptions(iterations=10))


def question(text: str, *asked: str, category: str = "lamp") -> Question:
    return Question(SPLITTER.split([("input", text)]), category, asked)


TEXTS = ["Acme red lamp 20 cm", "Unheard of thing", "Bolt & Nut navy blue desk 10 cm No. 7", "lamp"]


def test_scores_that_are_looked_up_together_are_those_of_each_chain(tagger: Tagger) -> None:
    questions = [question(text, "Brand", "Color", "Width") for text in TEXTS]
    for one, (alone, _) in zip(questions, tagger.marginals(questions), strict=True):
        base, asked, inside = attribute_free(one.words, one.category, tagger.evidence, None)
        for name, chain in tagger.chains.items():
            column = tagger.evidence.number[name]
            matches = tagger.evidence.matches(one.words, name, one.category)
            own = gazetteer_features(one.words, matches, asked[:, column], inside[:, column])
            scores = chain.scores([here + more for here, more in zip(base, own, strict=True)])
            np.testing.assert_allclose(alone[name], chain.marginals([len(one.words)], scores)[0], atol=1e-6)


def test_a_text_is_read_alike_alone_and_among_others(tagger: Tagger) -> None:
    questions = [question(text, "Brand", "Width") for text in TEXTS]
    for one, (alone, together) in zip(questions, tagger.marginals(questions), strict=True):
        ((alone_too, together_too),) = tagger.marginals([one])
        for found, expected in ((alone, alone_too), (together, together_too)):
            assert found.keys() == expected.keys()
            for name in found:
                np.testing.assert_allclose(found[name], expected[name], atol=1e-9)


def test_attributes_compete_for_a_word_and_those_not_asked_for_are_ruled_out(tagger: Tagger) -> None:
    ((_, both),) = tagger.marginals([question("Acme red lamp 20 cm", "Brand", "Color")])
    ((_, color),) = tagger.marginals([question("Acme red lamp 20 cm", "Color")])
    assert set(both) == {"Brand", "Color"}
    assert set(color) == {"Color"}
    stated = np.sum([1 - p[:, 0] for p in both.values()], axis=0)
    assert stated.max() <= 1 + 1e-9
    assert both["Brand"][0, 1] > 0.9
    assert both["Color"][1, 1] > 0.9
    assert color["Color"][0, 1] < 0.1


def test_a_category_without_a_chain_is_read_by_the_attributes_alone(tagger: Tagger) -> None:
    ((alone, together),) = tagger.marginals([question("Acme red sofa", "Brand", category="sofa")])
    assert set(alone) == {"Brand"}
    assert not together
