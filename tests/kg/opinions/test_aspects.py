"""Aspects: what an opinion is about, where it stands, and whether it is praised."""

from __future__ import annotations

import pytest

from kg.opinions.aspects import AspectFinder
from kg.opinions.vocabulary import learn_aspects

ENGLISH, CHINESE = AspectFinder.of("en"), AspectFinder.of("zh")


def named(finder: AspectFinder, text: str) -> list[tuple[str, str]]:
    return [(aspect.name, aspect.polarity) for aspect in finder.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great battery life!", [("battery life", "positive")]),
        ("The screen is not good.", [("screen", "negative")]),
        ("Great battery life, but the speakers are terrible.", [("battery life", "positive"), ("speaker", "negative")]),
        ("I bought it with a battery. It is great.", []),
        ("The fabric is soft and the zipper broke", [("fabric", "positive"), ("zipper", "negative")]),
    ],
)
def test_english(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(ENGLISH, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("屏幕清晰，电池不好。", [("屏幕", "positive"), ("电池", "negative")]),
        ("服务态度很差", [("服务态度", "negative")]),
        ("昨天买的手机", []),
    ],
)
def test_chinese(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(CHINESE, text) == expected


@pytest.mark.parametrize("text", ["<b>Great</b>\x00 <i>battery life</i>!", "  Great battery life", "“Great battery life” 👍"])
def test_a_place_is_one_in_the_review_as_stored(text: str) -> None:
    (aspect,) = ENGLISH.find(text)
    assert text[aspect.start : aspect.end] == "battery life"


def test_what_reviews_speak_of_is_learned() -> None:
    reviews = [f"The plunger is stiff. My plunger broke after {n} days of work" for n in range(30)] + ["I slowly walked"] * 30
    learned = learn_aspects(reviews, "en")
    assert ("plunger",) in learned
    assert ("walked",) not in learned
    assert named(AspectFinder.of("en", learned), "an awful plunger") == [("plunger", "negative")]


def test_chinese_nouns_are_learned() -> None:
    assert ("鼠标",) in learn_aspects(["这个鼠标很好用"] * 10, "zh")
