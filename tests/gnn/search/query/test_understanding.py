"""How queries are read, and what is suggested."""

from __future__ import annotations

import numpy as np
import pytest

from gnn.search.engine import SearchEngine
from gnn.search.query.suggest import Suggester


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("shirt under 30", None, 3000),
        ("shirt under €29.90", None, 2990),
        ("shirt over 10 euro", 1000, None),
        ("shirt between 20 and 30", 2000, 3000),
        ("shirt from 20 to 30 $", 2000, 3000),
        ("shirt < 15", None, 1500),
        ("cable under 5 m", None, None),
        ("monitor over 20 inch", None, None),
        ("over ear headphones", None, None),
    ],
)
def test_limits_of_the_price(engine: SearchEngine, text: str, low: int | None, high: int | None) -> None:
    matches = engine.understood(text)
    assert (matches.price_from, matches.price_to) == (low, high)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bottle 0.5 l", ("has_volume", "500 ml")),
        ("half litre bottle", ("has_volume", "500 ml")),
        ("17 inch notebook", ("has_screen_size", "17 in")),
        ("500 g", ("has_weight", "500 g")),
    ],
)
def test_amounts_have_their_meaning_in_the_graph(engine: SearchEngine, text: str, meaning: tuple[str, str]) -> None:
    (amount,) = engine.understood(text).quantities
    assert meaning in amount.values
    assert text[amount.start : amount.end].strip() == amount.surface


def test_places_are_those_of_the_query(engine: SearchEngine) -> None:
    text = "keybaord -numpad under 30 black"
    matches = engine.understood(text)
    assert [text[word.start : word.end] for word in matches.words] == ["keybaord", "black"]
    assert [text[word.start : word.end] for word in matches.negated] == ["numpad"]


def test_a_word_that_the_catalogue_has_is_never_corrected(engine: SearchEngine) -> None:
    for title in engine.corpus.base.titles:
        assert not engine.understood(title[:500]).corrections


def test_words_beyond_the_most_are_named(engine: SearchEngine) -> None:
    matches = engine.understood(" ".join(f"word{n}" for n in range(40)))
    assert len(matches.words) == 24
    assert matches.left_out[0] == "word24"


def _suggester(engine: SearchEngine) -> Suggester:
    artifact = engine.recommender.artifact
    return Suggester(engine.corpus, artifact, np.asarray(artifact.available))


def test_suggestions_begin_as_what_was_typed(engine: SearchEngine) -> None:
    matches = _suggester(engine).suggest("not")
    assert ("kind", "notebook") in [(one.kind, one.text) for one in matches]
    assert any(one.kind == "product" for one in matches)
    brands = [one.text for one in _suggester(engine).suggest("log") if one.kind == "brand"]
    assert brands == ["Logitech"]
    both = [one.item_id for one in _suggester(engine).suggest("cherry key") if one.kind == "product"]
    assert both == ["k1"]
    assert _suggester(engine).suggest("   ") == []
    assert _suggester(engine).suggest("zzz") == []


def test_what_must_not_be_shown_is_not_suggested(engine: SearchEngine) -> None:
    artifact = engine.recommender.artifact
    shown = np.asarray([item_id != "k1" for item_id in artifact.item_ids])
    matches = Suggester(engine.corpus, artifact, shown).suggest("keyb", 20)
    assert {one.item_id for one in matches if one.kind == "product"} == {"k2", "k3"}
