"""What is read of a review keeps its places, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.opinions.reading import MAX_CHARS, checked_language, language_of, language_of_all, read
from kg.opinions.words import words_of


@given(st.text(max_size=300))
def test_what_is_masked_keeps_its_length(text: str) -> None:
    assert len(read(text)) == len(text)


@given(st.text(max_size=200), st.sampled_from(["en", "zh"]))
def test_words_stand_where_they_are_said_to(text: str, language: str) -> None:
    masked = read(text)
    words = words_of(masked, checked_language(language))
    for word, (start, end) in zip(words.lower, words.spans, strict=True):
        assert masked[start:end].lower().replace("’", "'") == word.replace("’", "'")


def test_markup_and_control_characters_are_not_read() -> None:
    assert read("a<script>b</script>\x00c\u202ed").split() == ["a", "b", "c", "d"]
    assert read("3 < 4 and 5 > 2") == "3 < 4 and 5 > 2"


def test_a_megabyte_is_read_up_to_a_limit() -> None:
    assert len(read("<" * 1_000_000)) == MAX_CHARS


def test_language_is_that_of_most_texts() -> None:
    assert language_of("屏幕 very good but the battery is bad") == "en"
    assert language_of_all(["很好", "不错", "fine"]) == "zh"
    with pytest.raises(InputError, match="'de'"):
        checked_language("de")
